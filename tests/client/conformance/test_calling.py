"""Calling tasks: directly, by ``submit`` and ``map``, with states and dependencies."""

import asyncio
import threading
from typing import Any

import pytest

from headgate import State, allow_failure, flow, task, unmapped
from headgate.states import StateType
from headgate.testing import Records
from headgate.utilities.annotations import quote


@task
def add(x: int, y: int = 1) -> int:
    return x + y


@task
def fail() -> int:
    raise ValueError("no")


@task
async def add_async(x: int, y: int = 1) -> int:
    await asyncio.sleep(0)
    return x + y


def test_a_direct_call_returns_the_result() -> None:
    @flow
    def parent() -> int:
        return add(1, y=2)

    assert parent() == 3


def test_a_direct_call_runs_in_the_caller_s_thread() -> None:
    @task
    def where() -> int:
        return threading.get_ident()

    @flow
    def parent() -> int:
        return where()

    assert parent() == threading.get_ident()


def test_a_direct_call_raises_the_task_s_exception() -> None:
    @flow
    def parent() -> int:
        return fail()

    with pytest.raises(ValueError, match="no"):
        parent()


def test_a_failed_call_may_be_caught() -> None:
    @flow
    def parent() -> str:
        try:
            fail()
        except ValueError:
            return "caught"
        return "not"

    assert parent() == "caught"


def test_a_direct_call_with_return_state_returns_the_state() -> None:
    @flow
    def parent() -> tuple[StateType, int]:
        state = add(1, return_state=True)
        return state.type, state.result()

    assert parent() == (StateType.COMPLETED, 2)


def test_return_state_does_not_raise_a_failure() -> None:
    @flow
    def parent() -> bool:
        return fail(return_state=True).is_failed()

    assert parent() is True


def test_an_async_task_is_awaited() -> None:
    @flow
    async def parent() -> int:
        return await add_async(1)

    assert asyncio.run(parent()) == 2


def test_async_tasks_are_gathered() -> None:
    @flow
    async def parent() -> list[int]:
        return list(await asyncio.gather(*(add_async(number) for number in range(3))))

    assert asyncio.run(parent()) == [1, 2, 3]


def test_an_async_flow_calls_sync_tasks() -> None:
    @flow
    async def parent() -> int:
        return add(1)

    assert asyncio.run(parent()) == 2


def test_submit_returns_a_future_at_once() -> None:
    is_free = threading.Event()

    @task
    def wait_for_it() -> bool:
        return is_free.wait(10)

    @flow
    def parent() -> bool:
        future = wait_for_it.submit()
        is_free.set()
        return future.result()

    assert parent() is True


def test_submitted_tasks_run_beside_each_other() -> None:
    both = threading.Barrier(2, timeout=10)

    @task
    def meet() -> int:
        return both.wait()

    @flow
    def parent() -> list[int]:
        return sorted(future.result() for future in [meet.submit(), meet.submit()])

    assert parent() == [0, 1]


def test_submit_takes_positional_and_keyword_arguments() -> None:
    @flow
    def parent() -> int:
        return add.submit(1, y=5).result()

    assert parent() == 6


def test_submit_with_return_state_waits() -> None:
    @flow
    def parent() -> State[int]:
        return add.submit(1, return_state=True)

    assert parent() == 2


def test_async_tasks_are_submitted_from_sync_flows() -> None:
    @flow
    def parent() -> int:
        return add_async.submit(1).result()

    assert parent() == 2


def test_async_tasks_are_submitted_from_async_flows() -> None:
    @flow
    async def parent() -> int:
        return add_async.submit(1).result()

    assert asyncio.run(parent()) == 2


def test_a_future_as_an_argument_is_waited_for_and_replaced_by_its_result() -> None:
    @flow
    def parent() -> int:
        return add.submit(add.submit(1)).result()  # pyright: ignore[reportArgumentType] - resolved by the engine

    assert parent() == 3


def test_a_future_as_an_argument_of_a_direct_call_is_resolved() -> None:
    @flow
    def parent() -> int:
        return add(add.submit(1))  # pyright: ignore[reportArgumentType] - resolved by the engine

    assert parent() == 3


@pytest.mark.parametrize("wrap", [lambda x: [x], lambda x: {"k": x}, lambda x: (x,)])  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
def test_futures_in_collections_are_resolved(wrap: Any) -> None:
    @task
    def same(value: Any) -> Any:
        return value

    @flow
    def parent() -> Any:
        return same.submit(wrap(add.submit(1))).result()

    assert parent() == wrap(2)


def test_a_state_as_an_argument_is_replaced_by_its_result() -> None:
    @flow
    def parent() -> int:
        return add(add(1, return_state=True))  # pyright: ignore[reportArgumentType] - resolved by the engine

    assert parent() == 3


def test_dependencies_are_recorded_as_parents(runs: Records) -> None:
    @flow
    def parent() -> None:
        first = add.submit(1)
        add.submit(first).wait()  # pyright: ignore[reportArgumentType] - resolved by the engine

    parent()

    first, second = runs.task_runs
    assert second.parents == [first.id]


def test_a_task_whose_upstream_failed_does_not_start(runs: Records) -> None:
    @flow
    def parent() -> str:
        future = add.submit(fail.submit())  # pyright: ignore[reportArgumentType] - resolved by the engine
        future.wait()
        return future.state.name

    assert parent() == "NotReady"
    assert runs.task_states("add") == ["Pending", "NotReady"]


def test_wait_for_holds_a_task_back() -> None:
    order: list[str] = []

    @task
    def note(name: str) -> None:
        order.append(name)

    @flow
    def parent() -> None:
        first = note.submit("first")
        note.submit("second", wait_for=[first]).wait()

    parent()

    assert order == ["first", "second"]


def test_wait_for_a_failed_task_keeps_a_task_from_starting() -> None:
    @flow
    def parent() -> str:
        future = add.submit(1, wait_for=[fail.submit()])
        future.wait()
        return future.state.name

    assert parent() == "NotReady"


def test_wait_for_is_taken_by_direct_calls() -> None:
    @flow
    def parent() -> int:
        return add(1, wait_for=[add.submit(5)])

    assert parent() == 2


def test_allow_failure_hands_the_exception_on() -> None:
    @task
    def look(value: Any) -> str:
        return type(value).__name__

    @flow
    def parent() -> str:
        return look.submit(allow_failure(fail.submit())).result()

    assert parent() == "ValueError"


def test_allow_failure_hands_a_result_on() -> None:
    @flow
    def parent() -> int:
        return add.submit(allow_failure(add.submit(1))).result()  # pyright: ignore[reportArgumentType] - resolved by the engine

    assert parent() == 3


def test_allow_failure_works_in_wait_for() -> None:
    @flow
    def parent() -> int:
        return add.submit(1, wait_for=[allow_failure(fail.submit())]).result()

    assert parent() == 2


def test_quote_hands_on_what_is_inside_as_it_is() -> None:
    @task
    def kind(value: Any) -> str:
        return type(value[0]).__name__

    @flow
    def parent() -> str:
        return kind(quote([add.submit(1)]))

    assert parent() == "Future"


def test_quote_is_unwrapped_before_the_call() -> None:
    @flow
    def parent() -> int:
        return add.submit(quote(3)).result()  # pyright: ignore[reportArgumentType] - unwrapped by the engine

    assert parent() == 4


def test_quote_gives_back_its_value() -> None:
    assert quote([1]).unquote() == [1]


def test_annotations_unwrap_and_rewrap() -> None:
    assert unmapped([1]).unwrap() == [1]
    assert allow_failure(1).rewrap(2).unwrap() == 2
