"""How a run is stopped from outside, and what its final state is then."""

import asyncio
import signal
import threading
from types import FrameType
from typing import Any

from headgate.engine.timeouts import interrupt_thread
from headgate.states import Cancelled, Crashed, State


class RunInterrupted(BaseException):  # noqa: N818 - not an error: user code must not catch it
    """Somebody stops the run; raised inside user code."""


class CancelRequested(RunInterrupted):
    """A person, an automation or the agent wants the run to stop."""


class ProcessTerminated(RunInterrupted):
    """The operating system wants the process to stop."""


class Interrupter:
    """Stops the user code of one flow run from any thread.

    Blocking code in the main thread is struck by a signal, which wakes it even from a system call;
    in another thread by an exception at its next bytecode; a coroutine by cancelling its task.

    Args:
        is_cancelled_by_signal: SIGTERM means "cancel", as in an agent's child.
    """

    def __init__(self, *, is_cancelled_by_signal: bool) -> None:
        self.kind: type[RunInterrupted] | None = None
        self._signal_kind: type[RunInterrupted] = (
            CancelRequested if is_cancelled_by_signal else ProcessTerminated
        )
        self._thread_id = threading.get_ident()
        self._is_main = threading.current_thread() is threading.main_thread()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._has_handler = False
        self._previous: Any = None
        self._is_over = False

    def attach(self, *, is_async: bool, is_root: bool) -> None:
        """Note where user code is about to run; the root run of the main thread heeds SIGTERM."""
        self._thread_id = threading.get_ident()
        self._is_main = threading.current_thread() is threading.main_thread()
        if is_async:
            self._loop = asyncio.get_running_loop()
            self._task = asyncio.current_task()
        if is_root and self._is_main and not self._has_handler:
            self._previous = signal.signal(signal.SIGTERM, self._on_signal)
            self._has_handler = True

    def detach(self) -> None:
        """Strike no more: user code is over."""
        self._is_over = True
        if self._has_handler:
            signal.signal(signal.SIGTERM, self._previous)
            self._has_handler = False

    def cancel(self) -> None:
        """Stop user code because the run is to be cancelled; only the first strike counts."""
        self._strike(CancelRequested)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._is_over:
            return
        if self.kind is None:
            self.kind = self._signal_kind
        if self._loop is None:
            raise self.kind
        self._cancel_task()

    def _strike(self, kind: type[RunInterrupted]) -> None:
        if self.kind is not None or self._is_over:
            return
        self.kind = kind
        if self._loop is not None:
            self._cancel_task()
        elif self._is_main and signal.getsignal(signal.SIGTERM) == self._on_signal:
            signal.pthread_kill(self._thread_id, signal.SIGTERM)
        else:
            interrupt_thread(self._thread_id, kind=kind)

    def _cancel_task(self) -> None:
        if self._loop is not None and self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)


def state_of_interrupt(error: BaseException, *, struck: type[RunInterrupted] | None) -> State[Any]:
    """Return the final state of a run that was stopped from outside.

    Args:
        struck: how Headgate itself stopped it, if it did.
    """
    if struck is CancelRequested or isinstance(error, CancelRequested):
        return Cancelled(message="The run was cancelled")
    if struck is ProcessTerminated or isinstance(error, ProcessTerminated):
        return Crashed(message="The process was told to terminate", data=None)
    if isinstance(error, KeyboardInterrupt):
        return Crashed(message="The process was interrupted from the keyboard", data=error)
    if isinstance(error, asyncio.CancelledError):
        return Crashed(message="The event loop cancelled the run's task", data=error)
    if isinstance(error, SystemExit):
        return Crashed(message=f"User code left the process with {error.code!r}", data=error)
    return Crashed(message=f"The engine failed: {error!r}", data=error)
