"""Task runners: where submitted tasks run."""

import contextvars
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, ThreadPoolExecutor
from concurrent.futures import Future as ConcurrentFuture
from typing import TYPE_CHECKING, Any, Protocol, Self, TextIO, cast, runtime_checkable

from headgate import elsewhere
from headgate.redaction import RedactedStream

_closings: "weakref.WeakSet[threading.Thread]" = weakref.WeakSet()
"""What waits for the processes of pools that are closed to end."""


@runtime_checkable
class TaskRunner(Protocol):
    """Starts calls beside the flow; opened when a flow run begins and closed when it ends."""

    def duplicate(self) -> "TaskRunner":
        """Return an unopened runner with the same options, for one flow run."""
        ...

    def open(self) -> None:
        """Make ready to start calls."""
        ...

    def start(self, call: Callable[[], Any], *, context: contextvars.Context) -> None:
        """Run a call in a context, now or when there is room; it must not raise."""
        ...

    def close(self) -> None:
        """Let no more calls start; those that run go on."""
        ...


class RemoteRunner(Protocol):
    """A task runner that has the functions of tasks called elsewhere."""

    def send(self, function: Callable[[bytes], bytes], payload: bytes) -> "ConcurrentFuture[bytes]":
        """Call a function with bytes elsewhere, and return the future of what it returns."""
        ...


class ThreadPoolTaskRunner:
    """Runs each submitted task in a thread of a pool.

    A task whose inputs are still being made takes no thread: it starts when the last of them is
    there.

    Args:
        max_workers: threads at most. Without a limit, tasks that wait for other tasks can never
            block each other.
    """

    def __init__(self, max_workers: int | None = None) -> None:
        if max_workers is not None and max_workers < 1:
            message = f"max_workers must be 1 or more, not {max_workers}"
            raise ValueError(message)
        self.max_workers = max_workers
        self._executor: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def duplicate(self) -> Self:
        """Return an unopened runner with the same options, for one flow run."""
        return type(self)(self.max_workers)

    def open(self) -> None:
        """Do nothing: the first task makes the pool."""

    def start(self, call: Callable[[], Any], *, context: contextvars.Context) -> None:
        """Run a call in a context in one of the threads."""
        self._pool().submit(context.run, call)

    def close(self) -> None:
        """Let no more calls start; those that run go on."""
        if self._executor is not None:
            self._executor.shutdown(wait=False)

    def _pool(self) -> ThreadPoolExecutor:
        if self._executor is None:
            with self._lock:
                if self._executor is None:
                    self._executor = ThreadPoolExecutor(
                        max_workers=self.max_workers or sys.maxsize,
                        thread_name_prefix="headgate-task",
                    )
        return self._executor

    def __repr__(self) -> str:
        return f"ThreadPoolTaskRunner(max_workers={self.max_workers})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.max_workers == other.max_workers  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType] - of the same class

    def __hash__(self) -> int:
        return hash(self.max_workers)


ConcurrentTaskRunner = ThreadPoolTaskRunner
"""Prefect's other name for it."""


class ExecutorTaskRunner(ThreadPoolTaskRunner):
    """Has each submitted task called by an executor of ``concurrent.futures``, or one like them.

    The function, its arguments and its result travel as pickles; states, retries and hooks stay
    with the flow. One thread here waits for each call there.

    Args:
        executor: an executor, which is not shut down; or a function that makes one for each flow
            run, as a class of executors is.
        max_workers: how many calls are sent at once; without a limit, as many as there are.
    """

    def __init__(
        self, executor: Executor | Callable[[], Executor], max_workers: int | None = None
    ) -> None:
        super().__init__(max_workers)
        self.executor = executor
        self._remote: Executor | None = None

    def duplicate(self) -> Self:
        """Return an unopened runner with the same options, for one flow run."""
        return type(self)(self.executor, self.max_workers)

    def send(self, function: Callable[[bytes], bytes], payload: bytes) -> "ConcurrentFuture[bytes]":
        """Have the executor call a function."""
        try:
            return self._opened().submit(function, payload)
        except BrokenExecutor:
            # One of its processes went away: that was another call's, and this one gets a new pool.
            with self._lock:
                self._remote = None
            return self._opened().submit(function, payload)

    def close(self) -> None:
        """Let no more calls start; those that run go on."""
        super().close()
        if self._remote is not None and self._remote is not self.executor:
            self._remote.shutdown(wait=False)

    def _opened(self) -> Executor:
        with self._lock:
            if self._remote is None:
                self._remote = self._made()
            return self._remote

    def _made(self) -> Executor:
        return self.executor if isinstance(self.executor, Executor) else self.executor()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(max_workers={self.max_workers})"


class ProcessPoolTaskRunner(ExecutorTaskRunner):
    """Runs each submitted task in a process of a pool.

    The processes are started afresh, and import what the tasks need: a script that uses them
    begins its flow below ``if __name__ == "__main__"``.

    Args:
        max_workers: processes at most; as many as the machine has processors if not said.
        initializer: called once in each process before its first task; it travels as a pickle.
        initargs: what it is called with.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        *,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
    ) -> None:
        super().__init__(self._make_pool, max_workers or os.cpu_count() or 1)
        self.initializer = initializer
        self.initargs = initargs

    def duplicate(self) -> Self:
        """Return an unopened runner with the same options, for one flow run."""
        return type(self)(self.max_workers, initializer=self.initializer, initargs=self.initargs)

    def close(self) -> None:
        """Let no more calls start; those that run go on, and then the processes end."""
        pool, self._remote = self._remote, None
        super().close()
        if pool is not None:
            closing = threading.Thread(target=pool.shutdown, name="headgate-pool", daemon=True)
            closing.start()
            _closings.add(closing)

    def _make_pool(self) -> Executor:
        import multiprocessing  # noqa: PLC0415 - named lazy-import place: only where processes run
        from concurrent.futures import process  # noqa: PLC0415

        return process.ProcessPoolExecutor(
            max_workers=self.max_workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin_process,
            initargs=(self.initializer, self.initargs),
        )


def end_pools(*, within_seconds: float) -> None:
    """Let the processes of pools that are closed end by themselves; what still works is left.

    For a process that is about to end at once: what a pool shares with its processes would stay on
    the machine.
    """
    deadline = time.monotonic() + within_seconds
    for closing in list(_closings):
        closing.join(max(deadline - time.monotonic(), 0))


def _begin_process(initializer: Callable[..., object] | None, initargs: tuple[Any, ...]) -> None:
    """Begin a process of a pool: it says no secret, and ends with the one that it works for."""
    sys.stdout = cast("TextIO", RedactedStream(sys.stdout))
    sys.stderr = cast("TextIO", RedactedStream(sys.stderr))
    threading.Thread(target=_end_with_parent, name="headgate-parent", daemon=True).start()
    if initializer is not None:
        initializer(*initargs)


def _end_with_parent() -> None:
    """End this process once its parent is gone: else it would wait for its next call forever."""
    from multiprocessing import connection, parent_process  # noqa: PLC0415 - as in ``_make_pool``

    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
