"""Recurrence rules: against another implementation, with its traps bounded, and mistakes placed."""

import time
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, cast

import pytest
from dateutil import rrule as dateutil_rules
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from headgate_server.domain.schedules.specs import InvalidSpec, RRuleSpec
from headgate_server.domain.schedules.times import check_spec, next_times, settle_spec

START = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
FIRST = "DTSTART:20260105T093000Z\nRRULE:"


def times(rule: str, *, after: datetime = START - timedelta(1), limit: int = 5) -> list[str]:
    spec = settle_spec(RRuleSpec(FIRST + rule), current=None, now=START)
    return [f"{at:%Y-%m-%d %H:%M}" for at in next_times(spec, after=after, limit=limit)]


def oracle(rule: str, *, limit: int) -> list[datetime]:
    """What dateutil makes of a rule; it steps from the start and knows nothing of periods."""
    parse = cast("Any", dateutil_rules.rrulestr)
    found = parse(rule, dtstart=START.replace(tzinfo=None))
    return [at.replace(tzinfo=UTC) for at in islice(found, limit)]


def some(values: range | list[int], *, most: int = 3) -> st.SearchStrategy[list[int]]:
    return st.lists(st.sampled_from(list(values)), min_size=1, max_size=most, unique=True)


def listed(name: str, values: range | list[int]) -> st.SearchStrategy[str]:
    return some(values).map(lambda found: f";{name}={','.join(map(str, found))}")


DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
PLAIN_DAYS = st.lists(st.sampled_from(DAYS), min_size=1, max_size=4, unique=True).map(
    lambda days: f";BYDAY={','.join(days)}"
)
COUNTED_DAYS = st.lists(
    st.tuples(st.sampled_from([-2, -1, 1, 2, 3, 4]), st.sampled_from(DAYS)), min_size=1, max_size=3
).map(lambda days: ";BYDAY=" + ",".join(f"{number}{day}" for number, day in days))
MONTHS = listed("BYMONTH", range(1, 13))
MONTH_DAYS = listed("BYMONTHDAY", [*range(1, 32), -1, -2, -31])
YEAR_DAYS = listed("BYYEARDAY", [1, 59, 60, 100, 365, 366, -1, -366])
WEEKS = listed("BYWEEKNO", [1, 2, 10, 52, 53, -1])
TIMES = st.tuples(
    st.sampled_from(["", ";BYHOUR=9", ";BYHOUR=0,12,23"]),
    st.sampled_from(["", ";BYMINUTE=0", ";BYMINUTE=5,35"]),
).map("".join)
WEEK_START = st.sampled_from(["", ";WKST=SU", ";WKST=MO", ";WKST=WE"])


