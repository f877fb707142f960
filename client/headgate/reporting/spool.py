"""Reports on disk while the server is away: one append-only file per run and process."""

import contextlib
import logging
import os
import sys
from collections import deque
from pathlib import Path
from typing import BinaryIO

import msgspec

from headgate.api.calls import LeaseInput
from headgate.ids import make_uuid
from headgate.reporting.batches import Batch, LogBatch
from headgate.reporting.tenure import Begin
from headgate.reporting.thinning import ANY, DEBUG, count_lines, thin

CAN_LOCK = sys.platform != "win32"
"""Whether a file tells if its process is alive."""
if sys.platform != "win32":
    import fcntl

logger = logging.getLogger("headgate.reporting")

FOLDER = "spool"
MAX_HELD = 64
"""So many batches wait in memory where the disk has no room, before lines of any level go."""
REJECTED_SUFFIX = ".rejected"


class SpoolHeader(msgspec.Struct):
    """The first line of a file: all that another process needs to deliver the rest.

    The token is the run's own: it can do nothing but write about this run, while its lease lives.

    Args:
        token: empty while the server does not know of the run.
        begin: what the server is told of the run first, where it does not know of it.
    """

    url: str
    token: str
    lease: LeaseInput
    begin: Begin | None = None


class Spool:
    """Batches that wait on disk, oldest first.

    The file exists only while something waits. Lines are appended whole; one that a dying process
    left half written is at the end, and is skipped on reading.

    Where the disk takes nothing, as when it is full, DEBUG lines that wait are dropped and counted,
    and what does not fit even so waits in memory; states are never dropped.
    """

    def __init__(self, home: Path, *, header: SpoolHeader, stream_id: str) -> None:
        self.path = home / FOLDER / header.lease.run_id / f"{stream_id}.jsonl"
        self.header = header
        self._read_offset = 0
        self._on_disk = 0
        self._debug_on_disk = 0
        self._held: deque[Batch] = deque()
        self._stream: tuple[str, int] | None = None
        self._file: BinaryIO | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return self._on_disk == 0 and not self._held

    def open(self) -> None:
        """Have a file, though nothing waits in it yet: it says that there is a run."""
        try:
            self._file = self._file or self._start_file()
        except OSError as error:
            logger.warning("The disk takes no reports (%s); they wait in memory", error)

    def know_token(self, token: str) -> None:
        """Take note that the server knows of the run now; a file that holds nothing goes."""
        self.header = msgspec.structs.replace(self.header, token=token, begin=None)
        if self.is_empty:
            self._remove()

    def append(self, batch: Batch) -> None:
        """Write one batch behind the others."""
        self._held.append(batch)
        self._write_held()
        if not self._held:
            return
        self._thin(most_level=DEBUG)
        if len(self._held) > MAX_HELD:
            self._thin(most_level=ANY)

    def placed(self, batch: Batch) -> Batch:
        """Return a batch that was never sent where it belongs since lines were dropped."""
        if self._stream is None or not isinstance(batch, LogBatch):
            return batch
        stream_id, offset = self._stream
        self._stream = (stream_id, offset + batch.count)
        return LogBatch(stream_id, offset, batch.columns)

    @property
    def held_count(self) -> int:
        """How many batches the disk has no room for."""
        return len(self._held)

    def first(self) -> Batch:
        """Return the oldest batch."""
        if not self._on_disk:
            return self._held[0]
        with self.path.open("rb") as file:
            file.seek(self._read_offset)
            return msgspec.json.decode(file.readline(), type=Batch)

    def remove_first(self) -> None:
        """Forget the oldest batch, which was acknowledged."""
        if not self._on_disk:
            self._held.popleft()
            return
        with self.path.open("rb") as file:
            file.seek(self._read_offset)
            self._read_offset += len(file.readline())
        self._on_disk -= 1
        if self._on_disk == 0:
            self._remove()
            self._write_held()

    def reject(self, batch: Batch) -> Path:
        """Keep a batch that the server will never take beside the others, for people to look at."""
        path = self.path.with_suffix(REJECTED_SUFFIX)
        return append_private(path, msgspec.json.encode(batch) + b"\n")

    def set_aside(self) -> Path:
        """Keep all that waits beside what waits for the server, for people to look at."""
        path = self.path.with_suffix(REJECTED_SUFFIX)
        with contextlib.suppress(FileNotFoundError):
            self.path.replace(path)
        for batch in self._held:
            self.reject(batch)
        self.discard()
        return path

    def discard(self) -> None:
        """Remove the file and, when nothing else is in it, its folder."""
        self._held.clear()
        self._remove()

    def release(self) -> None:
        """Leave the file to whoever delivers it later."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _remove(self) -> None:
        self._on_disk = self._debug_on_disk = 0
        self.release()
        remove_file(self.path)

    def _write_held(self) -> None:
        """Write what waits in memory, until the disk has no room for the next."""
        while self._held and self._has_written(self._held[0]):
            self._held.popleft()

    def _has_written(self, batch: Batch) -> bool:
        """Write one line whole, or nothing of it; False where there is no room."""
        try:
            file = self._file or self._start_file()
            end = os.fstat(file.fileno()).st_size
            try:
                _write_all(file, msgspec.json.encode(batch) + b"\n")
            except OSError:
                os.ftruncate(file.fileno(), end)
                raise
        except OSError as error:
            if len(self._held) == 1:
                logger.warning("The disk takes no reports (%s); they wait in memory", error)
            return False
        self._on_disk += 1
        self._debug_on_disk += count_lines(batch, most_level=DEBUG)
        return True

    def _thin(self, *, most_level: int) -> None:
        """Drop lines of what waits, but for the oldest batch: the server may know of it already.

        The file is written again in its place, since there is no room for another; it is left
        alone where it holds no such line.
        """
        is_rewritten = self._debug_on_disk > 0
        waiting = [*(self._read_waiting() if is_rewritten else ()), *self._held]
        untouched = 1 if is_rewritten or not self._on_disk else 0
        stream_id = make_uuid()
        kept, dropped, offset = thin(
            waiting[untouched:], stream_id=stream_id, most_level=most_level
        )
        if not dropped:
            return
        logger.warning("The disk is full: %d log lines were dropped", dropped)
        self._stream = (stream_id, offset)
        if is_rewritten and self._file is not None:
            os.ftruncate(self._file.fileno(), self._read_offset)
            self._on_disk = self._debug_on_disk = 0
        self._held = deque([*waiting[:untouched], *kept])
        self._write_held()

    def _read_waiting(self) -> list[Batch]:
        with self.path.open("rb") as file:
            file.seek(self._read_offset)
            return [msgspec.json.decode(line, type=Batch) for line in file]

    def _start_file(self) -> BinaryIO:
        _private_folder(self.path.parent)
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        file = os.fdopen(handle, "ab", buffering=0)
        # Held until the process ends: what is unlocked was left behind.
        lock_file(file)
        header = msgspec.json.encode(self.header) + b"\n"
        try:
            _write_all(file, header)
        except OSError:
            file.close()
            remove_file(self.path)
            raise
        self._file = file
        self._read_offset = len(header)
        return file


def append_private(path: Path, text: bytes) -> Path:
    """Append to a file that its owner alone may read; return its path."""
    _private_folder(path.parent)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as file:
        file.write(text)
    return path


def _write_all(file: BinaryIO, line: bytes) -> None:
    """Write a line; an unbuffered file may take a part of it at a time."""
    left = memoryview(line)
    while left:
        left = left[file.write(left) :]


def leftovers(home: Path) -> list[Path]:
    """Return the files that processes left behind, those of the oldest runs first."""
    return sorted((home / FOLDER).glob("*/*.jsonl"))


def remove_file(path: Path) -> None:
    """Remove a file and, when nothing else is in it, its folder."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        path.unlink()
    with contextlib.suppress(OSError):
        path.parent.rmdir()


def lock_file(file: BinaryIO) -> bool:
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
