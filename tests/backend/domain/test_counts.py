"""How many instants lie in a time: counted by days, and exactly as many as a walk of minutes finds.

The walk knows no calendar arithmetic; see ``test_clock_changes``.
"""

import random
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import resources
from itertools import pairwise

import pytest
import tzdata

from headgate_server.domain.schedules.counts import Counted, count_times
from headgate_server.domain.schedules.specs import CronSpec, IntervalSpec, RRuleSpec, Spec
from headgate_server.domain.schedules.steps import Steps
from headgate_server.domain.schedules.times import next_times
from headgate_server.domain.wall_clocks import find_zone
from tests.backend.domain.test_clock_changes import CHANGES, ELAPSED, WALL_CLOCK, by_wall_clock

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
EVERY_MINUTE = CronSpec("* * * * *", "Europe/London")
WINTER = datetime(2026, 11, 23, 12, tzinfo=UTC)


def count(
    spec: Spec, start: datetime, until: datetime, *, limit: int = 1_000, most: int | None = None
) -> tuple[Counted, int]:
    steps = Steps()
    found = count_times(spec, start=start, until=until, limit=limit, steps=steps, most_steps=most)
    return found, steps.taken


@pytest.mark.parametrize(("zone_name", "day"), CHANGES)
def test_count_is_that_of_a_walk_wherever_it_begins_and_ends(zone_name: str, day: str) -> None:
    zone = find_zone(zone_name)
    chance = random.Random(f"{zone_name} {day}")  # noqa: S311  not for secrets
    first = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=zone).astimezone(UTC) - 6 * DAY
    first = first.replace(second=0)
    instants = [first + number * MINUTE for number in range(12 * 1440)]
    minutes = [(at, at.astimezone(zone).replace(tzinfo=None)) for at in instants]
    cases = [
        (name, make(zone_name), by_wall_clock(minutes, matches))
        for name, make, matches in WALL_CLOCK
    ] + [
        (name, make(zone_name), [at for at, wall in minutes[1:] if matches(wall)])
        for name, make, matches in ELAPSED
    ]

    for name, spec, fires in cases:
        for _ in range(4):
            start, until = sorted(first + chance.random() * 12 * DAY for _ in range(2))
            start, until = chance.choice([(start, until), (start.replace(second=0), until)])
            start = max(start, first + MINUTE)
            wanted = [at for at in fires if start <= at <= until]
            limit = chance.choice([1, 7, 1_000])

            found, _ = count(spec, start, until, limit=limit)

            assert found == Counted(len(wanted), wanted[-limit:], until), (name, start, until)
            after = [at for at in fires if at > start][:3]
            assert next_times(spec, after=start, limit=len(after) or 1)[:3] == after or not after


@pytest.mark.parametrize(
    "spec",
    [
        CronSpec("*/10 * * * *"),
        CronSpec("0 3 * * *", timezone="Europe/London"),
        CronSpec("0 0 13 * FRI", timezone="Africa/Cairo"),
        CronSpec("*/7 1-5 L * *", day_or=False),
        IntervalSpec(timedelta(minutes=7), datetime(2027, 1, 1, tzinfo=UTC)),
        IntervalSpec(timedelta(minutes=7), datetime(2020, 1, 1, 0, 0, 30, tzinfo=UTC)),
        RRuleSpec("DTSTART:20200101T000000\nFREQ=HOURLY;BYMINUTE=0,30"),
        RRuleSpec("DTSTART:20200101T000000\nFREQ=MONTHLY;BYDAY=-1FR"),
    ],
)
@pytest.mark.parametrize("limit", [1, 5, 1000])
def test_parts_of_a_time_add_up_to_the_whole_of_it(spec: Spec, limit: int) -> None:
    start = next_times(spec, after=datetime(2026, 3, 28, tzinfo=UTC), limit=1)[0]
    until = start + 40 * DAY
    whole = [at for at in iter_all(spec, start - MINUTE / 2) if at <= until]

    found, _ = count(spec, start, until, limit=limit)

    assert (found.count, found.latest) == (len(whole), whole[-limit:])
    assert count(spec, start + MINUTE / 4, start + MINUTE / 3)[0].count == 0
    total, at = 0, start
    while at <= until:
        part, _ = count(spec, at, until, limit=limit, most=3)
        total += part.count
        at = part.until + timedelta(microseconds=1)
    assert total == len(whole)


def iter_all(spec: Spec, after: datetime) -> list[datetime]:
    found: list[datetime] = []
    end = after + 41 * DAY
    while more := next_times(spec, after=found[-1] if found else after, until=end):
        found += more
    return found


def test_a_long_outage_of_an_interval_is_reckoned() -> None:
    start = datetime(2020, 1, 1, tzinfo=UTC)
    spec = IntervalSpec(timedelta(seconds=1), start)

    found, steps = count(spec, start, start + 3650 * DAY, limit=2)

    assert found.count == 3650 * 86_400 + 1
    assert found.latest == [start + timedelta(days=3650, seconds=-1), start + 3650 * DAY]
    assert steps == 2


def test_a_cron_is_counted_by_days_but_for_those_around_a_change() -> None:
    plain, of_plain = count(EVERY_MINUTE, WINTER, WINTER + 40 * DAY, limit=1)
    change = datetime(2026, 10, 25, 12, tzinfo=UTC)
    walked, of_walked = count(EVERY_MINUTE, change - 20 * DAY, change + 20 * DAY, limit=1)

    assert (plain.count, walked.count) == (40 * 1440 + 1, 40 * 1440 + 1)
    assert of_plain <= 40 + 1440 + 10
    assert of_walked <= 40 + (3 + 2) * 1500 + 1440


def test_an_instant_is_found_without_a_look_at_the_days_before_it() -> None:
    steps = Steps()

    count_times(EVERY_MINUTE, start=WINTER, until=WINTER, limit=1, steps=steps)

    assert steps.taken <= 5


def test_what_matches_nothing_costs_steps_too() -> None:
    spec = RRuleSpec("DTSTART:20200101T000000\nFREQ=DAILY;BYMONTH=2;BYMONTHDAY=29")

    found, steps = count(spec, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))

    assert (found.count, found.latest) == (0, [])
    assert 700 < steps < 1_000


def test_no_zone_changes_its_clocks_and_back_within_six_days() -> None:
    names = resources.files(tzdata).joinpath("zones").read_text("utf-8").split()
    assert len(names) > 400

    for name in names:
        for one, two in pairwise(transitions(name)):
            assert two - one > 6 * 86_400, name


def transitions(name: str) -> Iterator[int]:
    """Yield when the clocks of a zone change by its own file, in seconds since 1970."""
    content = resources.files(tzdata).joinpath("zoneinfo", *name.split("/")).read_bytes()
    header = struct.Struct(">4s c 15x 6l")
    magic, _, is_utc, is_std, leaps, times, types, letters = header.unpack_from(content)
    assert magic == b"TZif"
    # What follows the old block of 32 bits is the same with 64.
    start = header.size + times * 5 + types * 6 + letters + leaps * 8 + is_std + is_utc
    _, _, _, _, _, times, _, _ = header.unpack_from(content, start)
    yield from struct.unpack_from(f">{times}q", content, start + header.size)
