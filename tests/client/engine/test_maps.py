"""Maps: one call per item, constants, order, failures, lengths."""

import threading

import pytest

from headgate import Future, allow_failure, as_completed, flow, task, unmapped, wait
from headgate.engine.context import current_task_run
from headgate.errors import ParameterError, UpstreamTaskError
from headgate.task_runners import ThreadPoolTaskRunner


@task
def add(x: int, y: int = 0) -> int:
    return x + y


@task
def invert(x: int) -> float:
    return 1 / x


def test_a_map_calls_once_per_item_and_keeps_their_order() -> None:
    @flow
    def parent() -> list[int]:
        return add.map([1, 2, 3], [10, 20, 30]).result()

    assert parent() == [11, 22, 33]


def test_a_constant_goes_to_every_call() -> None:
    @flow
    def parent() -> list[int]:
        return add.map([1, 2], y=5).result()

    assert parent() == [6, 7]


def test_unmapped_keeps_an_iterable_whole() -> None:
    @task
    def total(x: int, weights: list[int]) -> int:
        return x * sum(weights)

    @flow
    def parent() -> list[int]:
        return total.map([1, 2], unmapped([3, 4])).result()

    assert parent() == [7, 14]


def test_a_string_is_a_constant() -> None:
    @task
    def label(x: int, name: str) -> str:
        return f"{name}{x}"

    @flow
    def parent() -> list[str]:
        return label.map([1, 2], "ab").result()

    assert parent() == ["ab1", "ab2"]


def test_a_future_is_awaited_and_spread() -> None:
    @task
    def numbers() -> list[int]:
        return [4, 5]

    @flow
    def parent() -> list[int]:
        return add.map(numbers.submit()).result()

    assert parent() == [4, 5]


def test_the_futures_of_a_map_feed_the_next() -> None:
    @flow
    def parent() -> list[int]:
        return add.map(add.map([1, 2], y=1), y=10).result()

    assert parent() == [12, 13]


def test_each_call_knows_its_index() -> None:
    @task
    def index(x: str) -> int | None:
        context = current_task_run.get()
        return context.run.map_index if context else None

    @flow
    def parent() -> list[int | None]:
        return index.map(["a", "b", "c"]).result()

    assert parent() == [0, 1, 2]


def test_lengths_must_agree() -> None:
    @flow
    def parent() -> None:
        add.map([1, 2], [1, 2, 3])

    with pytest.raises(ParameterError, match=r"\{'x': 2, 'y': 3\}"):
        parent()


def test_something_must_be_iterable() -> None:
    @flow
    def parent() -> None:
        add.map(1, 2)

    with pytest.raises(ParameterError, match="at least one iterable"):
        parent()


def test_an_empty_map_has_no_futures() -> None:
    @flow
    def parent() -> list[int]:
        return add.map([]).result()

    assert parent() == []


def test_the_first_failure_is_raised_by_result() -> None:
    @flow
    def parent() -> list[float]:
        return invert.map([1, 0, 2]).result()

    with pytest.raises(ZeroDivisionError):
        parent()


def test_a_failed_item_stops_only_what_needs_it() -> None:
    @flow
    def parent() -> list[str]:
        states = add.map(invert.map([1, 0, 2]), return_state=True)
        return [state.name for state in states]

    assert parent() == ["Completed", "NotReady", "Completed"]


def test_allow_failure_passes_the_exception_on() -> None:
    @task
    def kind(x: object) -> str:
        return type(x).__name__

    @flow
    def parent() -> tuple[list[str], str]:
        inverted = invert.map([1, 0])
        return (
            kind.map(allow_failure(inverted)).result(),
            kind.submit(allow_failure(inverted[1])).result(),
        )

    assert parent() == (["float", "ZeroDivisionError"], "ZeroDivisionError")


def test_allow_failure_in_wait_for_starts_the_task() -> None:
    @flow
    def parent() -> int:
        return add.submit(1, wait_for=[allow_failure(invert.submit(0))]).result()

    assert parent() == 1


def test_without_it_the_result_names_the_upstream_task() -> None:
    @flow
    def parent() -> int:
        return add.submit(1, wait_for=[invert.submit(0)]).result()

    with pytest.raises(UpstreamTaskError):
        parent()


def test_as_completed_yields_in_order_of_completion() -> None:
    gates = [threading.Event(), threading.Event()]

    @task
    def hold(index: int) -> int:
        gates[index].wait(10)
        return index

    @flow
    def parent() -> list[int]:
        futures = hold.map([0, 1])
        seen: list[int] = []
        gates[1].set()
        for future in as_completed(futures, timeout=10):
            seen.append(future.result())
            gates[0].set()
        return seen

    assert parent() == [1, 0]


def test_wait_parts_those_that_ended_from_those_that_did_not() -> None:
    gate = threading.Event()

    @task
    def hold() -> None:
        gate.wait(10)

    @flow
    def parent() -> tuple[bool, bool]:
        done: Future[int] = add.submit(1)
        held = hold.submit()
        done.wait()
        found = wait([done, held], timeout=0.01)
        gate.set()
        return found.done == {done}, found.not_done == {held}

    assert parent() == (True, True)


def test_a_result_that_takes_too_long_is_a_timeout() -> None:
    gate = threading.Event()

    @task
    def hold() -> None:
        gate.wait(10)

    @flow
    def parent() -> None:
        future = hold.submit()
        try:
            future.result(timeout=0.01)
        finally:
            gate.set()

    with pytest.raises(TimeoutError, match=r"did not end within 0\.01 seconds"):
        parent()


def test_max_workers_limits_what_runs_at_once() -> None:
    running: list[int] = []
    highest: list[int] = []
    lock = threading.Lock()

    @task
    def count(x: int) -> None:
        with lock:
            running.append(x)
            highest.append(len(running))
        with lock:
            running.remove(x)

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
    def parent() -> None:
        count.map(list(range(50)))

    parent()

    assert len(highest) == 50
    assert max(highest) <= 2


def test_a_map_of_five_thousand_completes() -> None:
    @flow
    def parent() -> int:
        return sum(add.map(list(range(5000))).result())

    assert parent() == sum(range(5000))
