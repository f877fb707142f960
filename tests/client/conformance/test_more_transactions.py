"""Transactions, further: keys, stores, isolation, coroutines, retries and states."""

import asyncio
import threading
from typing import Any

import pytest

from headgate import flow, runtime, task, transaction
from headgate.exceptions import ConfigurationError
from headgate.testing import VirtualClock
from headgate.transactions import (
    CommitMode,
    IsolationLevel,
    Transaction,
    TransactionState,
    atransaction,
    get_transaction,
)
from tests.client.conformance.test_transactions import Diary, Shelf, noting


@pytest.fixture
def diary() -> Diary:
    return Diary()


def test_states_of_a_transaction() -> None:
    txn = Transaction()
    assert txn.is_pending()

    with transaction() as txn:
        assert txn.is_active()
        txn.stage("value")
        assert txn.is_staged()

    assert txn.is_committed()
    assert txn.state is TransactionState.COMMITTED


def test_a_key_that_was_committed_is_known() -> None:
    shelf = Shelf()
    with transaction(key="k", store=shelf) as first:
        assert not first.is_committed()
        first.stage("value")

    with transaction(key="k", store=shelf) as second:
        assert second.is_committed()
        assert second.read() == "value"


def test_a_key_is_kept_without_a_value_as_well() -> None:
    shelf = Shelf()
    with transaction(key="k", store=shelf):
        pass

    assert shelf.exists("k")


def test_overwrite_does_not_look() -> None:
    shelf = Shelf()
    shelf.write("old", key="k")

    with transaction(key="k", store=shelf, overwrite=True) as txn:
        assert not txn.is_committed()
        txn.stage("new")

    assert shelf.read("k") == "new"


def test_write_on_commit_may_be_off() -> None:
    shelf = Shelf()
    with transaction(key="k", store=shelf, write_on_commit=False) as txn:
        txn.stage("value")

    assert not shelf.exists("k")


def test_a_rollback_keeps_nothing() -> None:
    shelf = Shelf()

    def stage_and_fail() -> None:
        with transaction(key="k", store=shelf) as txn:
            txn.stage("value")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        stage_and_fail()
    assert not shelf.exists("k")


def test_a_key_without_a_store_is_kept_for_later_processes() -> None:
    with transaction(key="load-2024") as first:
        assert not first.is_committed()

    with transaction(key="load-2024") as second:
        assert second.is_committed()


def test_staged_hooks_are_called() -> None:
    seen: list[str] = []

    with transaction() as txn:
        txn.stage("v", on_commit_hooks=[noting(seen, "kept")])

    assert seen == ["kept"]


def test_serializable_keeps_others_away() -> None:
    shelf, order = Shelf(), list[str]()
    is_inside = threading.Event()

    def other() -> None:
        is_inside.wait(10)
        with transaction(key="k", store=shelf, isolation_level=IsolationLevel.SERIALIZABLE) as txn:
            order.append(f"second sees {txn.is_committed()}")

    thread = threading.Thread(target=other)
    thread.start()
    with transaction(key="k", store=shelf, isolation_level=IsolationLevel.SERIALIZABLE):
        is_inside.set()
        order.append("first")
    thread.join(10)

    assert order == ["first", "second sees True"]


def test_serializable_needs_locks() -> None:
    shelf = Shelf(has_locks=False)

    with (
        pytest.raises(ConfigurationError, match="lock manager"),
        transaction(key="k", store=shelf, isolation_level=IsolationLevel.SERIALIZABLE),
    ):
        pass


def test_a_lock_is_given_back_after_a_failure() -> None:
    shelf = Shelf()

    with (
        pytest.raises(ValueError, match="no"),
        transaction(key="k", store=shelf, isolation_level=IsolationLevel.SERIALIZABLE),
    ):
        raise ValueError("no")

    assert not shelf.locks["k"].locked()


def test_async_flows_use_the_same_block(diary: Diary) -> None:
    first = diary.task("first")

    @flow
    async def parent() -> None:
        with transaction():
            first()
            raise ValueError("no")

    asyncio.run(parent(return_state=True))

    assert diary.lines == ["first done", "first undone"]


