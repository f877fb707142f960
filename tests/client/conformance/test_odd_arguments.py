"""Values of less common kinds: models with futures in them, generators as results, initializers."""

import asyncio
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from headgate import flow, task
from headgate.errors import SettingsError
from headgate.states import StateType
from headgate.task_runners import ProcessPoolTaskRunner


class Order(BaseModel):
    """A model that any value fits."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    number: Any
    lines: list[Any] = []


@task
def double(x: int) -> int:
    return 2 * x


@task
def look(order: Order) -> tuple[Any, list[Any]]:
    return order.number, order.lines


def test_futures_in_a_model_become_their_results() -> None:
    @flow
    def parent() -> tuple[tuple[Any, list[Any]], Any]:
        order = Order(number=double.submit(1), lines=[double.submit(2), 5])
        found = look.submit(order).result()
        return found, type(order.number).__name__

    assert parent() == ((2, [4, 5]), "Future")


def test_a_model_without_futures_is_handed_on_as_it_is() -> None:
    order = Order(number=1)

    @task
    def same(it: Order) -> bool:
        return it is order

    @flow
    def parent() -> bool:
        return same.submit(order).result()

    assert parent()


def test_a_generator_that_a_flow_returns_is_gone_through() -> None:
    @flow
    def parent() -> Iterator[int]:
        return (number for number in range(3))

    assert parent() == [0, 1, 2]


def test_futures_of_a_generator_that_a_flow_returns_decide_its_state() -> None:
    @task
    def fail(number: int) -> None:
        raise ValueError(number)

    @flow
    def parent() -> Iterator[Any]:
        return (fail.submit(number) for number in range(2))

    state = parent(return_state=True)

    assert (state.type, state.message) == (StateType.FAILED, "2/2 states failed.")


def test_a_generator_that_fails_fails_the_flow() -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise ValueError("no")

    @flow
    def parent() -> Iterator[int]:
        return numbers()

    with pytest.raises(ValueError, match="no"):
        parent()


def test_a_coroutine_maps_over_a_state() -> None:
    @task
    async def numbers() -> list[int]:
        return [1, 2]

    @flow
    async def parent() -> list[int]:
        state = await numbers(return_state=True)
        return double.map(state).result()

    assert asyncio.run(parent()) == [2, 4]


def test_processes_are_prepared_by_an_initializer() -> None:
    @task
    def recall() -> float:
        return sys.getswitchinterval()

    @flow(
        task_runner=ProcessPoolTaskRunner(1, initializer=sys.setswitchinterval, initargs=(0.0625,))
    )
    def parent() -> float:
        return recall.submit().result()

    assert parent() == 0.0625


def test_a_deferred_map_is_for_task_workers() -> None:
    with pytest.raises(SettingsError):
        double.map([1, 2], deferred=True)
