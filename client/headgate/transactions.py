"""Transactions for user code: ``with transaction():`` keeps or undoes what tasks inside did."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from headgate.engine.effects import drive, drive_async
from headgate.engine.transactions import (
    CommitMode,
    RecordStore,
    Transaction,
    TransactionState,
    current_transaction,
    inside,
)
from headgate.locking.filesystem import FileSystemLockManager
from headgate.locking.protocol import IsolationLevel
from headgate.results.keyed import ResultStore
from headgate.settings import load_settings

LOCKS = "locks"

BaseTransaction = AsyncTransaction = Transaction
"""One class serves both; its hooks may be coroutine functions."""


@contextmanager
def transaction(
    key: str | None = None,
    store: RecordStore | None = None,
    commit_mode: CommitMode | None = None,
    isolation_level: IsolationLevel | None = None,
    overwrite: bool = False,  # noqa: FBT001, FBT002 - the shape that Prefect's users know
    write_on_commit: bool = True,  # noqa: FBT001, FBT002
    logger: Any = None,
) -> Generator[Transaction]:
    """Keep together what the block does: its tasks commit with it, and are undone if it fails.

    An exception rolls back, last task first, by the tasks' ``on_rollback`` hooks; a task that
    failed itself has nothing to undo. Without one, the transaction commits: at once where the mode
    is EAGER, with the transaction around it where it is LAZY and there is one, and never by itself
    where it is OFF. A task that still runs when the block ends shares what became of it.

    Args:
        key: what the work is about; where it was committed before, ``is_committed()`` says so
            at once, and it is for the block to leave.
        store: where the value is kept under the key; where results are if not said.
        commit_mode: that of the transaction around it, or LAZY.
        isolation_level: SERIALIZABLE waits until nobody else is at the same key.
        overwrite: do not look whether the key was committed.
        write_on_commit: whether the staged value goes to the store.
        logger: nothing: what goes wrong is in the run's log.

    Raises:
        SettingsError: SERIALIZABLE, and the store has no locks.
    """
    del logger
    made = _made(key, store, commit_mode, isolation_level, overwrite, write_on_commit)
    made.begin()
    try:
        with inside(made):
            yield made
    except BaseException as error:
        drive(made.end_steps(error))
        raise
    drive(made.end_steps())


@asynccontextmanager
async def atransaction(
    key: str | None = None,
    store: RecordStore | None = None,
    commit_mode: CommitMode | None = None,
    isolation_level: IsolationLevel | None = None,
    overwrite: bool = False,  # noqa: FBT001, FBT002 - the shape that Prefect's users know
    write_on_commit: bool = True,  # noqa: FBT001, FBT002
    logger: Any = None,
) -> AsyncGenerator[Transaction]:
    """Do as ``transaction`` does, and await the hooks."""
    del logger
    made = _made(key, store, commit_mode, isolation_level, overwrite, write_on_commit)
    made.begin()
    try:
        with inside(made):
            yield made
    except BaseException as error:
        await drive_async(made.end_steps(error))
        raise
    await drive_async(made.end_steps())


def get_transaction() -> Transaction | None:
    """Return the transaction around this call: the task's own, or that of a block."""
    return current_transaction.get()


def _made(
    key: str | None,
    store: RecordStore | None,
    commit_mode: CommitMode | None,
    isolation_level: IsolationLevel | None,
    overwrite: bool,  # noqa: FBT001 - as the caller was given it
    write_on_commit: bool,  # noqa: FBT001
) -> Transaction:
    if key is not None and store is None:
        locks = FileSystemLockManager(load_settings().home / LOCKS)
        store = ResultStore(lock_manager=locks)
    return Transaction(
        key=key,
        store=store,
        parent=current_transaction.get(),
        commit_mode=commit_mode,
        isolation_level=isolation_level,
        is_overwriting=overwrite,
        write_on_commit=write_on_commit,
        is_block=True,
    )


__all__ = [
    "AsyncTransaction",
    "BaseTransaction",
    "CommitMode",
    "IsolationLevel",
    "RecordStore",
    "Transaction",
    "TransactionState",
    "atransaction",
    "get_transaction",
    "transaction",
]
