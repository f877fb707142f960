"""Alarms of the main thread, one around another: SIGALRM interrupts even a blocking system call.

The process has one such timer. It is set for whichever alarm is due first, the outer one of two;
what user code had set before is kept, and strikes in its turn.
"""

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

_SHORTEST_SECONDS = 0.000_001
"""A timer set to nothing would never strike."""
_EARLY_SECONDS = 0.001
"""So early at most may a timer strike, by the clock that is compared."""


def can_alarm() -> bool:
    """Whether this thread can be struck by an alarm."""
    is_main = threading.current_thread() is threading.main_thread()
    return is_main and hasattr(signal, "setitimer")


@dataclass(slots=True)
class _Foreign:
    """What somebody else had set before an alarm: its handler, and when it was to strike."""

    handler: Any
    ends_at: float | None


class Alarm:
    """One limit of the main thread; it is started and stopped there, and held from anywhere.

    Args:
        strike: raises in the main thread, wherever it is.
    """

    def __init__(self, seconds: float, *, strike: Callable[[], None]) -> None:
        self.strike = strike
        self.foreign: _Foreign | None = None
        self.ends_at: float | None = None
        self._seconds = seconds
        self._left: float | None = None

    def start(self) -> None:
        """Strike when the time is over."""
        self.ends_at = time.monotonic() + self._seconds
        _alarms.push(self)

    def stop(self) -> None:
        """Strike no more, from here on; safe to repeat."""
        self.ends_at = self._left = None
        _alarms.pop(self)

    def hold(self) -> None:
        """Stand still."""
        if self.ends_at is not None:
            self._left, self.ends_at = self.ends_at - time.monotonic(), None
            _alarms.arm()

    def release(self, took: float) -> None:
        """Go on."""
        del took
        if self._left is not None:
            self.ends_at, self._left = time.monotonic() + self._left, None
            _alarms.arm()


class _Alarms:
    def __init__(self) -> None:
        # A signal may come while this thread arms: it must not wait for itself.
        self._lock = threading.RLock()
        self._stack: list[Alarm] = []

    def push(self, alarm: Alarm) -> None:
        with self._lock:
            handler = signal.getsignal(signal.SIGALRM)
            if handler != self._on_signal:
                left = signal.getitimer(signal.ITIMER_REAL)[0]
                ends_at = time.monotonic() + left if left > 0 else None
                alarm.foreign = _Foreign(handler, ends_at)
                signal.signal(signal.SIGALRM, self._on_signal)
            self._stack.append(alarm)
            self.arm()

    def pop(self, alarm: Alarm) -> None:
        with self._lock:
            if alarm not in self._stack:
                return
            self._stack.remove(alarm)
            if alarm.foreign is None:
                self.arm()
            else:
                self._give_back(alarm.foreign)

    def arm(self) -> None:
        """Set the timer for what is due first; for nothing where all stands still."""
        with self._lock:
            ends_at, _ = self._first()
            left = 0.0
            if ends_at is not None:
                left = max(ends_at - time.monotonic(), _SHORTEST_SECONDS)
            signal.setitimer(signal.ITIMER_REAL, left)

    def _first(self) -> tuple[float | None, Alarm | _Foreign | None]:
        found: tuple[float | None, Alarm | _Foreign | None] = (None, None)
        for alarm in self._stack:
            for one in (alarm.foreign, alarm):
                if one is None or one.ends_at is None:
                    continue
                if found[0] is None or one.ends_at < found[0]:
                    found = (one.ends_at, one)
        return found

    def _give_back(self, foreign: _Foreign) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        # None stands for a handler that Python did not install and cannot put back.
        signal.signal(signal.SIGALRM, foreign.handler or signal.SIG_DFL)
        if foreign.ends_at is not None:
            left = max(foreign.ends_at - time.monotonic(), _SHORTEST_SECONDS)
            signal.setitimer(signal.ITIMER_REAL, left)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        with self._lock:
            ends_at, due = self._first()
            is_due = ends_at is not None and ends_at <= time.monotonic() + _EARLY_SECONDS
            if due is not None and is_due:
                due.ends_at = None
            self.arm()
        if due is None or not is_due:
            return
        if isinstance(due, Alarm):
            due.strike()
        elif callable(due.handler):
            due.handler(number, frame)
        elif due.handler is not signal.SIG_IGN:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.raise_signal(signal.SIGALRM)


_alarms = _Alarms()
