"""What an agent tells the process of a run as it runs: to look at its lease, and nothing else."""

import os
import threading
from collections.abc import Callable

LOOK = b"\n"


class _Ear:
    """Who is called when the agent tells something; what was told before is not lost."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listener: Callable[[], None] | None = None
        self._was_told = False

    def tell(self) -> None:
        with self._lock:
            listener, self._was_told = self._listener, self._listener is None
        if listener is not None:
            listener()

    def listen(self, listener: Callable[[], None]) -> None:
        with self._lock:
            self._listener = listener
            was_told, self._was_told = self._was_told, False
        if was_told:
            listener()


_ear = _Ear()


def listen(listener: Callable[[], None]) -> None:
    """Call this, from a thread of its own, whenever the agent says to look at the lease."""
    _ear.listen(listener)


def hear(descriptor: int) -> None:
    """Hear the agent in the background, for as long as it is there.

    Args:
        descriptor: the pipe's end that the agent writes to.
    """
    os.set_inheritable(descriptor, False)
    threading.Thread(target=_hear, args=(descriptor,), daemon=True, name="orders").start()


def _hear(descriptor: int) -> None:
    while os.read(descriptor, 4096):
        _ear.tell()
    os.close(descriptor)
