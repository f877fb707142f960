"""Standard output and error of a run's process, once the agent that read them is gone.

Only what concerns the descriptors: a run that outlives its agent goes on, and what it says is kept.
"""

import io
import os
import select
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headgate.settings import home_folder

FOLDER = "output"
_OUTPUTS = (1, 2)

Turn = Callable[[], None]


def outlive_reader(run_id: str) -> None:
    """Turn both outputs to ``HEADGATE_HOME/output/<run>.log`` as soon as nobody reads them.

    Without it the next line that user code prints would fail, and a program it started would be
    killed, because of an agent that is no longer there.
    """
    path = home_folder(os.environ) / FOLDER / f"{run_id}.log"
    turning = threading.Lock()

    def turn() -> None:
        with turning:
            if any(_is_unread(output) for output in _OUTPUTS):
                _turn_to(path)

    sys.stdout = _stream(1, turn)
    sys.stderr = _stream(2, turn)
    threading.Thread(target=_watch, args=(turn,), name="headgate-outlets", daemon=True).start()


class _Outlet(io.FileIO):
    """Writes again where a reader went away between two looks of the watcher."""

    def __init__(self, output: int, turn: Turn) -> None:
        super().__init__(output, "w", closefd=False)
        self._turn = turn

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            self._turn()
            return super().write(data)


def _stream(output: int, turn: Turn) -> io.TextIOWrapper:
    buffer = io.BufferedWriter(_Outlet(output, turn))
    return io.TextIOWrapper(buffer, encoding="utf-8", errors="replace", line_buffering=True)


def _watch(turn: Turn) -> None:
    """Wait, at no cost, until the other end of an output is closed."""
    poll = select.poll()
    for output in _OUTPUTS:
        poll.register(output, 0)
    poll.poll()
    turn()


def _is_unread(output: int) -> bool:
    poll = select.poll()
    poll.register(output, 0)
    return bool(poll.poll(0))


def _turn_to(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for output in _OUTPUTS:
        os.dup2(file, output)
    os.close(file)
