"""The next instants of many schedules: merged, and looked for within a bound of steps."""

from datetime import UTC, datetime, timedelta

from headgate_server.domain.schedules.specs import CronSpec, IntervalSpec, RRuleSpec
from headgate_server.domain.schedules.steps import Steps
from headgate_server.domain.schedules.times import first_time
from headgate_server.domain.schedules.upcoming import MOST_STEPS, Active, next_of_many

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURLY = Active(IntervalSpec(HOUR, NOW), NOW + HOUR)
DAILY = Active(CronSpec("30 14 * * *"), NOW + 2.5 * HOUR)
RARE = RRuleSpec("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;BYHOUR=9;BYMINUTE=0")
IDLE_STEPS = 20_000
"""What a rule may look at without a result."""


def test_instants_of_an_owner_are_merged_and_those_of_others_are_not() -> None:
    found = next_of_many(
        {"both": [HOURLY, DAILY], "daily": [DAILY], "none": []}, after=NOW, limit=3, steps=Steps()
    )

    assert found == {
        "both": [NOW + HOUR, NOW + 2 * HOUR, NOW + 2.5 * HOUR],
        "daily": [NOW + (2.5 + 24 * day) * HOUR for day in range(3)],
    }


def test_a_hundred_owners_of_fifty_rare_rules_cost_what_a_few_cost() -> None:
    first = first_time(RARE, after=NOW)
    assert first is not None
    rare = Active(RARE, first)
    steps = Steps()

    found = next_of_many(
        {number: [rare] * 50 for number in range(100)}, after=NOW, limit=100, steps=steps
    )

    assert steps.taken <= MOST_STEPS + IDLE_STEPS
    assert found == {key: [first] for key in range(100)}


def test_a_page_of_usual_schedules_is_told_in_full() -> None:
    steps = Steps()

    found = next_of_many(
        {number: [DAILY, HOURLY] for number in range(100)}, after=NOW, limit=100, steps=steps
    )

    assert {len(times) for times in found.values()} == {100}
    assert steps.taken < MOST_STEPS / 2


def test_an_instant_that_is_past_is_not_told_once_the_steps_are_spent() -> None:
    late = Active(DAILY.spec, NOW - HOUR)

    assert next_of_many({1: [late]}, after=NOW, limit=2, steps=Steps(MOST_STEPS)) == {}
