"""How a run is stopped from outside, and what its final state is then."""

import asyncio
import signal
import threading
from collections import deque
from types import FrameType
from typing import Any

from headgate.api.pauses import NewPause
from headgate.engine.timeouts import interrupt_thread
from headgate.states import Cancelled, Crashed, State
from headgate.texts import error_text, text_of


class RunInterrupted(BaseException):
    """Somebody stops the run; raised inside user code."""


class CancelRequested(RunInterrupted):
    """A person, an automation or the agent wants the run to stop."""


class ProcessTerminated(RunInterrupted):
    """The operating system wants the process to stop."""


class RunSuspended(RunInterrupted):
    """The flow asks to be suspended; raised inside user code, to leave it.

    Args:
        new: what is asked, once user code is left.
    """

    def __init__(self, new: NewPause) -> None:
        super().__init__("The flow run is suspended")
        self.new = new


class Interrupter:
    """Stops the user code of one flow run from any thread.

    Blocking code in the main thread is struck by a signal, which wakes it even from a system call;
    in another thread by an exception at its next bytecode; a coroutine by cancelling its task.

    Args:
        is_cancelled_by_signal: SIGTERM means "cancel", as in an agent's child.
    """

    def __init__(
        self, *, is_cancelled_by_signal: bool, parent: "Interrupter | None" = None
    ) -> None:
        self.kind: type[RunInterrupted] | None = None
        self._parent = parent
        self._signal_kind: type[RunInterrupted] = (
            CancelRequested if is_cancelled_by_signal else ProcessTerminated
        )
        self._thread_id = threading.get_ident()
        self._is_main = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._has_handler = False
        self._previous: Any = None
        self._is_over = False
        self._is_resting = False
        self._messages: deque[type[RunInterrupted]] = deque()

    @property
    def struck(self) -> type[RunInterrupted] | None:
        """How this run, or one around it, was stopped; None while it was not."""
        return self.kind or (self._parent.struck if self._parent else None)

    def attach(self, *, is_async: bool) -> None:
        """Note where user code is about to run; the root run of the main thread heeds SIGTERM."""
        self.resume(is_async=is_async)
        if self._parent is None and self._is_main:
            self._previous = signal.signal(signal.SIGTERM, self._on_signal)
            self._has_handler = True

    def rest(self) -> None:
        """Strike nobody for now: what runs is not the run's user code."""
        self._is_resting = True

    def resume(self, *, is_async: bool) -> None:
        """Strike where user code goes on, maybe in another thread or task than before."""
        self._thread_id = threading.get_ident()
        self._is_main = threading.current_thread() is threading.main_thread()
        if is_async:
            self._loop = asyncio.get_running_loop()
            self._task = asyncio.current_task()
        self._is_resting = False

    def detach(self) -> None:
        """Strike no more: user code is over."""
        self._is_over = True
        if self._has_handler:
            # None stands for a handler that Python did not install and cannot put back.
            signal.signal(signal.SIGTERM, self._previous or signal.SIG_DFL)
            self._has_handler = False

    def cancel(self) -> None:
        """Stop user code because the run is to be cancelled; only the first strike counts.

        One at a run around it is the first as well: it struck the same code.
        """
        if self.struck is not None or self._is_over:
            return
        self.kind = CancelRequested
        if self._is_resting:
            return
        root = self._root
        if self._loop is not None:
            self._cancel_task()
        elif self._is_main and root._has_handler and hasattr(signal, "pthread_kill"):  # noqa: SLF001 - the same class
            root._messages.append(CancelRequested)  # noqa: SLF001 - the same class
            signal.pthread_kill(self._thread_id, signal.SIGTERM)
        else:
            interrupt_thread(self._thread_id, kind=CancelRequested)

    @property
    def _root(self) -> "Interrupter":
        return self._parent._root if self._parent else self  # noqa: SLF001 - the same class

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._messages:
            # Sent by cancel(), to wake this thread; not by the operating system.
            raise self._messages.popleft()
        if self.kind is not None or self._is_over:
            return
        self.kind = self._signal_kind
        if self._loop is None:
            raise self.kind
        self._cancel_task()

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
        code = text_of(error.code, as_text=repr)
        return Crashed(message=f"User code left the process with {code}", data=error)
    if not isinstance(error, Exception):
        # What the engine raises itself is one of those above, or an Exception.
        return Crashed(message=f"User code ended with {error_text(error)}", data=error)
    return Crashed(message=f"The engine failed: {error_text(error)}", data=error)
