"""Transactions: commits, rollbacks, hooks, values, keys and isolation."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from headgate import flow, task, transaction
from headgate.testing import Records
from headgate.transactions import (
    IsolationLevel,
    Transaction,
    get_transaction,
)


class Shelf:
    """A store in memory, with a lock for each key."""

    def __init__(self, *, has_locks: bool = True) -> None:
        self.values: dict[str, Any] = {}
        self.locks: dict[str, threading.Lock] = {}
        self.has_locks = has_locks

    def exists(self, key: str) -> bool:
        return key in self.values

    def read(self, key: str, *, holder: str | None = None) -> Any:
        return self.values[key]

    def write(self, value: Any, *, key: str, holder: str | None = None) -> None:
        self.values[key] = value

    def supports_isolation_level(self, level: IsolationLevel) -> bool:
        return self.has_locks or level is IsolationLevel.READ_COMMITTED

    def acquire_lock(self, key: str, holder: str, timeout: float | None = None) -> bool:
        return self.locks.setdefault(key, threading.Lock()).acquire()

    def release_lock(self, key: str, holder: str) -> None:
        self.locks[key].release()


def noting(lines: list[str], line: str) -> Callable[[Transaction], None]:
    """Return a hook that writes a line."""

    def note(transaction: Transaction) -> None:
        lines.append(line)

    return note


class Diary:
    """A task that writes down what happens to it, and one that fails."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def noting(self, line: str) -> Callable[[Transaction], None]:
        return noting(self.lines, line)

    def task(self, name: str, **options: Any) -> Any:
        @task(name=name, **options)
        def work() -> str:
            self.lines.append(f"{name} done")
            return name

        @work.on_rollback
        def undo(transaction: Transaction) -> None:  # pyright: ignore[reportUnusedFunction]
            self.lines.append(f"{name} undone")

        @work.on_commit
        def keep(transaction: Transaction) -> None:  # pyright: ignore[reportUnusedFunction]
            self.lines.append(f"{name} kept")

        return work


@task
def fail() -> None:
    raise ValueError("no")


@pytest.fixture
def diary() -> Diary:
    return Diary()


def test_a_failure_undoes_what_tasks_did(diary: Diary) -> None:
    first = diary.task("first")

    @flow
    def parent() -> None:
        with transaction():
            first()
            fail()

    assert parent(return_state=True).is_failed()
    assert diary.lines == ["first done", "first undone"]


def test_the_last_task_is_undone_first(diary: Diary) -> None:
    first, second = diary.task("first"), diary.task("second")

    @flow
    def parent() -> None:
        with transaction():
            first()
            second()
            raise RuntimeError("no")

    parent(return_state=True)

    assert diary.lines == ["first done", "second done", "second undone", "first undone"]


def test_the_failure_leaves_the_block() -> None:
    @flow
    def parent() -> None:
        with transaction():
            fail()

    with pytest.raises(ValueError, match="no"):
        parent()


def test_a_task_that_failed_is_not_undone_itself(diary: Diary) -> None:
    @task(on_rollback=[diary.noting("undone")])
    def broken() -> None:
        raise ValueError("no")

    @flow
    def parent() -> None:
        with transaction():
            broken()

    parent(return_state=True)

    assert diary.lines == []


def test_a_success_is_committed_at_the_end_of_the_block(diary: Diary) -> None:
    first = diary.task("first")

    @flow
    def parent() -> None:
        with transaction():
            first()
            diary.lines.append("still inside")

    parent()

    assert diary.lines == ["first done", "still inside", "first kept"]


def test_commit_hooks_follow_the_order_of_the_tasks(diary: Diary) -> None:
    first, second = diary.task("first"), diary.task("second")

    @flow
    def parent() -> None:
        with transaction():
            first()
            second()

    parent()

    assert diary.lines[2:] == ["first kept", "second kept"]


def test_a_task_outside_of_a_transaction_commits_at_once(diary: Diary) -> None:
    first = diary.task("first")

    @flow
    def parent() -> None:
        first()
        raise ValueError("no")

    parent(return_state=True)

    assert diary.lines == ["first done", "first kept"]


