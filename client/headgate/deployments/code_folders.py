"""Folders of code on this machine: the one that a process works in stays as long as it does."""

import os
import shutil
import sys
from pathlib import Path

if sys.platform != "win32":
    import fcntl

_held: dict[Path, int] = {}


def hold(mark: Path) -> None:
    """Hold the mark of a folder until this process, and each fork of it, has ended.

    The mark is made if it is not there. Call it under the lock under which others ``remove``.
    Windows has no such lock: there it does nothing.
    """
    if sys.platform != "win32" and mark not in _held:
        descriptor = os.open(mark, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        _held[mark] = descriptor


def remove(folder: Path, *, mark: Path) -> bool:
    """Remove a mark and then its folder, unless a process holds that; say whether they are gone.

    The mark must be there. What is left of a folder whose removal was cut short has none.
    """
    with mark.open("r+b") as file:
        if sys.platform != "win32":
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            mark.unlink(missing_ok=True)
    mark.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    return True
