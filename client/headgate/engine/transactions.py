"""Transactions: what several tasks did is kept together, or undone together.

The core, as steps for both drivers; ``headgate.transactions`` has the context managers.
"""

import copy
import inspect
import logging
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from typing import Any, Protocol

from headgate.engine.effects import Call, Steps, drive
from headgate.errors import RunError, SettingsError
from headgate.ids import make_uuid
from headgate.locking.protocol import IsolationLevel
from headgate.logs import ENGINE
from headgate.reporting.failures import user_error

logger: Any = logging.getLogger(ENGINE)

_UNSET: Any = object()

TransactionHook = Callable[["Transaction"], Any]
"""Called with the transaction of the task that it belongs to; may be a coroutine function."""


class CommitMode(StrEnum):
    """When a transaction commits: at its own end, with the one around it, or only by hand."""

    EAGER = "EAGER"
    LAZY = "LAZY"
    OFF = "OFF"


class TransactionState(StrEnum):
    """What a transaction is in."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    STAGED = "STAGED"
    COMMITTED = "COMMITTED"
    ROLLED_BACK = "ROLLED_BACK"


class RecordStore(Protocol):
    """Where the values of transactions with a key are kept, and locked."""

    def exists(self, key: str) -> bool:
        """Whether a transaction of this key was committed."""
        ...

    def read(self, key: str, *, holder: str | None = None) -> Any:
        """Return what was kept."""
        ...

    def write(self, value: Any, *, key: str, holder: str | None = None) -> Any:
        """Keep a value under a key."""
        ...

    def supports_isolation_level(self, level: IsolationLevel) -> bool:
        """Whether the store can keep others away."""
        ...

    def acquire_lock(self, key: str, holder: str, timeout: float | None = None) -> bool:
        """Wait for the key's lock, and say whether it came in time."""
        ...

    def release_lock(self, key: str, holder: str) -> None:
        """Give the key's lock back."""
        ...


