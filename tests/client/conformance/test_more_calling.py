"""Calling, further: states of maps, methods, generators, nesting and subflows."""

import asyncio
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

import pytest

from headgate import State, flow, runtime, task
from headgate.states import StateType
from headgate.testing import Records


@task
def add(x: int, y: int = 1) -> int:
    return x + y


@task
def numbers(count: int) -> Iterator[int]:
    yield from range(count)


@task
async def numbers_async(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


@flow
def child(x: int = 1) -> int:
    return add(x)


def test_map_with_return_state_returns_states() -> None:
    @flow
    def parent() -> list[StateType]:
        return [state.type for state in add.map([1, 2], return_state=True)]

    assert parent() == [StateType.COMPLETED, StateType.COMPLETED]


def test_async_tasks_are_mapped() -> None:
    @task
    async def double(x: int) -> int:
        return 2 * x

    @flow
    def parent() -> list[int]:
        return double.map([1, 2]).result()

    assert parent() == [2, 4]


def test_runs_of_a_map_know_their_place(runs: Records) -> None:
    @flow
    def parent() -> None:
        add.map([7, 8]).wait()

    parent()

    assert sorted(str(run.map_index) for run in runs.task_runs) == ["0", "1"]


def test_a_method_may_be_a_task() -> None:
    class Adder:
        def __init__(self, by: int) -> None:
            self.by = by

        @task
        def add(self, x: int) -> int:
            return x + self.by

    @flow
    def parent() -> tuple[int, int, list[int]]:
        adder = Adder(5)
        return adder.add(1), adder.add.submit(2).result(), adder.add.map([3, 4]).result()

    assert parent() == (6, 7, [8, 9])


def test_a_method_may_be_a_flow() -> None:
    class Adder:
        by = 5

        @flow
        def add(self, x: int) -> int:
            return x + self.by

    assert Adder().add(1) == 6


def test_an_async_method_may_be_a_task() -> None:
    class Adder:
        by = 5

        @task
        async def add(self, x: int) -> int:
            return x + self.by

    @flow
    async def parent() -> int:
        return await Adder().add(1)

    assert asyncio.run(parent()) == 6


def test_a_class_method_may_be_a_task() -> None:
    class Adder:
        by = 5

        @task  # pyright: ignore[reportArgumentType] - the other way round than type checkers know
        @classmethod
        def add(cls, x: int) -> int:
            return x + cls.by

    @flow
    def parent() -> Any:
        adder: Any = Adder
        return adder.add(1)

    assert parent() == 6


def test_a_static_method_may_be_a_task() -> None:
    class Adder:
        @task
        @staticmethod
        def add(x: int) -> int:
            return x + 5

        @staticmethod
        @task
        def more(x: int) -> int:
            return x + 6

    @flow
    def parent() -> tuple[Any, int]:
        adder: Any = Adder
        return adder().add(1), adder.more(1)

    assert parent() == (6, 7)


def test_a_class_method_and_a_static_method_may_be_flows() -> None:
    class Adder:
        by = 5

        @flow  # pyright: ignore[reportArgumentType] - the other way round than type checkers know
        @classmethod
        def add(cls, x: int) -> int:
            return x + cls.by

        @staticmethod
        @flow
        def more(x: int) -> int:
            return x + 6

    adder: Any = Adder
    assert (adder.add(1), adder.more(1)) == (6, 7)


def test_a_lambda_may_be_a_task() -> None:
    functions: list[Any] = [lambda x: x * 2]  # pyright: ignore[reportUnknownLambdaType]
    double = task(name="double")(functions[0])

    @flow
    def parent() -> Any:
        return double(2)

    assert parent() == 4


def test_a_generator_task_yields_as_it_is_asked() -> None:
    @flow
    def parent() -> list[int]:
        return list(numbers(3))

    assert parent() == [0, 1, 2]


def test_a_generator_task_is_one_run(runs: Records) -> None:
    @flow
    def parent() -> None:
        list(numbers(3))

    parent()

    assert runs.task_states("numbers") == ["Pending", "Running", "Completed"]


def test_a_generator_task_s_failure_comes_after_its_items() -> None:
    @task
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("no")

    @flow
    def parent() -> list[int]:
        seen: list[int] = []
        with pytest.raises(ValueError, match="no"):
            seen.extend(broken())
        return seen

    assert parent() == [1]


def test_a_submitted_generator_s_result_is_its_items() -> None:
    @flow
    def parent() -> list[int]:
        return numbers.submit(2).result()  # pyright: ignore[reportReturnType, reportUnknownMemberType, reportUnknownVariableType]

    assert parent() == [0, 1]


def test_an_async_generator_task_yields() -> None:
    @flow
    async def parent() -> list[int]:
        return [number async for number in numbers_async(3)]

    assert asyncio.run(parent()) == [0, 1, 2]


def test_a_generator_flow_yields_what_its_tasks_make() -> None:
    @flow
    def parent() -> Iterator[int]:
        for number in numbers(2):
            yield add(number)

    assert list(parent()) == [1, 2]


def test_an_async_generator_flow_yields() -> None:
    @flow
    async def parent() -> AsyncIterator[int]:
        async for number in numbers_async(2):
            yield number

    async def collect() -> list[int]:
        return [number async for number in parent()]

    assert asyncio.run(collect()) == [0, 1]


def test_a_generator_takes_what_is_sent() -> None:
    @task
    def echo() -> Generator[Any, Any, None]:
        yield (yield "ready")

    @flow
    def parent() -> list[str]:
        generator = echo()
        return [next(generator), generator.send("sent")]

    assert parent() == ["ready", "sent"]


def test_a_task_calls_a_task(runs: Records) -> None:
    @task
    def outer(x: int) -> int:
        return add(x) * 10

    @flow
    def parent() -> int:
        return outer(1)

    assert parent() == 20
    assert [run.name.rpartition("-")[0] for run in runs.task_runs] == ["outer", "add"]


def test_a_task_submits_a_task() -> None:
    @task
    def outer(x: int) -> int:
        return add.submit(x).result() * 10

    @flow
    def parent() -> int:
        return outer.submit(1).result()

    assert parent() == 20


def test_a_task_calls_a_flow() -> None:
    @task
    def outer() -> int:
        return child(4)

    @flow
    def parent() -> int:
        return outer()

    assert parent() == 5


def test_a_flow_calls_a_flow(runs: Records) -> None:
    @flow
    def parent() -> int:
        return child(2)

    assert parent() == 3
    assert len(runs.flow_states) == 2


def test_a_subflow_is_a_task_run_of_its_parent(runs: Records) -> None:
    @flow
    def parent() -> int:
        return child(2)

    parent()

    assert runs.task_states("child")[-1] == "Completed"


def test_a_subflow_knows_its_parent() -> None:
    @flow
    def inner() -> Any:
        return runtime.flow_run.parent_flow_run_id, runtime.flow_run.root_flow_run_id

    @flow
    def middle() -> Any:
        return runtime.flow_run.id, inner()

    @flow
    def outer() -> Any:
        return runtime.flow_run.id, middle()

    outer_id, (middle_id, (parent_id, root_id)) = outer()

    assert (parent_id, root_id) == (middle_id, outer_id)


def test_a_failed_subflow_raises_in_its_parent() -> None:
    @flow
    def broken() -> None:
        raise ValueError("inner")

    @flow
    def parent() -> None:
        broken()

    with pytest.raises(ValueError, match="inner"):
        parent()


def test_a_subflow_s_state_may_be_asked_for() -> None:
    @flow
    def broken() -> None:
        raise ValueError("inner")

    @flow
    def parent() -> str:
        state: State[None] = broken(return_state=True)
        return state.name

    assert parent() == "Failed"


def test_a_subflow_takes_futures() -> None:
    @flow
    def parent() -> int:
        return child(add.submit(1))  # pyright: ignore[reportArgumentType] - resolved by the engine

    assert parent() == 3


def test_async_subflows_are_gathered() -> None:
    @flow
    async def inner(x: int) -> int:
        await asyncio.sleep(0)
        return x

    @flow
    async def parent() -> list[int]:
        return list(await asyncio.gather(inner(1), inner(2)))

    assert asyncio.run(parent()) == [1, 2]


def test_an_async_flow_calls_a_sync_subflow() -> None:
    @flow
    async def parent() -> int:
        return child(5)

    assert asyncio.run(parent()) == 6


def test_a_flow_may_call_itself() -> None:
    @flow
    def countdown(left: int) -> int:
        return 0 if left == 0 else 1 + countdown(left - 1)

    assert countdown(3) == 3
