"""Locks for the processes of one machine, or of all that share a folder."""

import contextlib
import hashlib
import os
import platform
import sys
import threading
import time
from collections.abc import Generator
from pathlib import Path

import msgspec
import psutil

from headgate.clock import now_us

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOOK_SECONDS = 0.05
"""Files tell nobody that they are gone: so often one who waits looks."""

LONGEST_HOLD_SECONDS = 3_600.0
"""So long a lock whose holder said nothing binds other machines: its process may be dead there."""


class _Held(msgspec.Struct):
    holder: str
    until_us: int
    host: str
    pid: int
    is_lasting: bool = False
    began_at: float | None = None
    """When the process began, in seconds since 1970: numbers of processes are used again."""


class FileSystemLockManager:
    """Keeps each lock in a file of a folder.

    A lock is free again when its holder gives it back, when its time is over, or when the process
    that held it is gone, as far as it was on this machine. One that was taken for no certain time
    lasts as long as its process; on other machines that share the folder, an hour.

    Args:
        lock_files_directory: where the files are; processes that share it exclude each other.
    """

    def __init__(self, lock_files_directory: Path | str) -> None:
        self.lock_files_directory = Path(lock_files_directory).expanduser().resolve()

    def acquire_lock(
        self,
        key: str,
        holder: str,
        acquire_timeout: float | None = None,
        hold_timeout: float | None = None,
    ) -> bool:
        """Wait for the lock, and say whether the holder has it."""
        ends_at = None if acquire_timeout is None else time.monotonic() + acquire_timeout
        while not self._take(key, holder, hold_timeout):
            if ends_at is not None and time.monotonic() >= ends_at:
                return False
            time.sleep(LOOK_SECONDS)
        return True

    def release_lock(self, key: str, holder: str) -> None:
        """Give the lock back.

        Raises:
            ValueError: the holder does not have it.
        """
        path = self._path(key)
        with self._guarded(path):
            found = self._read(path)
            if found is None or found.holder != holder:
                message = f"{holder} does not hold the lock of {key!r}"
                raise ValueError(message)
            path.unlink(missing_ok=True)

    def is_locked(self, key: str) -> bool:
        """Say whether somebody has the lock."""
        found = self._read(self._path(key))
        return found is not None and _is_live(found)

    def is_lock_holder(self, key: str, holder: str) -> bool:
        """Say whether this one has it."""
        found = self._read(self._path(key))
        return found is not None and _is_live(found) and found.holder == holder

    def wait_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """Wait until nobody has the lock, and say whether that came in time."""
        ends_at = None if timeout is None else time.monotonic() + timeout
        while self.is_locked(key):
            if ends_at is not None and time.monotonic() >= ends_at:
                return False
            time.sleep(LOOK_SECONDS)
        return True

    def _take(self, key: str, holder: str, hold_timeout: float | None) -> bool:
        """Write the file of a lock, unless another has it."""
        path = self._path(key)
        until_us = now_us() + int((hold_timeout or LONGEST_HOLD_SECONDS) * 1_000_000)
        held = _Held(
            holder, until_us, platform.node(), os.getpid(), not hold_timeout, _began_at(os.getpid())
        )
        with self._guarded(path):
            found = self._read(path)
            if found is not None and found.holder != holder and _is_live(found):
                return False
            self._write(path, held)
            return True

    def _write(self, path: Path, held: _Held) -> None:
        made = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        made.write_bytes(msgspec.json.encode(held))
        made.replace(path)

    @contextlib.contextmanager
    def _guarded(self, path: Path) -> Generator[None]:
        """Keep others from changing the file of a lock for a moment."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.with_suffix(".guard").open("ab") as file:
            if sys.platform == "win32":
                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
            else:
                fcntl.flock(file, fcntl.LOCK_EX)
            # Closing the file lets go of it.
            yield

    def _read(self, path: Path) -> _Held | None:
        try:
            return msgspec.json.decode(path.read_bytes(), type=_Held)
        except FileNotFoundError:
            return None

    def _path(self, key: str) -> Path:
        return self.lock_files_directory / f"{hashlib.sha256(key.encode()).hexdigest()}.lock"


def _is_live(held: _Held) -> bool:
    is_here = held.host == platform.node()
    if held.until_us <= now_us() and not (is_here and held.is_lasting):
        return False
    began_at = _began_at(held.pid) if is_here else None
    return not is_here or (began_at is not None and held.began_at in (None, began_at))


def _began_at(pid: int) -> float | None:
    """Return when a process began; None where there is none."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return None
