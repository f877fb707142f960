"""Futures: waiting, results, states, completion in any order."""

import asyncio
import threading
from typing import Any

import pytest

from headgate import Future, FutureList, flow, task
from headgate.futures import as_completed, wait
from headgate.states import StateType


@task
def add(x: int, y: int = 1) -> int:
    return x + y


@task
def fail() -> int:
    raise ValueError("no")


def test_result_waits_for_the_task() -> None:
    @flow
    def parent() -> int:
        return add.submit(1).result()

    assert parent() == 2


def test_result_raises_the_task_s_exception() -> None:
    @flow
    def parent() -> int:
        return fail.submit().result()

    with pytest.raises(ValueError, match="no"):
        parent()


def test_result_may_return_the_exception() -> None:
    @flow
    def parent() -> str:
        return type(fail.submit().result(raise_on_failure=False)).__name__

    assert parent() == "ValueError"


def test_result_gives_up_after_its_timeout() -> None:
    is_free = threading.Event()

    @task
    def wait_for_it() -> bool:
        return is_free.wait(10)

    @flow
    def parent() -> str:
        future = wait_for_it.submit()
        try:
            future.result(timeout=0.01)
        except TimeoutError:
            return "gave up"
        finally:
            is_free.set()
        return "did not"

    assert parent() == "gave up"


def test_wait_does_not_raise() -> None:
    @flow
    def parent() -> StateType:
        future = fail.submit()
        future.wait()
        return future.state.type

    assert parent() is StateType.FAILED


def test_wait_returns_after_its_timeout() -> None:
    is_free = threading.Event()

    @task
    def wait_for_it() -> bool:
        return is_free.wait(10)

    @flow
    def parent() -> bool:
        future = wait_for_it.submit()
        future.wait(timeout=0.01)
        is_over = future.state.is_final()
        is_free.set()
        return is_over

    assert parent() is False


def test_state_of_an_ended_task_is_final() -> None:
    @flow
    def parent() -> StateType:
        future = add.submit(1)
        future.wait()
        return future.state.type

    assert parent() is StateType.COMPLETED


def test_state_of_a_running_task_is_running() -> None:
    has_begun, is_free = threading.Event(), threading.Event()

    @task
    def wait_for_it() -> None:
        has_begun.set()
        is_free.wait(10)

    @flow
    def parent() -> StateType:
        future = wait_for_it.submit()
        has_begun.wait(10)
        kind = future.state.type
        is_free.set()
        return kind

    assert parent() is StateType.RUNNING


def test_a_future_has_its_task_run_s_id() -> None:
    @flow
    def parent() -> bool:
        return add.submit(1).task_run_id.startswith("trun_")

    assert parent() is True


def test_a_done_callback_is_called_with_the_future() -> None:
    seen: list[int] = []

    @flow
    def parent() -> None:
        future = add.submit(1)
        future.add_done_callback(lambda done: seen.append(done.result()))
        future.wait()

    parent()

    assert seen == [2]


def test_module_wait_returns_done_and_not_done() -> None:
    is_free = threading.Event()

    @task
    def wait_for_it() -> bool:
        return is_free.wait(10)

    @flow
    def parent() -> tuple[int, int]:
        quick, slow = add.submit(1), wait_for_it.submit()
        quick.wait()
        done, not_done = wait([quick, slow], timeout=0.01)
        is_free.set()
        return len(done), len(not_done)

    assert parent() == (1, 1)


def test_module_wait_waits_for_all() -> None:
    @flow
    def parent() -> int:
        return len(wait(add.map([1, 2, 3])).done)

    assert parent() == 3


def test_as_completed_yields_in_the_order_of_ends() -> None:
    first_may_end = threading.Event()

    @task
    def later() -> str:
        first_may_end.wait(10)
        return "later"

    @task
    def sooner() -> str:
        return "sooner"

    @flow
    def parent() -> list[str]:
        seen: list[str] = []
        for future in as_completed([later.submit(), sooner.submit()]):
            seen.append(future.result())
            first_may_end.set()
        return seen

    assert parent() == ["sooner", "later"]


def test_as_completed_gives_up_after_its_timeout() -> None:
    is_free = threading.Event()

    @task
    def wait_for_it() -> bool:
        return is_free.wait(10)

    @flow
    def parent() -> str:
        future = wait_for_it.submit()
        try:
            list(as_completed([future], timeout=0.01))
        except TimeoutError:
            return "gave up"
        finally:
            is_free.set()
        return "did not"

    assert parent() == "gave up"


def test_a_map_returns_a_list_of_futures() -> None:
    @flow
    def parent() -> bool:
        futures: Any = add.map([1])
        first: Any = futures[0]
        return isinstance(futures, FutureList) and isinstance(first, Future)

    assert parent() is True


def test_a_list_s_result_raises_the_first_failure() -> None:
    @task
    def invert(x: int) -> float:
        return 1 / x

    @flow
    def parent() -> list[float]:
        return invert.map([1, 0]).result()

    with pytest.raises(ZeroDivisionError):
        parent()


def test_a_list_s_result_may_hold_exceptions() -> None:
    @task
    def invert(x: int) -> float:
        return 1 / x

    @flow
    def parent() -> list[str]:
        results = invert.map([1, 0]).result(raise_on_failure=False)
        return [type(result).__name__ for result in results]

    assert parent() == ["float", "ZeroDivisionError"]


def test_a_list_waits_for_all() -> None:
    @flow
    def parent() -> bool:
        futures = add.map([1, 2])
        futures.wait()
        return all(future.state.is_completed() for future in futures)

    assert parent() is True


def test_a_flow_ends_after_the_tasks_that_it_submitted() -> None:
    done = threading.Event()
    is_free = threading.Event()

    @task
    def finish() -> None:
        is_free.wait(10)
        done.set()

    @flow
    def parent() -> None:
        finish.submit()
        is_free.set()

    parent()

    assert done.is_set()


def test_a_future_may_be_awaited() -> None:
    @flow
    async def parent() -> int:
        return await add.submit(1).result_async()

    assert asyncio.run(parent()) == 2


def test_a_future_that_is_returned_stands_for_its_result() -> None:
    @flow
    def parent() -> Future[int]:
        return add.submit(1)

    assert parent() == 2


def test_a_failed_future_that_is_returned_fails_the_flow() -> None:
    @flow
    def parent() -> Future[int]:
        return fail.submit()

    assert parent(return_state=True).is_failed()
