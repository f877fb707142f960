"""Task runners: where submitted tasks run."""

import contextvars
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, runtime_checkable


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

    def duplicate(self) -> "ThreadPoolTaskRunner":
        """Return an unopened runner with the same options, for one flow run."""
        return ThreadPoolTaskRunner(self.max_workers)

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
        return isinstance(other, ThreadPoolTaskRunner) and self.max_workers == other.max_workers

    def __hash__(self) -> int:
        return hash(self.max_workers)


ConcurrentTaskRunner = ThreadPoolTaskRunner
"""Prefect's other name for it."""
