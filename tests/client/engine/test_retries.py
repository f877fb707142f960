"""Retries of tasks and flows: how often, after what wait, on what condition, in which states."""

from typing import Any

import pytest

from headgate import exponential_backoff, flow, task
from headgate.engine.context import current_task_run
from headgate.engine.retries import delay_before, make_policy
from headgate.reporting.records import TaskRun
from headgate.specs import RetryPolicy
from headgate.states import State
from tests.client.engine.conftest import FrozenClock


class Flaky:
    """Fails so often, then works; keeps the task runs it saw."""

    def __init__(self, failures: int) -> None:
        self.left = failures
        self.calls = 0
        self.run: TaskRun | None = None

    def __call__(self) -> int:
        context = current_task_run.get()
        self.run = context.run if context else None
        self.calls += 1
        if self.left > 0:
            self.left -= 1
            raise ValueError(f"failure {self.calls}")
        return self.calls

    @property
    def states(self) -> list[str]:
        """The names of the states that the task run went through."""
        assert self.run is not None
        return [row[1] for row in self.run.states]


def test_a_task_is_retried_until_it_works() -> None:
    flaky = Flaky(2)

    @task(retries=3)
    def work() -> int:
        return flaky()

    assert work() == 3
    assert flaky.states == ["Pending", "Running", "Retrying", "Retrying", "Completed"]


def test_a_task_whose_retries_are_spent_fails_with_the_last_exception() -> None:
    flaky = Flaky(5)

    @task(retries=2)
    def work() -> int:
        return flaky()

    with pytest.raises(ValueError, match="failure 3"):
        work()
    assert flaky.states[-1] == "Failed"
    assert flaky.run is not None
    assert flaky.run.run_count == 3


def test_a_delay_is_waited_in_awaiting_retry(clock: FrozenClock) -> None:
    flaky = Flaky(2)

    @task(retries=2, retry_delay_seconds=30)
    def work() -> int:
        return flaky()

    work()

    assert clock.slept == [30.0, 30.0]
    assert flaky.states == [
        "Pending",
        "Running",
        "AwaitingRetry",
        "Retrying",
        "AwaitingRetry",
        "Retrying",
        "Completed",
    ]


def test_a_list_gives_each_retry_its_delay_and_repeats_the_last(clock: FrozenClock) -> None:
    flaky = Flaky(4)

    @task(retries=4, retry_delay_seconds=[1, 5, 10])
    def work() -> int:
        return flaky()

    work()

    assert clock.slept == [1.0, 5.0, 10.0, 10.0]


def test_exponential_backoff_doubles(clock: FrozenClock) -> None:
    flaky = Flaky(4)

    @task(retries=4, retry_delay_seconds=exponential_backoff(3))
    def work() -> int:
        return flaky()

    work()

    assert clock.slept == [3.0, 6.0, 12.0, 24.0]


def test_exponential_backoff_stops_at_fifty_delays() -> None:
    assert len(make_policy(retries=80, delay_seconds=exponential_backoff(0.1)).delays) == 50


def test_more_than_fifty_delays_are_refused() -> None:
    with pytest.raises(ValueError, match="50 delays at most, not 51"):
        make_policy(retries=60, delay_seconds=[1] * 51)


def test_jitter_spreads_a_delay_below_its_bound_around_its_mean() -> None:
    policy = RetryPolicy(limit=1, delays=(10.0,), jitter_factor=0.5)

    delays = [delay_before(policy, retry=1) for _ in range(4000)]

    assert 0 < min(delays) < 7
    assert 14 < max(delays) <= 15.001
    assert 9.5 < sum(delays) / len(delays) < 10.5


def test_a_condition_may_end_the_retries() -> None:
    seen: list[tuple[str, str, str]] = []
    flaky = Flaky(5)

    def condition(task_: Any, run: TaskRun, state: State[Any]) -> bool:
        seen.append((task_.name, run.state_name, str(state.message)))
        return len(seen) < 2

    @task(retries=5, retry_condition_fn=condition)
    def work() -> int:
        return flaky()

    with pytest.raises(ValueError, match="failure 2"):
        work()
    assert seen == [
        ("work", "Running", "ValueError: failure 1"),
        ("work", "Retrying", "ValueError: failure 2"),
    ]


def test_a_condition_may_be_a_coroutine_function() -> None:
    flaky = Flaky(5)

    async def condition(task_: Any, run: TaskRun, state: State[Any]) -> bool:
        return False

    @task(retries=5, retry_condition_fn=condition)
    def work() -> int:
        return flaky()

    with pytest.raises(ValueError, match="failure 1"):
        work()


def test_a_broken_condition_ends_the_retries_with_the_task_s_own_exception() -> None:
    flaky = Flaky(5)

    def condition(*_: Any) -> bool:
        raise RuntimeError("condition")

    @task(retries=5, retry_condition_fn=condition)
    def work() -> int:
        return flaky()

    with pytest.raises(ValueError, match="failure 1"):
        work()


def test_a_flow_is_retried_until_it_works(clock: FrozenClock) -> None:
    flaky = Flaky(2)

    @flow(retries=2, retry_delay_seconds=[4, 8])
    def work() -> int:
        return flaky()

    assert work() == 3
    assert clock.slept == [4.0, 8.0]


def test_a_flow_whose_retries_are_spent_fails_with_the_last_exception() -> None:
    flaky = Flaky(5)

    @flow(retries=1)
    def work() -> int:
        return flaky()

    with pytest.raises(ValueError, match="failure 2"):
        work()
    assert flaky.calls == 2


def test_a_returned_failed_state_is_retried_too() -> None:
    flaky = Flaky(1)

    @task
    def inner() -> int:
        return flaky()

    @flow(retries=1)
    def work() -> Any:
        return inner.submit()

    assert work() == 2


def test_many_retries_still_report_their_end() -> None:
    flaky = Flaky(300)

    @task(retries=300)
    def work() -> int:
        return flaky()

    work()

    assert len(flaky.states) <= 200
    assert flaky.states[-1] == "Completed"
