"""Reports on disk while the server is away: one append-only file per run and process."""

import contextlib
import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

import msgspec

from headgate.api.calls import LeaseInput
from headgate.reporting.batches import Batch

if sys.platform != "win32":
    import fcntl

FOLDER = "spool"
REJECTED_SUFFIX = ".rejected"


class SpoolHeader(msgspec.Struct):
    """The first line of a file: all that another process needs to deliver the rest.

    The token is the run's own: it can do nothing but write about this run, while its lease lives.
    """

    url: str
    token: str
    lease: LeaseInput


class Spool:
    """Batches that wait on disk, oldest first.

    The file exists only while something waits. Lines are appended whole; one that a dying process
    left half written is at the end, and is skipped on reading.
    """

    def __init__(self, home: Path, *, header: SpoolHeader, stream_id: str) -> None:
        self.path = home / FOLDER / header.lease.run_id / f"{stream_id}.jsonl"
        self._header = header
        self._read_offset = 0
        self._waiting = 0
        self._file: BinaryIO | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return self._waiting == 0

    def append(self, batch: Batch) -> None:
        """Write one batch behind the others."""
        file = self._file or self._start_file()
        file.write(msgspec.json.encode(batch) + b"\n")
        file.flush()
        self._waiting += 1

    def first(self) -> Batch:
        """Return the oldest batch."""
        with self.path.open("rb") as file:
            file.seek(self._read_offset)
            return msgspec.json.decode(file.readline(), type=Batch)

    def remove_first(self) -> None:
        """Forget the oldest batch, which was acknowledged."""
        with self.path.open("rb") as file:
            file.seek(self._read_offset)
            self._read_offset += len(file.readline())
        self._waiting -= 1
        if self._waiting == 0:
            self.discard()

    def reject(self, batch: Batch) -> Path:
        """Keep a batch that the server will never take beside the others, for people to look at."""
        path = self.path.with_suffix(REJECTED_SUFFIX)
        _private_folder(path.parent)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as file:
            file.write(msgspec.json.encode(batch) + b"\n")
        return path

    def discard(self) -> None:
        """Remove the file and, when nothing else is in it, its folder."""
        self._waiting = 0
        self.release()
        remove_file(self.path)

    def release(self) -> None:
        """Leave the file to whoever delivers it later."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _start_file(self) -> BinaryIO:
        _private_folder(self.path.parent)
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        self._file = os.fdopen(handle, "ab")
        # Held until the process ends: what is unlocked was left behind.
        _lock(self._file)
        header = msgspec.json.encode(self._header) + b"\n"
        self._file.write(header)
        self._read_offset = len(header)
        return self._file


def leftovers(home: Path) -> list[Path]:
    """Return the files that processes left behind, oldest first."""
    files = (home / FOLDER).glob("*/*.jsonl")
    return sorted(files, key=lambda path: path.stat().st_mtime)


@contextlib.contextmanager
def taken_over(path: Path) -> Generator[tuple[SpoolHeader, list[Batch]] | None]:
    """Take over a file that another process left: its header, and its whole batches in order.

    Yields None when its process is alive, another one took it over, or it holds no header.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        yield None
        return
    with file:
        if not _lock(file):
            yield None
            return
        # What follows the last line feed is empty, or was cut off in the middle.
        lines = file.read().split(b"\n")[:-1]
        if not lines or not path.exists():
            yield None
            return
        header = msgspec.json.decode(lines[0], type=SpoolHeader)
        yield header, [msgspec.json.decode(line, type=Batch) for line in lines[1:]]


def remove_file(path: Path) -> None:
    """Remove a file and, when nothing else is in it, its folder."""
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.parent.rmdir()


def _lock(file: BinaryIO) -> bool:
    """Take a file for this process, until it is closed; false when another one holds it."""
    if sys.platform == "win32":
        # Without a lock two processes may deliver the same reports, which the server recognises.
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _private_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
