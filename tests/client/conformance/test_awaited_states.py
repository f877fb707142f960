"""Results of states: awaited in a coroutine, as they are in a function, whatever runs around it."""

import asyncio
from typing import Any

import pytest

from headgate import State, flow, task
from headgate.states import (
    Completed,
    Failed,
    get_state_exception,
    raise_state_exception,
)


@task
async def double(x: int) -> int:
    return x * 2


@task
async def fail() -> None:
    raise ValueError("no")


def test_a_coroutine_awaits_the_result_of_a_task_s_state() -> None:
    @flow
    async def parent() -> int:
        state = await double(2, return_state=True)
        return await state.result()

    assert asyncio.run(parent()) == 4


def test_a_coroutine_outside_of_runs_awaits_the_result_of_a_flow_s_state() -> None:
    @flow
    async def parent() -> int:
        return 3

    async def main() -> int:
        state = await parent(return_state=True)
        return await state.result()

    assert asyncio.run(main()) == 3


def test_results_are_gathered() -> None:
    @flow
    async def parent() -> list[int]:
        states = [await double(x, return_state=True) for x in range(3)]
        return await asyncio.gather(*[state.result() for state in states])

    assert asyncio.run(parent()) == [0, 2, 4]


def test_a_failure_is_raised_where_it_is_awaited() -> None:
    @flow
    async def parent() -> str:
        state = await fail(return_state=True)
        with pytest.raises(ValueError, match="no"):
            await state.result()
        return type(await state.result(raise_on_failure=False)).__name__

    assert asyncio.run(parent()) == "ValueError"


def test_a_function_takes_the_result_as_it_is() -> None:
    @task
    def add(x: int) -> int:
        return x + 1

    @flow
    def parent() -> int:
        return add(1, return_state=True).result()

    assert parent() == 2


def test_a_plain_task_in_a_coroutine_takes_the_result_as_it_is() -> None:
    @task
    def unpack(state: Any) -> int:
        return Completed(data=7).result()

    @flow
    async def parent() -> int:
        return unpack(1)

    assert asyncio.run(parent()) == 7


def test_a_plain_flow_called_where_a_loop_runs_takes_the_result_as_it_is() -> None:
    @flow
    def plain() -> int:
        return Completed(data=5).result()

    async def main() -> int:
        return plain()

    assert asyncio.run(main()) == 5


def test_a_plain_hook_of_a_coroutine_takes_the_result_as_it_is() -> None:
    seen: list[Any] = []

    def note(flow_: Any, run: Any, state: State[Any]) -> None:
        seen.append(state.result(raise_on_failure=False))

    async def note_async(flow_: Any, run: Any, state: State[Any]) -> None:
        seen.append(await state.result(raise_on_failure=False))

    @flow(on_completion=[note, note_async])
    async def parent() -> int:
        return 9

    asyncio.run(parent())

    assert seen == [9, 9]


def test_a_submitted_plain_task_of_a_coroutine_takes_the_result_as_it_is() -> None:
    @task
    def unpack() -> int:
        return Completed(data=7).result()

    @flow
    async def parent() -> int:
        return await unpack.submit().result_async()

    assert asyncio.run(parent()) == 7


def test_a_coroutine_awaits_the_exception_of_a_state() -> None:
    async def main() -> str:
        return str(await get_state_exception(Failed(data=ValueError("no"))))

    assert asyncio.run(main()) == "no"


def test_a_coroutine_raises_the_exception_of_a_state() -> None:
    async def main() -> None:
        await raise_state_exception(Completed())
        await raise_state_exception(Failed(data=ValueError("no")))

    with pytest.raises(ValueError, match="no"):
        asyncio.run(main())


def test_a_state_handed_to_a_task_of_a_coroutine_becomes_its_result() -> None:
    @flow
    async def parent() -> int:
        state: Any = await double(2, return_state=True)
        return await double(state)

    assert asyncio.run(parent()) == 8
