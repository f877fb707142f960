"""Deadlines of user code: by alarm in the main thread, by an exception sent to any other.

A deadline that is held lets no time pass: a run that waits for a person does not time out.
"""

import asyncio
import contextlib
import ctypes
import threading
import time
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Protocol

from headgate.engine.alarms import Alarm, can_alarm
from headgate.errors import RunTimeoutError


class _Timer(Protocol):
    def start(self) -> None: ...

    def stop(self) -> None: ...

    def hold(self) -> None: ...

    def release(self, took: float) -> None: ...


class Deadline:
    """A time limit for one call; the error that it raises names it, so that limits may nest.

    Attributes:
        held_seconds: for how long it was held in all.
    """

    __slots__ = (
        "_held_at",
        "_holds",
        "_lock",
        "_timer",
        "_token",
        "error",
        "has_struck",
        "held_seconds",
        "seconds",
    )

    def __init__(self, seconds: float, *, what: str) -> None:
        self.seconds = seconds
        self.error = RunTimeoutError(f"{what} exceeded its timeout of {seconds:g} seconds")
        self.has_struck = False
        self.held_seconds = 0.0
        self._holds = 0
        self._held_at = 0.0
        self._lock = threading.Lock()
        self._timer: _Timer | None = None
        self._token: Token[tuple[Deadline, ...]] | None = None

    def __enter__(self) -> None:
        self.begin(Alarm(self.seconds, strike=self._strike) if can_alarm() else _Injector(self))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.end()
        except RunTimeoutError:
            # Struck on the way out: the call is over, and its limit must not outlive it.
            self.end()
            raise
        if isinstance(error, _Injected) and error.deadline is self:
            raise self.error from None

    def begin(self, timer: _Timer) -> None:
        """Let a timer run, for what is called in this context."""
        self._token = _running.set((*_running.get(), self))
        with self._lock:
            self._timer = timer
        try:
            timer.start()
        except RunTimeoutError:
            self.end()
            raise

    def end(self) -> None:
        """Let the timer go; safe to repeat."""
        if self._timer is not None:
            self._timer.stop()
        with self._lock:
            self._timer = None
        if self._token is not None:
            _running.reset(self._token)
            self._token = None

    def hold(self) -> None:
        """Let no time pass from now on; from any thread, and once for each that asks."""
        with self._lock:
            self._holds += 1
            if self._holds == 1:
                self._held_at = time.monotonic()
                if self._timer is not None:
                    self._timer.hold()

    def release(self) -> None:
        """Let time pass again, once all have let go that held it."""
        with self._lock:
            self._holds -= 1
            if self._holds == 0:
                took = time.monotonic() - self._held_at
                self.held_seconds += took
                if self._timer is not None:
                    self._timer.release(took)

    def _strike(self) -> None:
        self.has_struck = True
        raise self.error


_running: ContextVar[tuple[Deadline, ...]] = ContextVar("headgate_deadlines", default=())


def running_deadlines() -> tuple[Deadline, ...]:
    """Return the limits of all runs around this call, the outermost first."""
    return _running.get()


@contextmanager
def held(deadlines: Sequence[Deadline]) -> Generator[None]:
    """Let no time pass for these while the block runs."""
    for deadline in deadlines:
        deadline.hold()
    try:
        yield
    finally:
        for deadline in deadlines:
            deadline.release()


@asynccontextmanager
async def awaiting(deadline: Deadline) -> AsyncGenerator[None]:
    """Limit what is awaited inside; raises the deadline's own error."""
    scope = asyncio.timeout(deadline.seconds)
    try:
        async with scope:
            deadline.begin(_Scope(scope))
            try:
                yield
            finally:
                deadline.end()
    except TimeoutError as error:
        if scope.expired() and not isinstance(error, RunTimeoutError):
            deadline.has_struck = True
            raise deadline.error from None
        raise


class _Scope:
    """A coroutine's limit: the event loop's own, held and released from any thread."""

    def __init__(self, scope: asyncio.Timeout) -> None:
        self._scope = scope
        self._loop = asyncio.get_running_loop()
        self._is_over = False
        self._when: float | None = None

    def start(self) -> None:
        """Do nothing: the scope was entered."""

    def stop(self) -> None:
        self._is_over = True

    def hold(self) -> None:
        self._tell(None)

    def release(self, took: float) -> None:
        self._tell(took)

    def _tell(self, took: float | None) -> None:
        # A loop that is closed has nothing left to time.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._reschedule, took)

    def _reschedule(self, took: float | None) -> None:
        if self._is_over or self._scope.expired():
            return
        if took is None:
            self._when = self._scope.when()
            self._scope.reschedule(None)
        elif self._when is not None:
            self._scope.reschedule(self._when + took)


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
        self._lock = threading.Lock()
        self._left = deadline.seconds
        self._started_at = 0.0
        self._timer: threading.Timer | None = None
        self._is_over = False

    def start(self) -> None:
        with self._lock:
            self._begin()

    def stop(self) -> None:
        with self._lock:
            self._is_over = True
            self._cancel()

    def hold(self) -> None:
        with self._lock:
            self._cancel()
            self._left -= time.monotonic() - self._started_at

    def release(self, took: float) -> None:
        del took
        with self._lock:
            if not self._is_over:
                self._begin()

    def _begin(self) -> None:
        self._started_at = time.monotonic()
        timer = threading.Timer(max(self._left, 0.0), lambda: self._strike(timer))
        timer.daemon = True
        self._timer = timer
        timer.start()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _strike(self, timer: threading.Timer) -> None:
        with self._lock:
            if self._timer is timer:
                self._deadline.has_struck = True
                interrupt_thread(self._thread_id, kind=self._kind)


def interrupt_thread(thread_id: int, *, kind: type[BaseException]) -> None:
    """Raise an exception in another thread, when it next runs Python code."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), ctypes.py_object(kind))
