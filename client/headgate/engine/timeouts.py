"""Deadlines of user code: by alarm in the main thread, by an exception sent to any other."""

import asyncio
import ctypes
import signal
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from types import FrameType, TracebackType
from typing import Any

from headgate.errors import RunTimeoutError


class Deadline:
    """A time limit for one call; the error that it raises names it, so that limits may nest."""

    __slots__ = ("_timer", "error", "has_struck", "seconds")

    def __init__(self, seconds: float, *, what: str) -> None:
        self.seconds = seconds
        self.error = RunTimeoutError(f"{what} exceeded its timeout of {seconds:g} seconds")
        self.has_struck = False
        self._timer: _Alarm | _Injector | None = None

    def __enter__(self) -> None:
        is_main = threading.current_thread() is threading.main_thread()
        has_alarm = is_main and hasattr(signal, "setitimer")
        self._timer = _Alarm(self) if has_alarm else _Injector(self)
        self._timer.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._timer is None:
            return
        self._timer.stop()
        self._timer = None
        if isinstance(error, _Injected) and error.deadline is self:
            raise self.error from None


@asynccontextmanager
async def awaiting(deadline: Deadline) -> AsyncGenerator[None]:
    """Limit what is awaited inside; raises the deadline's own error."""
    scope = asyncio.timeout(deadline.seconds)
    try:
        async with scope:
            yield
    except TimeoutError as error:
        if scope.expired() and not isinstance(error, RunTimeoutError):
            deadline.has_struck = True
            raise deadline.error from None
        raise


class _Alarm:
    """The main thread's limit: SIGALRM interrupts even a blocking system call."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._previous: Any = None
        self._outer_ends_at: float | None = None
        self._is_armed = False

    def start(self) -> None:
        outer_seconds = signal.getitimer(signal.ITIMER_REAL)[0]
        if 0 < outer_seconds <= self._deadline.seconds:
            # The outer limit strikes first and ends this call too.
            return
        if outer_seconds > 0:
            self._outer_ends_at = time.monotonic() + outer_seconds
        self._previous = signal.signal(signal.SIGALRM, self._strike)
        signal.setitimer(signal.ITIMER_REAL, self._deadline.seconds)
        self._is_armed = True

    def stop(self) -> None:
        if not self._is_armed:
            return
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._previous)
        if self._outer_ends_at is not None:
            rest = max(0.000_001, self._outer_ends_at - time.monotonic())
            signal.setitimer(signal.ITIMER_REAL, rest)

    def _strike(self, number: int, frame: FrameType | None) -> None:
        self._deadline.has_struck = True
        raise self._deadline.error


class _Injected(TimeoutError):
    """Carries the deadline's strike into another thread, where it is turned into its error."""

    deadline: Deadline


class _Injector:
    """Another thread's limit: an exception that strikes at that thread's next bytecode."""

    def __init__(self, deadline: Deadline) -> None:
        # The interpreter raises a class, not an object: one class per deadline tells them apart.
        self._deadline = deadline
        self._kind = type("RunTimeoutError", (_Injected,), {"deadline": deadline})
        self._thread_id = threading.get_ident()
        self._timer = threading.Timer(deadline.seconds, self._strike)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._is_over = False

    def start(self) -> None:
        self._timer.start()

    def stop(self) -> None:
        with self._lock:
            self._is_over = True
        self._timer.cancel()

    def _strike(self) -> None:
        with self._lock:
            if not self._is_over:
                self._deadline.has_struck = True
                interrupt_thread(self._thread_id, kind=self._kind)


def interrupt_thread(thread_id: int, *, kind: type[BaseException]) -> None:
    """Raise an exception in another thread, when it next runs Python code."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), ctypes.py_object(kind))
