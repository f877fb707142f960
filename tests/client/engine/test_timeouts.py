"""Timeouts: in the main thread, in other threads, in coroutines, nested, and with retries."""

import asyncio
import signal
import threading
import time

import pytest

from headgate import flow, task
from headgate.engine.timeouts import held, running_deadlines
from headgate.errors import RunTimeoutError
from headgate.states import StateType

SHORT_SECONDS = 0.05
LONG_SECONDS = 20.0
HELD_LIMIT_SECONDS = 0.5
"""Of what is held for longer than that: a busy machine needs some of it for the rest."""


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


def test_no_time_passes_for_a_flow_that_is_held_nor_for_what_is_around_it() -> None:
    left: list[float] = []

    @flow(timeout_seconds=HELD_LIMIT_SECONDS)
    def inner() -> None:
        with held(running_deadlines()):
            time.sleep(2 * HELD_LIMIT_SECONDS)

    @task(timeout_seconds=HELD_LIMIT_SECONDS + SHORT_SECONDS)
    def between() -> None:
        inner()

    @flow(timeout_seconds=HELD_LIMIT_SECONDS + 2 * SHORT_SECONDS)
    def outer() -> None:
        between()
        left.append(signal.getitimer(signal.ITIMER_REAL)[0])

    assert outer(return_state=True).name == "Completed"
    assert 0 < left[0] <= HELD_LIMIT_SECONDS + 2 * SHORT_SECONDS


@pytest.mark.parametrize("kind", ["blocking", "coroutine"])
def test_what_was_held_strikes_after_the_rest_of_its_time(kind: str) -> None:
    released_at: list[float] = []

    def hold() -> None:
        with held(running_deadlines()):
            time.sleep(2 * HELD_LIMIT_SECONDS)
        released_at.append(time.monotonic())

    @flow(timeout_seconds=HELD_LIMIT_SECONDS)
    def blocking() -> None:
        hold()
        time.sleep(LONG_SECONDS)

    @flow(timeout_seconds=HELD_LIMIT_SECONDS)
    async def coroutine() -> None:
        hold()
        await asyncio.sleep(LONG_SECONDS)

    if kind == "blocking":
        state = blocking(return_state=True)
    else:
        state = asyncio.run(coroutine(return_state=True))

    assert state.name == "TimedOut"
    assert 0 < time.monotonic() - released_at[0] < LONG_SECONDS / 2


def test_limit_of_another_thread_is_held_from_the_thread_that_waits() -> None:
    @task(timeout_seconds=HELD_LIMIT_SECONDS)
    def waits() -> int:
        deadlines = running_deadlines()
        for deadline in deadlines:
            deadline.hold()
        ends_at = time.monotonic() + 2 * HELD_LIMIT_SECONDS
        while time.monotonic() < ends_at:
            time.sleep(0.001)
        for deadline in deadlines:
            deadline.release()
        return len(deadlines)

    @flow(timeout_seconds=HELD_LIMIT_SECONDS)
    def parent() -> int:
        return waits.submit().result()

    assert parent() == 2


def test_alarm_of_the_users_own_strikes_in_its_turn() -> None:
    struck: list[str] = []
    before = signal.signal(signal.SIGALRM, lambda _number, _frame: struck.append("own"))
    signal.setitimer(signal.ITIMER_REAL, SHORT_SECONDS)

    @flow(timeout_seconds=3 * SHORT_SECONDS)
    def hang() -> None:
        time.sleep(LONG_SECONDS)

    try:
        state = hang(return_state=True)
        handler = signal.getsignal(signal.SIGALRM)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    assert (state.name, struck) == ("TimedOut", ["own"])
    assert callable(handler)
    assert handler(0, None) is None  # pyright: ignore[reportUnknownVariableType]
    assert struck == ["own", "own"]