class Transaction:
    """One unit of work: values, the hooks that undo it, and the transactions inside of it.

    Args:
        key: what the work is about; one that a store has committed before is not done again.
        store: where the value is kept under the key.
        commit_mode: as the transaction around it, or LAZY, if not said.
        is_overwriting: do the work again although the key was committed.
        write_on_commit: whether the staged value goes to the store.
        is_block: it is a block of user code, and not a task's own.
    """

    __slots__ = (
        "_children",
        "_lock",
        "_values",
        "commit_mode",
        "has_ended",
        "holder",
        "is_in_block",
        "is_overwriting",
        "isolation_level",
        "keep",
        "key",
        "on_commit_hooks",
        "on_rollback_hooks",
        "parent",
        "staged_value",
        "state",
        "store",
        "write_on_commit",
    )

    def __init__(
        self,
        *,
        key: str | None = None,
        store: RecordStore | None = None,
        parent: "Transaction | None" = None,
        commit_mode: CommitMode | None = None,
        isolation_level: IsolationLevel | None = None,
        is_overwriting: bool = False,
        write_on_commit: bool = True,
        is_block: bool = False,
    ) -> None:
        self.key = key
        self.store = store
        self.parent = parent
        self.commit_mode = commit_mode or (parent.commit_mode if parent else CommitMode.LAZY)
        self.isolation_level = isolation_level or (
            parent.isolation_level if parent else IsolationLevel.READ_COMMITTED
        )
        self.is_overwriting = is_overwriting
        self.write_on_commit = write_on_commit
        self.state = TransactionState.PENDING
        self.staged_value: Any = None
        self.on_rollback_hooks: list[TransactionHook] = []
        self.on_commit_hooks: list[TransactionHook] = []
        self.has_ended = False
        self.is_in_block = is_block or (parent is not None and parent.is_in_block)
        self.keep: Callable[[], Steps[None]] | None = None
        self.holder: str | None = None
        self._children: list[Transaction] | None = None
        self._values: dict[str, Any] | None = None
        self._lock = threading.Lock()

    @property
    def children(self) -> "tuple[Transaction, ...]":
        """The transactions inside of it, in the order in which they began."""
        return tuple(self._children or ())

    @property
    def is_alone(self) -> bool:
        """Whether no other transaction is around it or inside."""
        return self.parent is None and self._children is None

    def is_pending(self) -> bool:
        """Whether it has not begun."""
        return self.state is TransactionState.PENDING

    def is_active(self) -> bool:
        """Whether its work is being done."""
        return self.state is TransactionState.ACTIVE

    def is_staged(self) -> bool:
        """Whether its work is done, and waits to be committed."""
        return self.state is TransactionState.STAGED

    def is_committed(self) -> bool:
        """Whether its work is kept, by it or by one of the same key before."""
        return self.state is TransactionState.COMMITTED

    def is_rolled_back(self) -> bool:
        """Whether its work was undone."""
        return self.state is TransactionState.ROLLED_BACK

    @property
    def is_over(self) -> bool:
        """Whether it was committed or rolled back."""
        return self.is_committed() or self.is_rolled_back()

    def set(self, name: str, value: Any) -> None:
        """Keep a copy of a value for the hooks, and for the transactions inside."""
        if self._values is None:
            self._values = {}
        self._values[name] = copy.deepcopy(value)

    def get(self, name: str, default: Any = _UNSET) -> Any:
        """Return a copy of a value that was set here, or in a transaction around.

        Raises:
            ValueError: nothing has this name, and there is no default.
        """
        if self._values is not None and name in self._values:
            return copy.deepcopy(self._values[name])
        if self.parent is not None:
            return self.parent.get(name, default)
        if default is _UNSET:
            message = f"The transaction has no value named {name!r}"
            raise ValueError(message)
        return default

    def read(self) -> Any:
        """Return what the store has under the key; None where it has nothing."""
        if self.store is None or self.key is None or not self.store.exists(self.key):
            return None
        return self.store.read(self.key, holder=self.holder)

    def stage(
        self,
        value: Any,
        on_rollback_hooks: Sequence[TransactionHook] = (),
        on_commit_hooks: Sequence[TransactionHook] = (),
    ) -> None:
        """Say that the work is done, what is to be kept of it, and how it is undone."""
        with self._lock:
            if self.is_over:
                return
            self.staged_value = value
            self.on_rollback_hooks += on_rollback_hooks
            self.on_commit_hooks += on_commit_hooks
            self.state = TransactionState.STAGED

    def begin(self) -> None:
        """Take the key's lock where the isolation asks for it, and look whether it is done.

        Raises:
            SettingsError: nothing here can keep others away.
            RunError: it was begun before.
        """
        if not self.is_pending():
            message = "A transaction is entered once; make another one for more work"
            raise RunError(message)
        self._take_lock()
        self.state = TransactionState.ACTIVE
        if self.parent is not None:
            self.parent.add_child(self)
        if self.store is None or self.key is None or self.is_overwriting:
            return
        if self.store.exists(self.key):
            self.state = TransactionState.COMMITTED
            self._release_lock()

    def add_child(self, child: "Transaction") -> None:
        """Take a transaction in, to be committed or rolled back with this one."""
        with self._lock:
            if self._children is None:
                self._children = []
            self._children.append(child)

    def _take_lock(self) -> None:
        if self.isolation_level is not IsolationLevel.SERIALIZABLE or self.key is None:
            return
        if self.store is None or not self.store.supports_isolation_level(self.isolation_level):
            message = (
                "The isolation level SERIALIZABLE needs a store with a lock manager, "
                "and the transaction has none"
            )
            raise SettingsError(message)
        holder = make_uuid()
        self.store.acquire_lock(self.key, holder)
        self.holder = holder

    def _release_lock(self) -> None:
        if self.holder is not None and self.store is not None and self.key is not None:
            self.store.release_lock(self.key, self.holder)
            self.holder = None

    def _close(self, state: TransactionState) -> bool:
        """Enter a last state, unless it is in one."""
        with self._lock:
            if self.is_over:
                return False
            self.state = state
            return True

    def commit(self) -> bool:
        """Commit by hand, and say whether it is committed."""
        return drive(self.commit_steps())

    def rollback(self) -> bool:
        """Roll back by hand, and say whether everything was undone."""
        return drive(self.roll_back_steps())

    def commit_steps(self) -> Steps[bool]:
        """Commit what is inside, call the hooks, and keep the value; a failure undoes it all."""
        if self.is_over:
            return self.is_committed()
        try:
            yield from self._commit_children()
            for hook in self.on_commit_hooks:
                yield from _called(hook, self)
            if self.keep is not None:
                yield from self.keep()
            if self.store is not None and self.key is not None and self.write_on_commit:
                self.store.write(self.staged_value, key=self.key, holder=self.holder)
        except Exception as error:
            logger.exception("A transaction was not committed", exc_info=user_error(error))
            yield from self.roll_back_steps()
            return False
        self._close(TransactionState.COMMITTED)
        self._release_lock()
        yield from self._commit_children()
        return self.is_committed()

    def _commit_children(self) -> Steps[None]:
        """Commit what has ended; what goes on sees by itself that this one is over."""
        for child in self.children:
            if child.has_ended:
                yield from child.commit_steps()

    def roll_back_steps(self) -> Steps[bool]:
        """Call the hooks that undo the work, last first, here and in what is inside."""
        hooks = list(reversed(self.on_rollback_hooks)) if self.is_staged() else []
        if not self._close(TransactionState.ROLLED_BACK):
            return False
        is_undone = True
        for hook in hooks:
            try:
                yield from _called(hook, self)
            except Exception as error:
                logger.exception("A rollback hook failed", exc_info=user_error(error))
                is_undone = False
        for child in reversed(self.children):
            if child.has_ended:
                yield from child.roll_back_steps()
        self._release_lock()
        return is_undone

    def end_steps(self, error: BaseException | None = None) -> Steps[None]:
        """Leave the transaction: decide by its mode, by the one around it, and by an error."""
        self.has_ended = True
        if error is not None:
            yield from self.roll_back_steps()
            return
        if self.commit_mode is CommitMode.EAGER:
            yield from self.commit_steps()
            return
        parent = self.parent
        if parent is None:
            is_kept = self.commit_mode is CommitMode.LAZY
            yield from self.commit_steps() if is_kept else self.roll_back_steps()
        elif parent.is_over:
            # Its work went on beside the block that it began in, and shares what became of it.
            yield from self.commit_steps() if parent.is_committed() else self.roll_back_steps()

    def __repr__(self) -> str:
        key = f"key={self.key!r}, " if self.key is not None else ""
        return f"Transaction({key}state={self.state.value})"


current_transaction: ContextVar[Transaction | None] = ContextVar(
    "headgate_transaction", default=None
)


@contextmanager
def inside(transaction: Transaction) -> Generator[None]:
    """Make a transaction the one around what is called inside."""
    token = current_transaction.set(transaction)
    try:
        yield
    finally:
        current_transaction.reset(token)


def _called(hook: TransactionHook, transaction: Transaction) -> Steps[None]:
    result = yield Call(hook, args=(transaction,), is_async=inspect.iscoroutinefunction(hook))
    if inspect.iscoroutine(result):
        yield Call(_itself, args=(result,), is_async=True)


async def _itself(coroutine: Any) -> Any:
    return await coroutine