def maybe(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(st.just(""), part)


def of(frequency: str, *parts: st.SearchStrategy[str], most: int = 4) -> st.SearchStrategy[str]:
    interval = st.integers(1, most).map(lambda number: f";INTERVAL={number}")
    return st.tuples(interval, *parts).map(lambda found: f"FREQ={frequency}{''.join(found)}")


RULES = st.one_of(
    of("YEARLY", maybe(MONTHS), maybe(MONTH_DAYS), maybe(PLAIN_DAYS), TIMES),
    of("YEARLY", maybe(MONTHS), COUNTED_DAYS, TIMES),
    of("YEARLY", YEAR_DAYS, maybe(PLAIN_DAYS)),
    of("YEARLY", WEEKS, maybe(PLAIN_DAYS)),
    of("MONTHLY", maybe(MONTHS), maybe(MONTH_DAYS), maybe(PLAIN_DAYS), TIMES),
    of("MONTHLY", COUNTED_DAYS, TIMES),
    of("WEEKLY", maybe(MONTHS), maybe(PLAIN_DAYS), WEEK_START, TIMES),
    of("DAILY", maybe(MONTHS), maybe(MONTH_DAYS), maybe(PLAIN_DAYS), TIMES, most=40),
    of("HOURLY", maybe(PLAIN_DAYS), TIMES, most=30),
    of("MINUTELY", maybe(PLAIN_DAYS), st.sampled_from(["", ";BYHOUR=9,10"]), most=200),
)


@given(rule=RULES)
@settings(max_examples=120, deadline=None, phases=[Phase.generate])
def test_rules_agree_with_another_implementation(rule: str) -> None:
    spec = RRuleSpec(FIRST + rule)
    try:
        found = next_times(spec, after=START - timedelta(seconds=1), limit=8)
    except InvalidSpec:
        found = []
    assume(found)
    assume(found[-1] < START + timedelta(days=366 * 8))

    assert found == oracle(rule, limit=len(found))


@given(
    rule=st.one_of(
        of("YEARLY", MONTHS, PLAIN_DAYS),
        of("MONTHLY", PLAIN_DAYS, TIMES),
    ),
    positions=some([1, 2, 3, -1, -2]),
)
@settings(max_examples=60, deadline=None, phases=[Phase.generate])
def test_positions_count_whole_periods(rule: str, positions: list[int]) -> None:
    rule = f"{rule};BYSETPOS={','.join(map(str, positions))}"
    period_start = START.replace(month=1, day=1, hour=0, minute=0)
    parse = cast("Any", dateutil_rules.rrulestr)
    timed = rule + ("" if "BYHOUR" in rule else ";BYHOUR=9")
    timed += "" if "BYMINUTE" in rule else ";BYMINUTE=30"
    whole = parse(f"{timed};BYSECOND=0", dtstart=period_start.replace(tzinfo=None))
    expected = [
        at.replace(tzinfo=UTC) for at in islice(whole, 30) if at >= START.replace(tzinfo=None)
    ]

    found = next_times(RRuleSpec(FIRST + rule), after=START - timedelta(seconds=1), limit=8)

    assert found == expected[: len(found)]
    assert len(found) == 8


@given(rule=RULES, seconds=st.integers(0, 400 * 86_400))
@settings(max_examples=60, deadline=None, phases=[Phase.generate])
def test_instants_do_not_depend_on_where_one_starts(rule: str, seconds: int) -> None:
    spec = RRuleSpec(FIRST + rule)
    whole = next_times(spec, after=START - timedelta(seconds=1), limit=200)
    later = START + timedelta(seconds=seconds)
    assume(whole and whole[-1] > later)

    rest = next_times(spec, after=later, limit=5)

    assert rest == [at for at in whole if at > later][: len(rest)]


@pytest.mark.parametrize("week", [1, 2, 52, 53, -1])
def test_weeks_are_those_of_the_calendar(week: int) -> None:
    spec = RRuleSpec(f"{FIRST}FREQ=YEARLY;BYWEEKNO={week};BYDAY=MO,SU")
    days = [START + timedelta(days=number) for number in range(3_000)]

    found = next_times(spec, after=START - timedelta(1), until=days[-1])

    def matches(day: datetime) -> bool:
        year, number, weekday = day.isocalendar()
        last = datetime(year, 12, 28, tzinfo=UTC).isocalendar().week
        return weekday in {1, 7} and number == (week if week > 0 else last + 1 + week)

    assert found == [day for day in days if matches(day)]


def test_dates_are_added_and_left_out() -> None:
    text = (
        "DTSTART:20260105T093000\nRRULE:FREQ=DAILY;COUNT=4\n"
        "RDATE:20260107T120000,20260301T000000\nEXDATE:20260106T093000"
    )
    found = next_times(RRuleSpec(text), after=START - timedelta(1))

    assert [f"{at:%m-%d %H}" for at in found] == [
        "01-05 09",
        "01-07 09",
        "01-07 12",
        "01-08 09",
        "03-01 00",
    ]


def test_ends_are_inclusive_and_count_from_the_start() -> None:
    assert times("FREQ=DAILY;COUNT=3") == [
        "2026-01-05 09:30",
        "2026-01-06 09:30",
        "2026-01-07 09:30",
    ]
    assert times("FREQ=DAILY;COUNT=3", after=START + timedelta(1)) == ["2026-01-07 09:30"]
    assert times("FREQ=DAILY;UNTIL=20260106T093000Z")[-1] == "2026-01-06 09:30"
    assert times("FREQ=DAILY;UNTIL=20260106T092959Z")[-1] == "2026-01-05 09:30"
    assert times("FREQ=DAILY;UNTIL=20260106")[-1] == "2026-01-06 09:30"


def test_start_has_the_clock_of_the_zone() -> None:
    named = RRuleSpec("DTSTART;TZID=Europe/Berlin:20260105T093000\nFREQ=DAILY;INTERVAL=2")
    bare = RRuleSpec("FREQ=DAILY;BYHOUR=2;BYMINUTE=0", timezone="Asia/Tokyo")

    settled = settle_spec(named, current=None, now=START)
    begun = settle_spec(bare, current=None, now=START + timedelta(microseconds=7))

    assert settled == RRuleSpec(named.rrule, "Europe/Berlin")
    assert next_times(settled, after=START, limit=1) == [datetime(2026, 1, 7, 8, 30, tzinfo=UTC)]
    assert begun == RRuleSpec(bare.rrule, "Asia/Tokyo", START)
    assert next_times(begun, after=START, limit=1) == [datetime(2026, 1, 5, 17, tzinfo=UTC)]
    assert settle_spec(bare, current=begun, now=START + timedelta(3)) == begun


TRAPS = [
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=MINUTELY;INTERVAL=2;BYMINUTE=31",
    "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=31",
    "FREQ=HOURLY;INTERVAL=24;BYHOUR=3",
    "FREQ=YEARLY;BYMONTHDAY=31;BYDAY=MO;BYSETPOS=366",
    "FREQ=DAILY;BYHOUR=0,1;BYSETPOS=3",
    "FREQ=YEARLY;COUNT=1000",
    "FREQ=MONTHLY;BYDAY=MO;BYMONTHDAY=29;BYMONTH=2;COUNT=1000",
    "FREQ=MINUTELY;INTERVAL=10000;COUNT=1000;BYMONTH=2;BYMONTHDAY=29",
    "FREQ=SECONDLY",
    "FREQ=DAILY;BYHOUR=9;BYMINUTE=0;BYSECOND=" + ",".join(map(str, range(60))),
    "FREQ=DAILY;COUNT=1001",
    "FREQ=DAILY;INTERVAL=10001",
    "FREQ=DAILY\nRDATE:" + ",".join(["20260101T000000"] * 600),
]


@pytest.mark.parametrize("rule", TRAPS)
def test_rule_that_would_hold_the_caller_up_is_refused_in_no_time(rule: str) -> None:
    began = time.process_time()

    with pytest.raises(InvalidSpec):
        check_spec(RRuleSpec(FIRST + rule))

    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=MINUTELY;BYHOUR=3;BYMINUTE=17;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO",
        "FREQ=YEARLY;INTERVAL=40",
        "FREQ=MINUTELY",
    ],
)
def test_rule_of_long_ago_costs_no_more_than_one_of_today(rule: str) -> None:
    spec = RRuleSpec("DTSTART:19700101T000000\n" + rule)
    began = time.process_time()

    found = next_times(spec, after=START, limit=1)

    assert len(found) == 1
    assert time.process_time() - began < 0.2


