"""Retries of tasks and flows: how many, when, and on what condition."""

import asyncio
from typing import Any

import pytest

from headgate import State, exponential_backoff, flow, runtime, task
from headgate.states import Completed, Failed
from headgate.testing import Records, VirtualClock


def failing(times: int) -> Any:
    """Return a function that fails so many times, and then returns how often it was called."""
    calls: list[int] = []

    def call() -> int:
        calls.append(1)
        if len(calls) <= times:
            message = f"failure {len(calls)}"
            raise ValueError(message)
        return len(calls)

    return call


def in_flow(child: Any) -> Any:
    @flow
    def parent() -> Any:
        return child(return_state=True)

    return parent(return_state=True)


def test_a_task_is_tried_again_until_it_succeeds(clock: VirtualClock) -> None:
    assert in_flow(task(retries=3)(failing(2))).result() == 3


def test_a_task_s_last_failure_is_its_result(clock: VirtualClock) -> None:
    state = in_flow(task(retries=1)(failing(5)))

    assert state.message == "ValueError: failure 2"


def test_without_retries_a_task_is_tried_once(clock: VirtualClock) -> None:
    assert in_flow(task(failing(1))).message == "ValueError: failure 1"


def test_retries_follow_at_once_without_a_delay(clock: VirtualClock) -> None:
    in_flow(task(retries=2)(failing(2)))

    assert clock.slept_seconds == 0


def test_one_delay_is_for_every_retry(clock: VirtualClock) -> None:
    in_flow(task(retries=3, retry_delay_seconds=5)(failing(3)))

    assert clock.slept == [5, 5, 5]


def test_a_list_has_a_delay_for_each_retry(clock: VirtualClock) -> None:
    in_flow(task(retries=3, retry_delay_seconds=[1, 10, 100])(failing(3)))

    assert clock.slept == [1, 10, 100]


def test_the_last_delay_of_a_list_repeats(clock: VirtualClock) -> None:
    in_flow(task(retries=3, retry_delay_seconds=[1, 10])(failing(3)))

    assert clock.slept == [1, 10, 10]


def test_a_function_makes_the_delays(clock: VirtualClock) -> None:
    def delays(retries: int) -> list[float]:
        return [float(number) for number in range(1, retries + 1)]

    in_flow(task(retries=3, retry_delay_seconds=delays)(failing(3)))

    assert clock.slept == [1, 2, 3]


def test_exponential_backoff_doubles(clock: VirtualClock) -> None:
    in_flow(task(retries=3, retry_delay_seconds=exponential_backoff(10))(failing(3)))

    assert clock.slept == [10, 20, 40]


def test_exponential_backoff_makes_at_most_fifty_delays() -> None:
    assert len(exponential_backoff(1)(100)) == 50


def test_jitter_spreads_delays_within_its_factor(clock: VirtualClock) -> None:
    in_flow(task(retries=20, retry_delay_seconds=10, retry_jitter_factor=0.5)(failing(20)))

    assert len(set(clock.slept)) > 1
    assert all(0 <= delay <= 15 for delay in clock.slept)


def test_the_state_says_that_a_retry_is_awaited(runs: Records, clock: VirtualClock) -> None:
    in_flow(task(name="child", retries=1, retry_delay_seconds=5)(failing(1)))

    assert runs.task_states("child") == [
        "Pending",
        "Running",
        "AwaitingRetry",
        "Retrying",
        "Completed",
    ]


def test_a_retry_without_a_delay_goes_straight_to_retrying(
    runs: Records, clock: VirtualClock
) -> None:
    in_flow(task(name="child", retries=1)(failing(1)))

    assert runs.task_states("child") == ["Pending", "Running", "Retrying", "Completed"]


def test_the_runtime_counts_a_task_s_attempts(clock: VirtualClock) -> None:
    seen: list[int] = []

    @task(retries=2)
    def child() -> None:
        seen.append(runtime.task_run.run_count)
        raise ValueError("no")

    in_flow(child)

    assert seen == [1, 2, 3]


def test_a_condition_may_stop_the_retries(clock: VirtualClock) -> None:
    def never(task: Any, run: Any, state: State[Any]) -> bool:
        return False

    state = in_flow(task(retries=3, retry_condition_fn=never)(failing(5)))

    assert state.message == "ValueError: failure 1"


