"""Timeouts: in the main thread, in other threads, in coroutines, nested, and with retries."""

import asyncio
import threading
import time

import pytest

from headgate import flow, task
from headgate.errors import RunTimeoutError
from headgate.states import StateType

SHORT_SECONDS = 0.05
LONG_SECONDS = 20.0


def test_a_task_in_the_main_thread_is_interrupted_in_a_system_call() -> None:
    @task(timeout_seconds=SHORT_SECONDS)
    def hang() -> None:
        time.sleep(LONG_SECONDS)

    started = time.monotonic()
    state = hang(return_state=True)

    assert time.monotonic() - started < 5
    assert (state.type, state.name) == (StateType.FAILED, "TimedOut")
    with pytest.raises(RunTimeoutError, match=r"exceeded its timeout of 0\.05 seconds"):
        state.result()


def test_a_submitted_task_is_interrupted_at_its_next_bytecode() -> None:
    @task(timeout_seconds=SHORT_SECONDS)
    def spin() -> None:
        while True:
            time.sleep(0.001)

    @flow
    def parent() -> str:
        return spin.submit(return_state=True).name

    assert parent() == "TimedOut"


def test_an_async_task_is_interrupted_where_it_awaits() -> None:
    @task(timeout_seconds=SHORT_SECONDS)
    async def hang() -> None:
        await asyncio.sleep(LONG_SECONDS)

    state = asyncio.run(hang(return_state=True))

    assert state.name == "TimedOut"


def test_a_flow_is_interrupted() -> None:
    @flow(timeout_seconds=SHORT_SECONDS)
    def hang() -> None:
        time.sleep(LONG_SECONDS)

    with pytest.raises(RunTimeoutError):
        hang()


def test_an_async_flow_is_interrupted() -> None:
    @flow(timeout_seconds=SHORT_SECONDS)
    async def hang() -> None:
        await asyncio.sleep(LONG_SECONDS)

    state = asyncio.run(hang(return_state=True))

    assert state.name == "TimedOut"


def test_a_flow_waiting_for_a_task_is_interrupted_and_so_is_the_task() -> None:
    ended = threading.Event()

    @task
    def spin() -> None:
        try:
            while True:
                time.sleep(0.001)
        finally:
            ended.set()

    @flow(timeout_seconds=SHORT_SECONDS)
    def parent() -> None:
        spin.submit().result()

    state = parent(return_state=True)

    assert state.name == "TimedOut"
    assert ended.is_set()


def test_a_user_s_own_timeout_error_is_an_ordinary_failure() -> None:
    @task(timeout_seconds=LONG_SECONDS)
    def raise_it() -> None:
        raise TimeoutError("mine")

    state = raise_it(return_state=True)

    assert (state.name, state.message) == ("Failed", "TimeoutError: mine")


def test_the_inner_limit_strikes_when_it_is_shorter() -> None:
    @task(timeout_seconds=SHORT_SECONDS)
    def hang() -> None:
        time.sleep(LONG_SECONDS)

    @flow(timeout_seconds=LONG_SECONDS)
    def parent() -> str:
        return hang(return_state=True).name

    assert parent() == "TimedOut"


def test_the_outer_limit_strikes_through_and_stops_the_task_s_retries() -> None:
    attempts: list[int] = []

    @task(timeout_seconds=LONG_SECONDS, retries=5)
    def hang() -> None:
        attempts.append(1)
        time.sleep(LONG_SECONDS)

    @flow(timeout_seconds=SHORT_SECONDS)
    def parent() -> None:
        hang()

    assert parent(return_state=True).name == "TimedOut"
    assert attempts == [1]


def test_the_outer_limit_is_armed_again_after_an_inner_one() -> None:
    @task(timeout_seconds=SHORT_SECONDS)
    def quick() -> int:
        return 1

    @flow(timeout_seconds=4 * SHORT_SECONDS)
    def parent() -> None:
        quick()
        time.sleep(LONG_SECONDS)

    assert parent(return_state=True).name == "TimedOut"


def test_a_timed_out_attempt_is_retried() -> None:
    attempts: list[int] = []

    @task(timeout_seconds=SHORT_SECONDS, retries=1)
    def slow_once() -> int:
        attempts.append(1)
        if len(attempts) == 1:
            time.sleep(LONG_SECONDS)
        return len(attempts)

    assert slow_once() == 2


def test_a_run_in_time_is_left_alone() -> None:
    @task(timeout_seconds=SHORT_SECONDS)
    def quick() -> int:
        return 1

    @flow(timeout_seconds=LONG_SECONDS)
    def parent() -> tuple[int, int]:
        return quick(), quick.submit().result()

    assert parent() == (1, 1)