def test_an_async_block_awaits_its_hooks() -> None:
    seen: list[str] = []

    async def undo(txn: Transaction) -> None:
        await asyncio.sleep(0)
        seen.append("undone")

    @task(on_rollback=[undo])
    async def child() -> None: ...

    @flow
    async def parent() -> None:
        async with atransaction():
            await child()
            raise ValueError("no")

    asyncio.run(parent(return_state=True))

    assert seen == ["undone"]


def test_a_failed_attempt_undoes_what_its_tasks_did(clock: VirtualClock, diary: Diary) -> None:
    inner = diary.task("inner")

    @task(retries=1)
    def outer() -> None:
        inner()
        if runtime.task_run.run_count == 1:
            raise ValueError("no")

    @flow
    def parent() -> None:
        outer()

    parent()

    assert diary.lines == ["inner done", "inner undone", "inner done", "inner kept"]


def test_subflows_join_the_transaction_around_them(diary: Diary) -> None:
    first = diary.task("first")

    @flow
    def inner() -> None:
        first()

    @flow
    def parent() -> None:
        with transaction():
            inner()
            raise ValueError("no")

    parent(return_state=True)

    assert diary.lines == ["first done", "first undone"]


def test_a_transaction_works_without_a_flow(diary: Diary) -> None:
    first = diary.task("first")

    def work_and_fail() -> None:
        with transaction():
            first()
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        work_and_fail()
    assert diary.lines == ["first done", "first undone"]


def test_with_options_replaces_transaction_hooks() -> None:
    seen: list[str] = []

    @task(on_commit=[noting(seen, "old")])
    def child() -> None: ...

    child.with_options(on_commit=[noting(seen, "new")])()

    assert seen == ["new"]


def test_children_are_known() -> None:
    @task
    def child() -> Any:
        return get_transaction()

    @flow
    def parent() -> bool:
        with transaction() as txn:
            inner = child()
        return txn.children == (inner,) and inner.parent is txn

    assert parent() is True


def test_the_mode_is_that_of_the_transaction_around() -> None:
    with transaction(commit_mode=CommitMode.EAGER), transaction() as inner:
        assert inner.commit_mode is CommitMode.EAGER

    with transaction() as outer:
        assert outer.commit_mode is CommitMode.LAZY


def test_a_stop_from_outside_undoes_too(diary: Diary) -> None:
    first = diary.task("first")

    @flow
    def parent() -> None:
        with transaction():
            first()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        parent()

    assert diary.lines == ["first done", "first undone"]


def test_an_inner_transaction_waits_for_the_outer(diary: Diary) -> None:
    first = diary.task("first")

    @flow
    def parent() -> None:
        with transaction():
            with transaction():
                first()
            diary.lines.append("between")

    parent()

    assert diary.lines == ["first done", "between", "first kept"]


def test_an_inner_failure_that_is_caught_undoes_the_inner_alone(diary: Diary) -> None:
    outer, inner = diary.task("outer"), diary.task("inner")

    @flow
    def parent() -> None:
        with transaction():
            outer()
            try:
                with transaction():
                    inner()
                    raise ValueError("no")
            except ValueError:
                pass

    parent()

    assert diary.lines == ["outer done", "inner done", "inner undone", "outer kept"]


def test_eager_commits_at_its_own_end(diary: Diary) -> None:
    first = diary.task("first")

    @flow
    def parent() -> None:
        with transaction():
            with transaction(commit_mode=CommitMode.EAGER):
                first()
            raise ValueError("no")

    parent(return_state=True)

    assert diary.lines == ["first done", "first kept"]


def test_off_is_undone_at_the_end(diary: Diary) -> None:
    first = diary.task("first")

    @flow
    def parent() -> None:
        with transaction(commit_mode=CommitMode.OFF):
            first()

    parent()

    assert diary.lines == ["first done", "first undone"]


def test_off_is_kept_where_it_is_committed_by_hand(diary: Diary) -> None:
    first = diary.task("first")

    @flow
    def parent() -> None:
        with transaction(commit_mode=CommitMode.OFF) as txn:
            first()
            assert txn.commit()

    parent()

    assert diary.lines == ["first done", "first kept"]


def test_a_transaction_may_be_rolled_back_by_hand(diary: Diary) -> None:
    first = diary.task("first")

    @flow
    def parent() -> bool:
        with transaction() as txn:
            first()
            txn.rollback()
        return txn.is_rolled_back()

    assert parent() is True
    assert diary.lines == ["first done", "first undone"]