def test_a_condition_sees_the_failure(clock: VirtualClock) -> None:
    def on_value_errors(task: Any, run: Any, state: State[Any]) -> bool:
        return isinstance(state.result(raise_on_failure=False), ValueError)

    assert in_flow(task(retries=1, retry_condition_fn=on_value_errors)(failing(1))).result() == 2


def test_a_condition_that_fails_ends_the_run(clock: VirtualClock) -> None:
    def broken(task: Any, run: Any, state: State[Any]) -> bool:
        raise RuntimeError("condition")

    state = in_flow(task(retries=3, retry_condition_fn=broken)(failing(5)))

    assert state.message == "ValueError: failure 1"


def test_a_condition_may_be_async(clock: VirtualClock) -> None:
    async def always(task: Any, run: Any, state: State[Any]) -> bool:
        return True

    assert in_flow(task(retries=1, retry_condition_fn=always)(failing(1))).result() == 2


def test_a_failed_state_that_a_task_returns_is_retried(clock: VirtualClock) -> None:
    @task(retries=1)
    def child() -> State[Any]:
        return Failed() if runtime.task_run.run_count == 1 else Completed()

    assert in_flow(child).is_completed()


def test_an_async_task_is_retried(clock: VirtualClock) -> None:
    @task(retries=1, retry_delay_seconds=3)
    async def child() -> int:
        if runtime.task_run.run_count == 1:
            raise ValueError("no")
        return 1

    @flow
    async def parent() -> int:
        return await child()

    assert asyncio.run(parent()) == 1
    assert clock.slept == [3]


def test_a_submitted_task_is_retried(clock: VirtualClock) -> None:
    child = task(retries=1)(failing(1))

    @flow
    def parent() -> Any:
        return child.submit().result()

    assert parent() == 2


def test_a_flow_is_tried_again_until_it_succeeds(clock: VirtualClock) -> None:
    assert flow(name="f", retries=2)(failing(2))() == 3


def test_a_flow_waits_between_its_attempts(clock: VirtualClock) -> None:
    flow(name="f", retries=2, retry_delay_seconds=7)(failing(2))()

    assert clock.slept == [7, 7]


def test_a_flow_takes_a_list_of_delays(clock: VirtualClock) -> None:
    flow(name="f", retries=2, retry_delay_seconds=[1, 2])(failing(2))()

    assert clock.slept == [1, 2]


def test_a_flow_takes_jitter(clock: VirtualClock) -> None:
    flow(name="f", retries=9, retry_delay_seconds=10, retry_jitter_factor=1)(failing(9))()

    assert len(set(clock.slept)) > 1


def test_a_flow_takes_a_condition(clock: VirtualClock) -> None:
    def on_the_first(flow: Any, run: Any, state: State[Any]) -> bool:
        return "failure 1" in str(state.message)

    made = flow(name="f", retries=5, retry_condition_fn=on_the_first)(failing(5))

    with pytest.raises(ValueError, match="failure 2"):
        made()


def test_a_flow_raises_its_last_failure(clock: VirtualClock) -> None:
    with pytest.raises(ValueError, match="failure 3"):
        flow(name="f", retries=2)(failing(9))()


def test_the_runtime_counts_a_flow_s_attempts(clock: VirtualClock) -> None:
    seen: list[int] = []

    @flow(retries=1)
    def parent() -> None:
        seen.append(runtime.flow_run.run_count)
        if len(seen) == 1:
            raise ValueError("no")

    parent()

    assert seen == [1, 2]


def test_a_flow_s_states_say_that_it_is_tried_again(runs: Records, clock: VirtualClock) -> None:
    flow(name="f", retries=1, retry_delay_seconds=1)(failing(1))()

    assert runs.flow_state_names() == [["Running", "AwaitingRetry", "Retrying", "Completed"]]


def test_a_flow_that_does_not_fit_its_parameters_is_not_retried(clock: VirtualClock) -> None:
    @flow(retries=3, retry_delay_seconds=1)
    def parent(x: int) -> int:
        return x

    assert parent("no", return_state=True).is_failed()
    assert clock.slept == []


def test_a_retried_flow_calls_its_tasks_again(clock: VirtualClock) -> None:
    calls: list[int] = []

    @task
    def child() -> None:
        calls.append(1)

    @flow(retries=1)
    def parent() -> None:
        child()
        if len(calls) == 1:
            raise ValueError("no")

    parent()

    assert len(calls) == 2
