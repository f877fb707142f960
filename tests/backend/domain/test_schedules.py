"""When schedules fire: daylight saving against a minute-by-minute oracle, limits, and catch-up."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.schedules.catch_up import CatchUp, CatchUpPolicy, check_catch_up, choose
from headgate_server.domain.schedules.specs import CronSpec, IntervalSpec, Spec
from headgate_server.domain.schedules.times import check_spec, next_times

MINUTE = timedelta(minutes=1)
Matches = Callable[[datetime], bool]


def at_times(*times: str) -> Matches:
    return lambda wall: f"{wall:%H:%M}" in times


def every_minutes(step: int) -> Matches:
    return lambda wall: wall.minute % step == 0


def every_hours(step: int) -> Matches:
    return lambda wall: wall.minute == 0 and wall.hour % step == 0


CHANGES = [
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("Europe/London", "2026-03-29"),
    ("Europe/London", "2026-10-25"),
    ("Australia/Lord_Howe", "2026-04-05"),
    ("Australia/Lord_Howe", "2026-10-04"),
    ("Africa/Cairo", "2026-04-24"),
    ("Africa/Cairo", "2026-10-30"),
    ("Pacific/Apia", "2011-12-30"),
    ("Asia/Kathmandu", "2026-06-01"),
]
WALL_CLOCK: list[tuple[str, Matches]] = [
    ("30 2 * * *", at_times("02:30")),
    ("0 0 * * *", at_times("00:00")),
    ("15 0 * * *", at_times("00:15")),
    ("45 1 * * *", at_times("01:45")),
    ("0,30 1-3 * * *", at_times("01:00", "01:30", "02:00", "02:30", "03:00", "03:30")),
    ("10 2 * * 0", lambda wall: wall.weekday() == 6 and f"{wall:%H:%M}" == "02:10"),
    ("0 12 30 * *", lambda wall: wall.day == 30 and f"{wall:%H:%M}" == "12:00"),
]
ELAPSED: list[tuple[str, Matches]] = [
    ("* * * * *", lambda _: True),
    ("*/15 * * * *", every_minutes(15)),
    ("*/7 * * * *", every_minutes(7)),
    ("30 * * * *", lambda wall: wall.minute == 30),
    ("0 */2 * * *", every_hours(2)),
    ("*/20 2 * * *", lambda wall: wall.hour == 2 and wall.minute % 20 == 0),
]


def window(zone: ZoneInfo, day: str) -> tuple[datetime, datetime]:
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=zone).astimezone(UTC)
    return noon - timedelta(days=3), noon + timedelta(days=3)


def scan(zone: ZoneInfo, *, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    minutes = (end - start) // MINUTE
    instants = [start + number * MINUTE for number in range(minutes + 1)]
    return [(at, at.astimezone(zone).replace(tzinfo=None)) for at in instants]


def oracle_by_wall_clock(
    zone: ZoneInfo, matches: Matches, *, start: datetime, end: datetime
) -> list[datetime]:
    """Fire when the clock first shows a matching time, or has just jumped over one."""
    found: list[datetime] = []
    shown: datetime | None = None
    for at, wall in scan(zone, start=start, end=end):
        if shown is None:
            shown = wall
            continue
        passed = (wall - shown) // MINUTE
        if any(matches(shown + number * MINUTE) for number in range(1, passed + 1)):
            found.append(at)
        shown = max(shown, wall)
    return found


@pytest.mark.parametrize(("zone_name", "day"), CHANGES)
@pytest.mark.parametrize(("cron", "matches"), WALL_CLOCK)
def test_wall_clock_times_fire_once_on_days_with_a_change(
    zone_name: str, day: str, cron: str, matches: Matches
) -> None:
    zone = ZoneInfo(zone_name)
    start, end = window(zone, day)

    found = next_times(CronSpec(cron, zone_name), after=start, until=end)

    assert found == oracle_by_wall_clock(zone, matches, start=start, end=end)


@pytest.mark.parametrize(("zone_name", "day"), CHANGES)
@pytest.mark.parametrize(("cron", "matches"), ELAPSED)
def test_subdaily_crons_go_by_elapsed_time(
    zone_name: str, day: str, cron: str, matches: Matches
) -> None:
    zone = ZoneInfo(zone_name)
    start, end = window(zone, day)
    expected = [at for at, wall in scan(zone, start=start + MINUTE, end=end) if matches(wall)]

    found = all_times(CronSpec(cron, zone_name), after=start, until=end)

    assert found == expected


def all_times(spec: Spec, *, after: datetime, until: datetime) -> list[datetime]:
    found: list[datetime] = []
    while more := next_times(spec, after=after, until=until):
        found.extend(more)
        after = more[-1]
    return found


GOLDEN = [
    ("America/New_York", "30 2 * * *", "2026-03-07T12:00Z", ["2026-03-08T07:00Z"]),
    ("America/New_York", "30 1 * * *", "2026-10-31T12:00Z", ["2026-11-01T05:30Z"]),
    ("Europe/London", "30 1 * * *", "2026-03-28T12:00Z", ["2026-03-29T01:00Z"]),
    ("Australia/Lord_Howe", "15 2 * * *", "2026-10-03T12:00Z", ["2026-10-03T15:30Z"]),
    ("Africa/Cairo", "0 0 * * *", "2026-04-23T12:00Z", ["2026-04-23T22:00Z"]),
    (
        "Pacific/Apia",
        "0 9 * * *",
        "2011-12-29T12:00Z",
        ["2011-12-29T19:00Z", "2011-12-30T10:00Z", "2011-12-30T19:00Z"],
    ),
    ("Asia/Kathmandu", "0 6 * * *", "2026-06-01T00:00Z", ["2026-06-01T00:15Z"]),
]


@pytest.mark.parametrize(("zone_name", "cron", "after", "expected"), GOLDEN)
def test_known_instants(zone_name: str, cron: str, after: str, expected: list[str]) -> None:
    found = next_times(
        CronSpec(cron, zone_name), after=datetime.fromisoformat(after), limit=len(expected)
    )

    assert [f"{at:%Y-%m-%dT%H:%MZ}" for at in found] == expected
    assert {at.tzinfo for at in found} == {UTC}


@given(
    change=st.sampled_from(CHANGES),
    cron=st.sampled_from([cron for cron, _ in WALL_CLOCK + ELAPSED[2:]]),
    seconds=st.integers(0, 6 * 86_400),
)
def test_instants_do_not_depend_on_where_one_starts(
    change: tuple[str, str], cron: str, seconds: int
) -> None:
    zone_name, day = change
    start, end = window(ZoneInfo(zone_name), day)
    spec = CronSpec(cron, zone_name)
    later = start + timedelta(seconds=seconds)

    whole = all_times(spec, after=start, until=end)
    rest = all_times(spec, after=later, until=end)

    assert rest == [at for at in whole if at > later]
    assert all(one < two for one, two in pairwise(whole))


@given(
    every=st.timedeltas(timedelta(seconds=1), timedelta(days=3)),
    seconds=st.integers(-10_000_000, 10_000_000),
)
def test_intervals_count_from_their_anchor_in_both_directions(
    every: timedelta, seconds: int
) -> None:
    after = datetime(2026, 3, 8, tzinfo=UTC)
    anchor = after + timedelta(seconds=seconds)

    found = next_times(IntervalSpec(every, anchor), after=after, limit=5)

    assert len(found) == 5
    assert after < found[0] <= after + every
    assert all((at - anchor) % every == timedelta() for at in found)
    assert all(two - one == every for one, two in pairwise(found))


def test_interval_goes_by_elapsed_time_over_a_change() -> None:
    zone = ZoneInfo("America/New_York")
    anchor = datetime(2026, 3, 7, 9, tzinfo=zone)

    found = next_times(IntervalSpec(timedelta(days=1), anchor), after=anchor, limit=2)

    assert [f"{at.astimezone(zone):%d %H:%M}" for at in found] == ["08 10:00", "09 10:00"]


def test_after_may_be_in_any_zone() -> None:
    after = datetime(2026, 1, 1, 5, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))

    assert next_times(CronSpec("0 0 * * *"), after=after, limit=1) == [
        datetime(2026, 1, 2, tzinfo=UTC)
    ]


def test_day_or_says_whether_either_day_is_enough() -> None:
    after = datetime(2026, 1, 1, tzinfo=UTC)

    either = next_times(CronSpec("0 0 13 * FRI", day_or=True), after=after, limit=3)
    both = next_times(CronSpec("0 0 13 * FRI", day_or=False), after=after, limit=3)

    assert [f"{at:%m-%d}" for at in either] == ["01-02", "01-09", "01-13"]
    assert [f"{at:%Y-%m-%d}" for at in both] == ["2026-02-13", "2026-03-13", "2026-11-13"]


@pytest.mark.parametrize(
    "cron",
    [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * MOO",
        "*/0 * * * *",
        "5-1 * * * *",
        "@daily",
        "0 0 30 2 *",
        "0 0 31 2,4 1#6",
        "\0 * * * *",
        "1," * 200 + "1 * * * *",
    ],
)
def test_bad_cron_is_refused_with_its_place(cron: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_spec(CronSpec(cron))

    assert refused.value.path == ("spec", "cron", "cron")


def test_cron_that_names_no_day_is_refused() -> None:
    with pytest.raises(InvalidInput, match="never fires"):
        check_spec(CronSpec("0 0 31 4 MON", day_or=False))


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "../zone", "/etc/passwd", "Europe", "a\0b", "Factory"]
)
def test_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="time zone"):
        check_spec(CronSpec("0 0 * * *", timezone=name))


def test_interval_is_from_one_second_to_a_year() -> None:
    anchor = datetime(2026, 1, 1, tzinfo=UTC)

    for every in (timedelta(seconds=1), timedelta(days=366)):
        check_spec(IntervalSpec(every, anchor))
    for every in (timedelta(seconds=0.999), timedelta(days=366, seconds=1), timedelta()):
        with pytest.raises(InvalidInput):
            check_spec(IntervalSpec(every, anchor))


@pytest.mark.parametrize(
    ("catch_up", "expected"),
    [
        (CatchUp(CatchUpPolicy.SKIP), []),
        (CatchUp(CatchUpPolicy.LATEST), [5]),
        (CatchUp(CatchUpPolicy.LATEST, window=timedelta(minutes=4)), []),
        (CatchUp(CatchUpPolicy.ALL), [1, 2, 3, 4, 5]),
        (CatchUp(CatchUpPolicy.ALL, max=2), [4, 5]),
        (CatchUp(CatchUpPolicy.ALL, window=timedelta(minutes=7)), [3, 4, 5]),
    ],
)
def test_catch_up_chooses_what_still_runs(catch_up: CatchUp, expected: list[int]) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    missed = [start + number * MINUTE for number in range(1, 6)]

    chosen = choose(catch_up, missed, now=start + 10 * MINUTE)

    assert chosen == [start + number * MINUTE for number in expected]


@pytest.mark.parametrize(
    "catch_up",
    [
        CatchUp(max=0),
        CatchUp(max=1001),
        CatchUp(window=timedelta()),
        CatchUp(window=timedelta(days=32)),
    ],
)
def test_catch_up_has_limits(catch_up: CatchUp) -> None:
    with pytest.raises(InvalidInput):
        check_catch_up(catch_up)
