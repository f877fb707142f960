"""Transactions and caches: what is undone is not found again, and what is committed is."""

import pytest

from headgate import flow, task, transaction
from headgate.cache_policies import INPUTS
from headgate.results import ResultStore
from headgate.testing import Records
from headgate.transactions import IsolationLevel

calls: list[int] = []


@pytest.fixture(autouse=True)
def forget() -> None:
    calls.clear()


@task(cache_policy=INPUTS, persist_result=True)
def square(x: int) -> int:
    calls.append(x)
    return x * x


def test_a_committed_result_is_found_again(runs: Records) -> None:
    @flow
    def parent() -> int:
        with transaction():
            return square(3)

    assert (parent(), parent()) == (9, 9)
    assert calls == [3]
    assert [run.state.name for run in runs.task_runs] == ["Completed", "Cached"]


def test_a_result_that_was_undone_is_computed_again() -> None:
    @flow
    def parent(*, fails: bool) -> int:
        with transaction():
            found = square(4)
            if fails:
                raise ValueError("no")
            return found

    parent(fails=True, return_state=True)

    assert parent(fails=False) == 16
    assert calls == [4, 4]


def test_a_task_with_a_cache_and_hooks_outside_of_a_block_is_kept_at_once() -> None:
    kept: list[str] = []

    @task(cache_policy=INPUTS, persist_result=True, on_commit=[lambda _: kept.append("kept")])  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    def double(x: int) -> int:
        calls.append(x)
        return 2 * x

    @flow
    def parent() -> tuple[int, int]:
        return double(5), double(5)

    assert parent() == (10, 10)
    assert (calls, kept) == ([5], ["kept"])


def test_the_store_of_results_keeps_keys() -> None:
    with transaction(key="k", store=ResultStore()) as txn:
        txn.stage({"rows": 3})

    with transaction(key="k", store=ResultStore()) as again:
        assert again.is_committed()
        assert again.read() == {"rows": 3}


def test_without_a_store_a_key_may_be_serializable() -> None:
    with transaction(key="s", isolation_level=IsolationLevel.SERIALIZABLE) as txn:
        assert not txn.is_committed()

    with transaction(key="s", isolation_level=IsolationLevel.SERIALIZABLE) as again:
        assert again.is_committed()