def test_what_is_outside_of_the_block_is_not_undone(diary: Diary) -> None:
    before, inside = diary.task("before"), diary.task("inside")

    @flow
    def parent() -> None:
        before()
        with transaction():
            inside()
            raise ValueError("no")

    parent(return_state=True)

    assert diary.lines == ["before done", "before kept", "inside done", "inside undone"]


def test_an_undone_task_is_rolled_back(diary: Diary, runs: Records) -> None:
    first = diary.task("first")

    @flow
    def parent() -> None:
        with transaction():
            first()
            raise ValueError("no")

    parent(return_state=True)

    assert runs.task_states("first") == ["Pending", "Running", "Completed", "RolledBack"]


def test_submitted_tasks_are_undone(diary: Diary) -> None:
    first = diary.task("first")

    @flow
    def parent() -> None:
        with transaction():
            first.submit().wait()
            raise ValueError("no")

    parent(return_state=True)

    assert diary.lines == ["first done", "first undone"]


def test_a_task_that_ends_after_its_block_shares_its_fate(diary: Diary) -> None:
    is_over = threading.Event()

    @task(on_rollback=[diary.noting("undone")])
    def late() -> None:
        is_over.wait(10)

    @flow
    def parent() -> None:
        try:
            with transaction():
                late.submit()
                raise ValueError("no")
        except ValueError:
            is_over.set()

    parent()

    assert diary.lines == ["undone"]


def test_rollback_hooks_are_called_last_first(diary: Diary) -> None:
    @task(
        on_rollback=[
            diary.noting("hook 1"),
            diary.noting("hook 2"),
        ]
    )
    def first() -> None: ...

    @flow
    def parent() -> None:
        with transaction():
            first()
            raise ValueError("no")

    parent(return_state=True)

    assert diary.lines == ["hook 2", "hook 1"]


def test_a_rollback_hook_that_fails_does_not_keep_the_others(diary: Diary) -> None:
    def broken(_: Transaction) -> None:
        raise RuntimeError("hook")

    first = diary.task("first")

    @task(on_rollback=[broken])
    def second() -> None: ...

    @flow
    def parent() -> None:
        with transaction():
            first()
            second()
            raise ValueError("no")

    parent(return_state=True)

    assert diary.lines == ["first done", "first undone"]


def test_a_commit_hook_that_fails_undoes_its_task(diary: Diary) -> None:
    def broken(_: Transaction) -> None:
        raise RuntimeError("hook")

    @task(on_commit=[broken], on_rollback=[diary.noting("undone")])
    def first() -> None: ...

    @flow
    def parent() -> bool:
        with transaction() as txn:
            first()
        return txn.is_committed()

    assert parent() is True
    assert diary.lines == ["undone"]


def test_values_are_shared_with_the_hooks() -> None:
    seen: list[Any] = []

    @task
    def write() -> None:
        txn = get_transaction()
        assert txn is not None
        txn.set("path", "/tmp/file")  # noqa: S108 - a value

    @write.on_rollback
    def remove(txn: Transaction) -> None:  # pyright: ignore[reportUnusedFunction]
        seen.append(txn.get("path"))

    @flow
    def parent() -> None:
        with transaction():
            write()
            raise ValueError("no")

    parent(return_state=True)

    assert seen == ["/tmp/file"]  # noqa: S108 - a value


def test_values_of_the_block_are_seen_by_its_tasks() -> None:
    @task
    def look() -> Any:
        txn = get_transaction()
        return txn.get("limit") if txn else None

    @flow
    def parent() -> Any:
        with transaction() as txn:
            txn.set("limit", 5)
            return look()

    assert parent() == 5


def test_values_are_copies() -> None:
    with transaction() as txn:
        given = [1]
        txn.set("list", given)
        given.append(2)

        assert txn.get("list") == [1]


def test_an_unknown_value_is_an_error_or_the_default() -> None:
    with transaction() as txn:
        assert txn.get("nothing", 3) == 3
        with pytest.raises(ValueError, match="no value named 'nothing'"):
            txn.get("nothing")


def test_there_is_none_outside() -> None:
    assert get_transaction() is None


def test_every_task_has_one() -> None:
    @task
    def look() -> bool:
        return get_transaction() is not None

    @flow
    def parent() -> bool:
        return look()

    assert parent() is True
