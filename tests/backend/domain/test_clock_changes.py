"""Every kind of schedule over changes of the clock in many zones, against a walk of all minutes.

The walk knows no calendar arithmetic: it looks at what the clock shows at each minute of UTC.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
import tzdata

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.schedules.preview import preview
from headgate_server.domain.schedules.specs import CronSpec, IntervalSpec, RRuleSpec, Spec
from headgate_server.domain.schedules.times import next_times
from headgate_server.domain.schedules.words import describe
from headgate_server.domain.wall_clocks import TZDATA_VERSION, find_zone

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BERLIN = "Europe/Berlin"
Matches = Callable[[datetime], bool]

CHANGES = [
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("America/Sao_Paulo", "2018-11-04"),
    ("America/Sao_Paulo", "2019-02-17"),
    ("America/St_Johns", "2026-03-08"),
    ("America/Havana", "2026-03-08"),
    ("America/Santiago", "2026-09-06"),
    ("Europe/London", "2026-03-29"),
    ("Europe/London", "2026-10-25"),
    ("Europe/Dublin", "2026-10-25"),
    ("Europe/Berlin", "2026-03-29"),
    ("Africa/Cairo", "2026-04-24"),
    ("Africa/Cairo", "2026-10-30"),
    ("Africa/Casablanca", "2026-02-15"),
    ("Africa/Casablanca", "2026-03-22"),
    ("Asia/Beirut", "2026-03-29"),
    ("Asia/Kathmandu", "1986-01-01"),
    ("Asia/Tehran", "2022-03-22"),
    ("Asia/Pyongyang", "2018-05-05"),
    ("Australia/Lord_Howe", "2026-04-05"),
    ("Australia/Lord_Howe", "2026-10-04"),
    ("Pacific/Apia", "2011-12-30"),
    ("Pacific/Kwajalein", "1993-08-21"),
]


def at_times(*times: str) -> Matches:
    return lambda wall: f"{wall:%H:%M}" in times


def rule(text: str) -> Callable[[str], Spec]:
    return lambda zone: RRuleSpec(f"DTSTART:19800101T000000\n{text}", zone)


def cron(text: str) -> Callable[[str], Spec]:
    return lambda zone: CronSpec(text, zone)


WALL_CLOCK: list[tuple[str, Callable[[str], Spec], Matches]] = [
    ("cron 02:30", cron("30 2 * * *"), at_times("02:30")),
    ("cron midnight", cron("0 0 * * *"), at_times("00:00")),
    ("cron three", cron("15 0,1,3 * * *"), at_times("00:15", "01:15", "03:15")),
    ("rule 02:30", rule("FREQ=DAILY;BYHOUR=2;BYMINUTE=30"), at_times("02:30")),
    ("rule midnight", rule("FREQ=DAILY"), at_times("00:00")),
    (
        "rule Sundays",
        rule("FREQ=WEEKLY;BYDAY=SU;BYHOUR=1,2;BYMINUTE=15"),
        lambda wall: wall.weekday() == 6 and f"{wall:%H:%M}" in {"01:15", "02:15"},
    ),
    (
        "rule 30th",
        rule("FREQ=MONTHLY;BYMONTHDAY=30;BYHOUR=12"),
        lambda wall: wall.day == 30 and f"{wall:%H:%M}" == "12:00",
    ),
    (
        "rule 3 h named",
        rule("FREQ=HOURLY;INTERVAL=3;BYHOUR=0,3,6;BYMINUTE=15"),
        at_times("00:15", "03:15", "06:15"),
    ),
    (
        "rule 30 min named",
        rule("FREQ=MINUTELY;INTERVAL=30;BYHOUR=2;BYMINUTE=0,30"),
        at_times("02:00", "02:30"),
    ),
]
ELAPSED: list[tuple[str, Callable[[str], Spec], Matches]] = [
    ("cron 15 min", cron("*/15 * * * *"), lambda wall: wall.minute % 15 == 0),
    ("cron 2 h", cron("0 */2 * * *"), lambda wall: wall.minute == 0 and wall.hour % 2 == 0),
    ("rule hour", rule("FREQ=HOURLY;BYMINUTE=30"), lambda wall: wall.minute == 30),
    (
        "rule 20 min of hours",
        rule("FREQ=MINUTELY;INTERVAL=20;BYHOUR=1,2"),
        lambda wall: wall.minute % 20 == 0 and wall.hour in {1, 2},
    ),
]
COUNTED: list[tuple[str, Callable[[str], Spec], Matches, timedelta, int]] = [
    ("rule 20 min", rule("FREQ=MINUTELY;INTERVAL=20"), lambda wall: True, MINUTE, 20),
    ("rule 3 h", rule("FREQ=HOURLY;INTERVAL=3"), lambda wall: wall.minute == 0, HOUR, 3),
    (
        "rule 5 h quarters",
        rule("FREQ=HOURLY;INTERVAL=5;BYMINUTE=15,45"),
        lambda wall: wall.minute in {15, 45},
        HOUR,
        5,
    ),
    (
        "rule 90 min of days",
        rule("FREQ=MINUTELY;INTERVAL=90;BYDAY=SA,SU,MO"),
        lambda wall: wall.weekday() in {5, 6, 0},
        MINUTE,
        90,
    ),
    (
        "rule 7 min named",
        rule("FREQ=MINUTELY;INTERVAL=7;BYMINUTE=0,30"),
        lambda wall: wall.minute in {0, 30},
        MINUTE,
        7,
    ),
]
"""Every so-many-th of the hours, or minutes, that have passed since the rule began."""


def walk(zone_name: str, day: str) -> list[tuple[datetime, datetime]]:
    """Return all minutes of the days around a change, each with what the clock shows."""
    zone = find_zone(zone_name)
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=zone).astimezone(UTC)
    start = noon.replace(second=0) - 2 * DAY
    instants = [start + number * MINUTE for number in range(4 * 1440)]
    return [(at, at.astimezone(zone).replace(tzinfo=None)) for at in instants]


def by_wall_clock(minutes: list[tuple[datetime, datetime]], matches: Matches) -> list[datetime]:
    """Fire as the clock first shows a matching time, or has just jumped over one."""
    found: list[datetime] = []
    latest = minutes[0][1]
    for at, wall in minutes[1:]:
        passed = (wall - latest) // MINUTE
        if any(matches(latest + number * MINUTE) for number in range(1, passed + 1)):
            found.append(at)
        latest = max(latest, wall)
    return found


@pytest.mark.parametrize(("zone_name", "day"), CHANGES)
def test_named_times_fire_once_and_the_others_by_elapsed_time(zone_name: str, day: str) -> None:
    minutes = walk(zone_name, day)
    after, until = minutes[0][0], minutes[-1][0]

    for name, make, matches in WALL_CLOCK:
        found = next_times(make(zone_name), after=after, until=until)
        assert found == by_wall_clock(minutes, matches), name
        assert all(one < two for one, two in pairwise(found)), name
    for name, make, matches in ELAPSED:
        found = next_times(make(zone_name), after=after, until=until)
        assert found == [at for at, wall in minutes[1:] if matches(wall)], name
    begun = datetime(1980, 1, 1, tzinfo=find_zone(zone_name)).astimezone(UTC)
    for name, make, matches, unit, every in COUNTED:
        found = next_times(make(zone_name), after=after, until=until)
        counted = [(at, wall) for at, wall in minutes[1:] if (at - begun) // unit % every == 0]
        assert found == [at for at, wall in counted if matches(wall)], name
    steady = IntervalSpec(timedelta(minutes=97), after.astimezone(find_zone(zone_name)))
    apart = timedelta(minutes=97)
    found = next_times(steady, after=after, until=until)
    assert found == [after + number * apart for number in range(1, (until - after) // apart + 1)]


def test_the_changes_are_changes_and_the_zones_are_many() -> None:
    for zone_name, day in CHANGES:
        minutes = walk(zone_name, day)
        steps = {two[1] - one[1] for one, two in pairwise(minutes)}
        assert steps > {MINUTE}, (zone_name, day)
    assert len({zone for zone, _ in CHANGES}) >= 14


RULES_OF_NEW_YORK = [
    # An hour comes twice: 05:30Z and 06:30Z are both 01:30.
    ("DTSTART:20261101T003000\nFREQ=HOURLY;COUNT=3", ["04:30", "05:30", "06:30"]),
    ("DTSTART:20261101T053000Z\nFREQ=HOURLY;COUNT=2", ["05:30", "06:30"]),
    ("DTSTART:20261101T063000Z\nFREQ=HOURLY;COUNT=2", ["06:30", "07:30"]),
    ("DTSTART:20261101T003000\nFREQ=HOURLY;UNTIL=20261101T053000Z", ["04:30", "05:30"]),
    ("DTSTART:20261101T003000\nFREQ=HOURLY;UNTIL=20261101T013000", ["04:30", "05:30", "06:30"]),
    ("DTSTART:20261101T003000\nFREQ=HOURLY;BYHOUR=1;BYMINUTE=30", ["05:30", "06:30"]),
    ("DTSTART:20261101T003000\nFREQ=MINUTELY;BYHOUR=1;BYMINUTE=30", ["05:30", "06:30"]),
    (
        "DTSTART:20261101T004500\nFREQ=HOURLY;COUNT=2\nRDATE:20261101T063000Z",
        ["04:45", "05:45", "06:30"],
    ),
    (
        "DTSTART:20261101T004500\nFREQ=HOURLY;COUNT=2\nRDATE:20261101T013000",
        ["04:45", "05:30", "05:45"],
    ),
    ("DTSTART:20261101T013000\nFREQ=HOURLY;COUNT=3\nEXDATE:20261101T063000Z", ["05:30", "07:30"]),
    ("DTSTART:20261101T013000\nFREQ=HOURLY;COUNT=3\nEXDATE:20261101T013000", ["07:30"]),
    (
        "DTSTART:20261031T220000\nFREQ=HOURLY;INTERVAL=3;COUNT=4",
        ["02:00", "05:00", "08:00", "11:00"],
    ),
    (
        "DTSTART:20261101T010000\nFREQ=MINUTELY;INTERVAL=20;UNTIL=20261101T013000",
        ["05:00", "05:20", "05:40", "06:00", "06:20"],
    ),
    (
        "DTSTART:20261101T010000\nFREQ=MINUTELY;INTERVAL=30;COUNT=5\nEXDATE:20261101T013000",
        ["05:00", "06:00", "07:00"],
    ),
    # An hour is skipped: 06:30Z is 01:30, 07:00Z is 03:00.
    ("DTSTART:20260308T013000\nFREQ=HOURLY;COUNT=3", ["06:30", "07:30", "08:30"]),
    ("DTSTART:20260308T003000\nFREQ=HOURLY;BYHOUR=2;BYMINUTE=30", ["07:00", "06:30"]),
    ("DTSTART:20260308T003000\nFREQ=MINUTELY;BYHOUR=2;BYMINUTE=0,30", ["07:00", "06:00", "06:30"]),
    ("DTSTART:20260308T023000\nFREQ=HOURLY;INTERVAL=2;COUNT=2", ["07:30", "09:30"]),
    ("DTSTART:20260308T000000\nFREQ=HOURLY;INTERVAL=2;BYHOUR=2,4;COUNT=2", ["07:00", "08:00"]),
    (
        "DTSTART:20260308T003000\nFREQ=DAILY;BYHOUR=2;BYMINUTE=0,30;COUNT=3",
        ["07:00", "06:00", "06:30"],
    ),
]


@pytest.mark.parametrize(("text", "times"), RULES_OF_NEW_YORK)
def test_counts_ends_and_instants_of_rules_over_a_change(text: str, times: list[str]) -> None:
    spec = RRuleSpec(text, "America/New_York")
    until = datetime(2026, int(text[12:14]), int(text[14:16]), tzinfo=UTC) + 1.5 * DAY
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)

    found = next_times(spec, after=long_ago, until=until)

    assert [f"{at:%H:%M}" for at in found] == times
    for number, at in enumerate(found):
        assert next_times(spec, after=at, until=until) == found[number + 1 :]


def test_version_of_the_zones_is_known() -> None:
    assert TZDATA_VERSION == tzdata.IANA_VERSION
    assert len(TZDATA_VERSION) == 5


def shown(spec: Spec, after: str, *, limit: int) -> list[tuple[str, str | None]]:
    found = preview(spec, after=datetime.fromisoformat(after), limit=limit)
    return [(f"{fire.wall_clock:%d %H:%M%z}", fire.note) for fire in found]


def test_preview_tells_what_a_change_of_the_clock_does() -> None:
    daily, often = (
        CronSpec("30 2 * * *", "Europe/Berlin"),
        CronSpec("*/30 * * * *", "Europe/Berlin"),
    )

    assert shown(daily, "2026-03-28T00:00Z", limit=3) == [
        ("28 02:30+0100", None),
        (
            "29 03:00+0200",
            "2026-03-29 02:30 is skipped, as the clocks go forward; it fires right after.",
        ),
        ("30 02:30+0200", None),
    ]
    assert shown(daily, "2026-10-25T00:00Z", limit=2) == [
        (
            "25 02:30+0200",
            "02:30 comes twice, as the clocks go back; this is the first time only.",
        ),
        ("26 02:30+0100", None),
    ]
    assert shown(often, "2026-10-25T00:20Z", limit=3) == [
        ("25 02:30+0200", "02:30 comes twice, as the clocks go back; this is the first time."),
        ("25 02:00+0100", "02:00 comes twice, as the clocks go back; this is the second time."),
        ("25 02:30+0100", "02:30 comes twice, as the clocks go back; this is the second time."),
    ]
    assert shown(often, "2026-03-29T00:50Z", limit=1) == [("29 03:00+0200", None)]
    assert shown(IntervalSpec(DAY, datetime(2026, 1, 1, tzinfo=UTC)), "2026-01-01T00:00Z", limit=1)
    for limit in (0, 101):
        with pytest.raises(InvalidInput):
            preview(daily, after=datetime(2026, 1, 1, tzinfo=UTC), limit=limit)


START = datetime(2026, 1, 5, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (IntervalSpec(timedelta(hours=1), START), "every hour"),
        (IntervalSpec(timedelta(minutes=90), START), "every 90 minutes"),
        (IntervalSpec(timedelta(seconds=1.5), START), "every 1.5 seconds"),
        (IntervalSpec(14 * DAY, START), "every 2 weeks"),
        (CronSpec("0 9 * * MON-FRI", BERLIN), "every weekday at 09:00 Europe/Berlin"),
        (CronSpec("0 9 * * 0,3", BERLIN), "every Wednesday and Sunday at 09:00 Europe/Berlin"),
        (CronSpec("5 0 * * *"), "every day at 00:05 UTC"),
        (CronSpec("5 0 31 * *"), "every month on day 31 at 00:05 UTC"),
        (CronSpec("* * * * *"), "every minute UTC"),
        (CronSpec("*/15 * * * *"), "every 15 minutes UTC"),
        (CronSpec("*/7 * * * *"), "cron */7 * * * * UTC"),
        (CronSpec("0 9 13 * FRI"), "cron 0 9 13 * FRI UTC"),
        (RRuleSpec("FREQ=DAILY", BERLIN, START), "every day at 09:30 Europe/Berlin"),
        (
            RRuleSpec("FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=7;UNTIL=20261231", BERLIN, START),
            "every Monday and Thursday at 07:30, until 2026-12-31 Europe/Berlin",
        ),
        (
            RRuleSpec("FREQ=DAILY;UNTIL=20261231T233000Z", BERLIN, START),
            "every day at 09:30, until 2027-01-01 Europe/Berlin",
        ),
        (RRuleSpec("FREQ=HOURLY;INTERVAL=6;COUNT=4", "UTC", START), "every 6 hours, 4 times UTC"),
        (
            RRuleSpec("FREQ=MONTHLY;BYDAY=-1FR", "UTC", START),
            "rule FREQ=MONTHLY;BYDAY=-1FR UTC",
        ),
    ],
)
def test_schedule_is_told_in_words(spec: Spec, words: str) -> None:
    assert describe(spec) == words
