"""One file of reports that a process left on disk, taken over to be delivered."""

import contextlib
import logging
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

import msgspec

from headgate.reporting.batches import Batch, ProposedState
from headgate.reporting.spool import (
    REJECTED_SUFFIX,
    SpoolHeader,
    append_private,
    lock_file,
    remove_file,
)

logger = logging.getLogger("headgate.reporting")


class LeftFile:
    """A file's header, and its whole batches one by one.

    A line that a dying process left half written is at the end, and is left out.
    """

    def __init__(self, path: Path, file: BinaryIO, header: SpoolHeader) -> None:
        self.path = path
        self.header = header
        self._file = file
        self._offset = file.tell()
        self._next: tuple[Batch, int] | None = None
        self._has_end = False

    @property
    def progress(self) -> int:
        """How far it was read; it grows with every batch."""
        return self._offset

    @property
    def has_no_end(self) -> bool:
        """Whether a run that only this file tells of does not end in it: its process is gone."""
        return self.header.begin is not None and not self._has_end

    def peek(self) -> Batch | None:
        """Return the oldest batch; None when there is none."""
        if self._next is None:
            self._file.seek(self._offset)
            line = self._file.readline()
            if not line.endswith(b"\n"):
                return None
            self._next = msgspec.json.decode(line, type=Batch), self._offset + len(line)
        return self._next[0]

    def advance(self) -> None:
        """Go on behind the oldest batch, which was acknowledged."""
        assert self._next is not None  # noqa: S101  peeked at before
        batch, self._offset = self._next
        self._next = None
        self._has_end = self._has_end or (isinstance(batch, ProposedState) and batch.is_last)

    def reject(self, batch: Batch) -> Path:
        """Keep a batch that the server will never take beside the others."""
        return append_private(
            self.path.with_suffix(REJECTED_SUFFIX), msgspec.json.encode(batch) + b"\n"
        )

    def set_aside(self) -> Path:
        """Keep the whole file beside what waits, without what it takes to tell of it."""
        self._file.seek(self._offset)
        path = append_private(self.path.with_suffix(REJECTED_SUFFIX), self._file.read())
        self.remove()
        return path

    def remove(self) -> None:
        """Remove the file, and its folder if nothing else is in it."""
        remove_file(self.path)


@contextlib.contextmanager
def taken_over(path: Path) -> Generator[LeftFile | None]:
    """Take over a file that another process left.

    Yields None when its process is alive, another one took it over, or it holds no header.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        yield None
        return
    with file:
        if not lock_file(file) or not path.exists():
            yield None
            return
        line = file.readline()
        if not line.endswith(b"\n"):
            yield None
            return
        try:
            header = msgspec.json.decode(line, type=SpoolHeader)
        except msgspec.DecodeError:
            logger.exception("The reports that waited in %s cannot be read", path)
            path.replace(path.with_suffix(REJECTED_SUFFIX))
            yield None
            return
        yield LeftFile(path, file, header)
