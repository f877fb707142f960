"""The data directory: its marker, its exclusive lock, its secrets and the ports it was given.

Layout: ``headgate.json`` (marker), ``lock``, ``ports.json``, ``secrets/``, ``postgres/``,
``valkey/``, ``logs/``.
"""

import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
from pathlib import Path
from typing import cast

from headgate_server.embedded.errors import (
    DataDirForeign,
    DataDirLocked,
    DataDirTooNew,
    DataDirUnusable,
)
from headgate_server.embedded.orphans import clear_leftovers

LAYOUT_VERSION = 1
MARKER_NAME = "headgate.json"
PID_FILES = {"postgres": "postmaster.pid", "valkey": "valkey.pid"}


class DataDir:
    """One data directory, held by this process until ``release``."""

    def __init__(self, path: Path, *, lock_descriptor: int) -> None:
        self.path = path
        self._lock_descriptor = lock_descriptor

    @classmethod
    def claim(cls, path: Path) -> "DataDir":
        """Make the directory if need be, check that it is ours, and lock it for this process.

        The lock is the kernel's (flock): it is gone when the process is, however it ended.

        Raises:
            DataDirForeign: it holds files, and Headgate did not make it.
            DataDirTooNew: a newer Headgate made it.
            DataDirLocked: another process holds it.
            DataDirUnusable: it cannot be written.
        """
        path = path.expanduser().absolute()
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            _check_marker(path)
            descriptor = _lock(path)
        except OSError as error:
            reason = f"{error.strerror}. Name a directory that this user may write."
            raise DataDirUnusable(path, reason=reason) from error
        directory = cls(path, lock_descriptor=descriptor)
        try:
            directory._lay_out()
        except OSError as error:
            directory.release()
            reason = f"{error.strerror}: {error.filename}. Start as the user it belongs to."
            raise DataDirUnusable(path, reason=reason) from error
        return directory

    @classmethod
    def clear(cls, path: Path) -> None:
        """Delete what is in a data directory of ours that nobody uses; what is not ours stays.

        Raises:
            DataDirForeign: it holds files, and Headgate did not make it.
            DataDirLocked: another process holds it.
            DataDirUnusable: it cannot be written.
        """
        if not path.exists():
            return
        directory = cls.claim(path)
        try:
            for service, pid_file in PID_FILES.items():
                clear_leftovers(
                    directory.path / service / pid_file,
                    folder=directory.path / service,
                    stop_signal=signal.SIGINT,
                )
            for entry in directory.path.iterdir():
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                elif entry.name not in {MARKER_NAME, "lock"}:
                    entry.unlink()
        finally:
            directory.release()

    def release(self) -> None:
        """Give the directory back. Safe to call twice."""
        if self._lock_descriptor >= 0:
            os.close(self._lock_descriptor)
            self._lock_descriptor = -1

    def secret(self, name: str) -> str:
        """Return the named secret, made on first use and kept in a file only we can read."""
        path = self.path / "secrets" / name
        try:
            return path.read_text()
        except FileNotFoundError:
            value = secrets.token_urlsafe(32)
            _write_atomically(path, value)
            return value

    def log_path(self, service: str) -> Path:
        """Return where the service's output goes."""
        return self.path / "logs" / f"{service}.log"

    def choose_port(self, service: str, *, is_fresh: bool = False) -> int:
        """Return a free port on 127.0.0.1 and record it; the recorded one again while it is free.

        Args:
            service: whose port.
            is_fresh: leave the recorded one aside, because the service could not start on it.
        """
        ports = self._read_ports()
        known = ports.get(service, 0)
        port = known if known and not is_fresh and _is_free(known) else _free_port()
        _write_atomically(self.path / "ports.json", json.dumps({**ports, service: port}))
        return port

    def _read_ports(self) -> dict[str, int]:
        try:
            return cast("dict[str, int]", json.loads((self.path / "ports.json").read_text()))
        except (FileNotFoundError, ValueError):
            return {}

    def _lay_out(self) -> None:
        for name in ("secrets", "logs", "valkey"):
            (self.path / name).mkdir(mode=0o700, exist_ok=True)
        if not (self.path / MARKER_NAME).exists():
            _write_atomically(self.path / MARKER_NAME, json.dumps({"layout": LAYOUT_VERSION}))


def _check_marker(path: Path) -> None:
    marker = path / MARKER_NAME
    if not marker.exists():
        if any(entry.name != "lock" for entry in path.iterdir()):
            raise DataDirForeign(path)
        return
    try:
        found = int(json.loads(marker.read_text())["layout"])
    except (ValueError, KeyError, TypeError) as error:
        raise DataDirForeign(path) from error
    if found > LAYOUT_VERSION:
        raise DataDirTooNew(path, found=found, known=LAYOUT_VERSION)


def _lock(path: Path) -> int:
    descriptor = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(descriptor, 32).decode(errors="replace").strip()
        os.close(descriptor)
        pid = int(holder) if holder.isdecimal() else None
        raise DataDirLocked(path, holder_pid=pid) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _write_atomically(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
