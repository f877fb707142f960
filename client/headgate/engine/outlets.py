"""Standard output and error of a run's process, once the agent that read them is gone.

Only what concerns the descriptors: a run that outlives its agent goes on, and what it says is kept.
"""

import contextlib
import io
import os
import select
import stat
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from headgate.settings import home_folder

FOLDER = "output"
_OUTPUTS = (1, 2)
_PIECE_BYTES = 65_536
_kept: list[int] = []
"""The reading ends of its outputs that this process keeps."""

Turn = Callable[[], None]


def outlive_reader(run_id: str, *, agent: int | None = None) -> None:
    """Turn both outputs to ``HEADGATE_HOME/output/<run>.log`` as soon as nobody reads them.

    Without it the next line that user code prints would fail, and a program it started would be
    killed, because of an agent that is no longer there.

    Args:
        run_id: names the file.
        agent: a pipe that the agent reads as long as it reads the outputs. Where there is one, this
            process keeps a reading end of each output, too: no line ever finds the pipe without a
            reader, and what the agent did not come to read is kept in the file.
    """
    path = home_folder(os.environ) / FOLDER / f"{run_id}.log"
    turning = threading.Lock()
    signs = [*_OUTPUTS]
    if agent is not None:
        signs.append(os.dup(agent))
        _kept.extend(end for output in _OUTPUTS if (end := _reading_end(output)) is not None)

    def turn() -> None:
        with turning:
            if any(map(_is_unread, signs)):
                _turn_to(path)
                # It said what it had to say.
                for sign in signs[len(_OUTPUTS) :]:
                    os.close(sign)
                signs.clear()

    sys.stdout = _stream(1, turn)
    sys.stderr = _stream(2, turn)
    watching = threading.Thread(
        target=_watch, args=(signs, turn), name="headgate-outlets", daemon=True
    )
    watching.start()


def _reading_end(output: int) -> int | None:
    """Open the other end of an output, where it is a pipe and the system lets it be opened."""
    if not stat.S_ISFIFO(os.fstat(output).st_mode):
        return None
    try:
        return os.open(f"/proc/self/fd/{output}", os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return None


def _forget_kept() -> None:
    """Leave the reading ends to the process of the run: who lives longer would fill the pipe."""
    while _kept:
        os.close(_kept.pop())


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


def _watch(signs: Sequence[int], turn: Turn) -> None:
    """Wait, at no cost, until the other end of one of them is closed."""
    poll = select.poll()
    for sign in signs:
        poll.register(sign, 0)
    poll.poll()
    turn()


def _is_unread(output: int) -> bool:
    poll = select.poll()
    poll.register(output, 0)
    return bool(poll.poll(0))


def _turn_to(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError:
        # What it says is lost then, and what it does is not.
        file = os.open(os.devnull, os.O_WRONLY)
    _move_unread(file)
    for output in _OUTPUTS:
        os.dup2(file, output)
    # What was said between the two.
    _move_unread(file)
    os.close(file)
    _forget_kept()


def _move_unread(file: int) -> None:
    for end in _kept:
        # There is no more for now, or the disk is full.
        with contextlib.suppress(OSError):
            while unread := os.read(end, _PIECE_BYTES):
                os.write(file, unread)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_kept)
