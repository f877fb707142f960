"""Maps: which arguments are spread over the calls, and how."""

from typing import Any

import pytest

from headgate import allow_failure, flow, task, unmapped
from headgate.exceptions import MappingLengthMismatch, MappingMissingIterable
from headgate.utilities.annotations import quote


@task
def add(x: int, y: int = 1) -> int:
    return x + y


def test_map_calls_once_per_item() -> None:
    @flow
    def parent() -> list[int]:
        return add.map([1, 2, 3]).result()

    assert parent() == [2, 3, 4]


def test_map_takes_several_iterables_of_one_length() -> None:
    @flow
    def parent() -> list[int]:
        return add.map([1, 2], [10, 20]).result()

    assert parent() == [11, 22]


def test_map_refuses_iterables_of_different_lengths() -> None:
    @flow
    def parent() -> None:
        add.map([1, 2], [1])

    with pytest.raises(MappingLengthMismatch):
        parent()


def test_map_needs_an_iterable() -> None:
    @flow
    def parent() -> None:
        add.map(1)

    with pytest.raises(MappingMissingIterable):
        parent()


def test_map_takes_any_iterable() -> None:
    @flow
    def parent() -> list[int]:
        return add.map(number for number in range(2)).result()

    assert parent() == [1, 2]


def test_map_of_nothing_is_empty() -> None:
    @flow
    def parent() -> list[int]:
        return add.map([]).result()

    assert parent() == []


def test_unmapped_goes_whole_to_every_call() -> None:
    @task
    def total(x: int, others: list[int]) -> int:
        return x + sum(others)

    @flow
    def parent() -> list[int]:
        return total.map([1, 2], unmapped([10, 20])).result()

    assert parent() == [31, 32]


def test_scalars_go_to_every_call_without_unmapped() -> None:
    @flow
    def parent() -> list[int]:
        return add.map([1, 2], 5).result()

    assert parent() == [6, 7]


def test_an_unmapped_future_is_resolved() -> None:
    @flow
    def parent() -> list[int]:
        return add.map([1, 2], unmapped(add.submit(9))).result()

    assert parent() == [11, 12]


def test_map_over_a_future_spreads_its_result() -> None:
    @task
    def numbers() -> list[int]:
        return [1, 2]

    @flow
    def parent() -> list[int]:
        return add.map(numbers.submit()).result()

    assert parent() == [2, 3]


def test_map_over_futures_chains_item_by_item() -> None:
    @flow
    def parent() -> list[int]:
        return add.map(add.map([1, 2])).result()

    assert parent() == [3, 4]


def test_quoted_items_are_mapped_one_by_one() -> None:
    @flow
    def parent() -> list[int]:
        return add.map(quote([1, 2])).result()

    assert parent() == [2, 3]


def test_map_with_allow_failure_goes_on_past_failures() -> None:
    @task
    def invert(x: int) -> float:
        return 1 / x

    @task
    def shown(value: Any) -> str:
        return type(value).__name__

    @flow
    def parent() -> list[str]:
        return shown.map(allow_failure(invert.map([1, 0]))).result()

    assert parent() == ["float", "ZeroDivisionError"]


def test_map_takes_wait_for() -> None:
    @flow
    def parent() -> list[int]:
        return add.map([1], wait_for=[add.submit(1)]).result()

    assert parent() == [2]
