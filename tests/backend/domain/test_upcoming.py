"""The next instants of schedules: waiting and to come, merged, looked for within bounds."""

from datetime import UTC, datetime, timedelta

from headgate_server.domain.schedules.specs import CronSpec, IntervalSpec, RRuleSpec
from headgate_server.domain.schedules.steps import Steps
from headgate_server.domain.schedules.times import first_time
from headgate_server.domain.schedules.upcoming import MOST_STEPS, Ahead, next_of_many

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURLY = Ahead(IntervalSpec(HOUR, NOW), NOW + HOUR)
DAILY = Ahead(CronSpec("30 14 * * *"), NOW + 2.5 * HOUR)
RARE = RRuleSpec("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;BYHOUR=9;BYMINUTE=0")
IDLE_STEPS = 20_000
"""What a rule may look at without a result."""


def test_instants_whose_runs_wait_come_before_those_to_come_and_each_once() -> None:
    waiting = (NOW - HOUR, NOW + HOUR, NOW + 3 * HOUR)
    armed = Ahead(HOURLY.spec, NOW + 3 * HOUR, waiting)
    behind = Ahead(HOURLY.spec, NOW - 2 * HOUR, waiting)
    over = Ahead(HOURLY.spec, None, waiting)

    def hours(ahead: Ahead) -> list[float]:
        return [(fire.at - NOW) / HOUR for fire in ahead.fires(after=NOW, limit=3)]

    assert [hours(one) for one in (armed, behind, over)] == [[1, 3, 4], [1, 2, 3], [1, 3]]
    assert {one.first(after=NOW) for one in (armed, behind, over)} == {NOW + HOUR}
    assert over.first(after=NOW + 3 * HOUR) is None
    assert next_of_many({1: [over, DAILY]}, after=NOW, limit=9, steps=Steps(MOST_STEPS)) == {
        1: [NOW + HOUR]
    }


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
    rare = Ahead(RARE, first)
    steps = Steps()

    found = next_of_many(
        {number: [rare] * 50 for number in range(100)}, after=NOW, limit=100, steps=steps
    )

    assert steps.taken <= MOST_STEPS + IDLE_STEPS
    assert {key: times[0] for key, times in found.items()} == dict.fromkeys(range(100), first)
    assert found[99] == [first]


def test_a_page_of_usual_schedules_is_told_in_full() -> None:
    steps = Steps()

    found = next_of_many(
        {number: [DAILY, HOURLY] for number in range(100)}, after=NOW, limit=100, steps=steps
    )

    assert {len(times) for times in found.values()} == {100}
    assert steps.taken < MOST_STEPS / 2


def test_an_instant_that_is_past_is_not_told_once_the_steps_are_spent() -> None:
    late = Ahead(DAILY.spec, NOW - HOUR)

    assert next_of_many({1: [late]}, after=NOW, limit=2, steps=Steps(MOST_STEPS)) == {}
