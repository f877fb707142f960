"""Servers that an earlier, killed process left running in a data directory we now hold."""

import contextlib
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

FAST_STOP_SECONDS = 20
KILL_SECONDS = 5


def clear_leftovers(pid_file: Path, *, folder: Path, stop_signal: signal.Signals) -> None:
    """Stop the server that ``pid_file`` names if it still runs in ``folder``; remove the file.

    We hold the directory's lock, so whatever runs in it belongs to a dead owner. A pid that was
    given to some other program meanwhile is left alone: a server's working directory is ``folder``.
    """
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        pid = 0
    if pid > 1 and _working_folder(pid) == folder.resolve():
        for number, seconds in ((stop_signal, FAST_STOP_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
            if _stop(pid, number=number, seconds=seconds):
                break
    pid_file.unlink(missing_ok=True)


def _stop(pid: int, *, number: signal.Signals, seconds: float) -> bool:
    """Send the signal and say whether the process ended in time."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    except (AttributeError, OSError):
        return _stop_by_polling(pid, number=number, seconds=seconds)
    try:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, number)
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


def _stop_by_polling(pid: int, *, number: signal.Signals, seconds: float) -> bool:
    """Do the same where the kernel has no pidfd: an orphan's parent is init, which reaps it."""
    try:
        os.kill(pid, number)
        for _ in range(int(seconds / 0.01)):
            select.select([], [], [], 0.01)
            os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def _working_folder(pid: int) -> Path | None:
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cwd").readlink()
        except OSError:
            return None
    listing = subprocess.run(  # noqa: S603 - a pid we parsed as a number
        ["/usr/sbin/lsof", "-a", "-d", "cwd", "-Fn", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
    ).stdout
    names = [line[1:] for line in listing.splitlines() if line.startswith("n")]
    return Path(names[0]).resolve() if names else None
