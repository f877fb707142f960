"""Commands on a terminal of their own, and commands whose standard input somebody could read."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

WAIT_SECONDS = 60.0
WORD = b"y\n"


@dataclass(slots=True)
class Terminal:
    """A command and what it showed on its terminal so far."""

    process: subprocess.Popen[bytes]
    master: int
    shown: str = field(default="")

    def wait_for(self, words: str) -> None:
        """Return once the words were shown."""
        deadline = time.monotonic() + WAIT_SECONDS
        while words not in self.shown:
            left = deadline - time.monotonic()
            assert left > 0, self.shown
            assert self._read(left), self.shown

    def end(self) -> int:
        """Return the exit code once all it wrote was read."""
        while self._read(WAIT_SECONDS):
            pass
        return self.process.wait(timeout=WAIT_SECONDS)

    def interrupt(self) -> None:
        """Do what Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)

    def _read(self, seconds: float) -> bool:
        """Take what comes; whether anything did before the terminal was closed."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        try:
            found = os.read(self.master, 65_536) if ready else b""
        except OSError:
            return False
        self.shown += found.decode(errors="replace")
        return bool(found)


@contextmanager
def on_terminal(
    *arguments: str, environment: Mapping[str, str], folder: Path
) -> Generator[Terminal]:
    """Run a command on a terminal of 100 columns and 40 lines; it ends with the block."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "headgate", *arguments],
        env={**_clean(), **environment, "COLUMNS": "100", "LINES": "40", "TERM": "xterm"},
        cwd=folder,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)


@dataclass(frozen=True, slots=True)
class Unread:
    """A command whose standard input holds a word that nobody should take."""

    process: subprocess.Popen[bytes]
    reader: int
    log: Path

    @property
    def said(self) -> str:
        """What it wrote so far."""
        return self.log.read_text(errors="replace")

    def left(self) -> bytes:
        """Return what of its standard input nobody took, after it has ended."""
        assert self.process.poll() is not None
        os.set_blocking(self.reader, False)
        try:
            return os.read(self.reader, 64)
        except BlockingIOError:
            return b""


@contextmanager
def with_unread_input(
    *arguments: str, environment: Mapping[str, str], folder: Path
) -> Generator[Unread]:
    """Run a command without a terminal whose standard input has a line, and stays open."""
    reader, writer = os.pipe()
    os.write(writer, WORD)
    log = folder / "unread.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "headgate", *arguments],
            env={**_clean(), **environment},
            cwd=folder,
            stdin=reader,
            stdout=output,
            stderr=output,
        )
    try:
        yield Unread(process, reader, log)
    finally:
        process.kill()
        process.wait()
        os.close(reader)
        os.close(writer)


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("HEADGATE_")}
