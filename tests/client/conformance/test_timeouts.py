"""Timeouts of flows and tasks, in threads, coroutines and nested runs."""

import asyncio
import threading
import time
from typing import Any

import pytest

from headgate import flow, task
from headgate.states import StateType
from headgate.testing import Records

SHORT = 0.02


def spin() -> None:
    """Be busy until somebody stops it, ten seconds at most."""
    ends_at = time.monotonic() + 10
    while time.monotonic() < ends_at:
        pass


def test_a_task_that_takes_too_long_times_out(runs: Records) -> None:
    @task(timeout_seconds=SHORT)
    def slow() -> None:
        threading.Event().wait(10)

    @flow
    def parent() -> Any:
        return slow(return_state=True)

    state = parent(return_state=True)

    assert (state.type, state.name) == (StateType.FAILED, "TimedOut")
    assert runs.task_states("slow")[-1] == "TimedOut"


def test_a_timeout_raises_a_timeout_error() -> None:
    @task(timeout_seconds=SHORT)
    def slow() -> None:
        spin()

    @flow
    def parent() -> None:
        slow()

    with pytest.raises(TimeoutError, match=r"exceeded its timeout of 0\.02 seconds"):
        parent()


def test_a_submitted_task_times_out() -> None:
    @task(timeout_seconds=SHORT)
    def slow() -> None:
        spin()

    @flow
    def parent() -> str:
        future = slow.submit()
        future.wait()
        return future.state.name

    assert parent() == "TimedOut"


def test_an_async_task_times_out() -> None:
    @task(timeout_seconds=SHORT)
    async def slow() -> None:
        await asyncio.sleep(10)

    @flow
    async def parent() -> str:
        return (await slow(return_state=True)).name

    assert asyncio.run(parent()) == "TimedOut"


def test_a_task_in_time_does_not() -> None:
    @task(timeout_seconds=10)
    def quick() -> int:
        return 1

    @flow
    def parent() -> int:
        return quick()

    assert parent() == 1


def test_each_attempt_has_the_whole_timeout(runs: Records) -> None:
    attempts: list[int] = []

    @task(timeout_seconds=SHORT, retries=1)
    def slow() -> int:
        attempts.append(1)
        if len(attempts) == 1:
            spin()
        return len(attempts)

    @flow
    def parent() -> int:
        return slow()

    assert parent() == 2
    assert runs.task_states("slow") == ["Pending", "Running", "Retrying", "Completed"]


def test_a_flow_that_takes_too_long_times_out() -> None:
    @flow(timeout_seconds=SHORT)
    def slow() -> None:
        spin()

    assert slow(return_state=True).name == "TimedOut"


def test_an_async_flow_times_out() -> None:
    @flow(timeout_seconds=SHORT)
    async def slow() -> None:
        await asyncio.sleep(10)

    assert asyncio.run(slow(return_state=True)).name == "TimedOut"


def test_a_subflow_times_out_by_itself() -> None:
    @flow(timeout_seconds=SHORT)
    def slow() -> None:
        spin()

    @flow(timeout_seconds=10)
    def parent() -> str:
        return slow(return_state=True).name

    assert parent() == "TimedOut"


def test_a_timeout_error_of_user_code_is_a_plain_failure() -> None:
    @flow(timeout_seconds=10)
    def parent() -> None:
        raise TimeoutError("somebody else's")

    state = parent(return_state=True)

    assert (state.name, state.message) == ("Failed", "TimeoutError: somebody else's")


def test_a_timed_out_task_calls_its_failure_hooks() -> None:
    seen: list[str] = []

    @task(timeout_seconds=SHORT, on_failure=[lambda _t, _r, state: seen.append(state.name)])  # pyright: ignore[reportUnknownLambdaType, reportUnknownMemberType, reportUnknownArgumentType]
    def slow() -> None:
        spin()

    @flow
    def parent() -> None:
        slow(return_state=True)

    parent()

    assert seen == ["TimedOut"]