MISTAKES = [
    ("", 0, "Name one RRULE"),
    ("FREQ=DALY", 5, "FREQ is one of"),
    ("FREQ=DAILY;BYHOUR=9,25", 20, "'25' is not a number from 0 to 23"),
    ("FREQ=MONTHLY;BYDAY=MO,XX", 22, "'XX' is not a day"),
    ("FREQ=MONTHLY;BYDAY=0MO", 19, "is not a day"),
    ("FREQ=MONTHLY;BYMONTHDAY=0", 24, "but 0"),
    ("FREQ=WEEKLY;BYDAY=2MO", 0, "BYDAY counts"),
    ("FREQ=DAILY;UNTIL=tomorrow", 17, "is not a time"),
    ("FREQ=DAILY;COUNT=2;UNTIL=20270101", 0, "not both"),
    ("FREQ=DAILY;FREQ=DAILY", 11, "named twice"),
    ("FREQ=DAILY;BYEASTER=1", 11, "not understood"),
    ("FREQ=DAILY\nRRULE:FREQ=DAILY", 11, "one RRULE only"),
    ("FREQ=DAILY\nEXRULE:FREQ=DAILY", 11, "EXRULE is none of"),
    ("FREQ=DAILY\nEXDATE;TZID=Asia/Tokyo:20260101T000000", 18, "All times are of UTC"),
    ("FREQ=DAILY;BYWEEKNO=3", 0, "BYWEEKNO goes with"),
    ("INTERVAL=2", 0, "Name a FREQ"),
    ("FREQ", 0, "Write NAME=VALUE"),
    ("FREQ=DAILY;" + "X" * 6500, 6500, "at most 6500"),
]


@pytest.mark.parametrize(("text", "position", "message"), MISTAKES)
def test_mistake_is_told_with_its_place(text: str, position: int, message: str) -> None:
    with pytest.raises(InvalidSpec, match=message) as refused:
        settle_spec(RRuleSpec(text), current=None, now=START)

    assert refused.value.position == position
    assert refused.value.path == ("spec", "rrule", "rrule")


def test_zone_of_the_start_is_that_of_the_schedule() -> None:
    spec = RRuleSpec("DTSTART;TZID=Asia/Tokyo:20260101T000000\nFREQ=DAILY", "Europe/Berlin")

    with pytest.raises(InvalidSpec, match="DTSTART is of Asia/Tokyo") as refused:
        settle_spec(spec, current=None, now=START)

    assert refused.value.position == 13
