"""A lock of the home folder: who reads one of its files, changes it and replaces it is alone."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl

FILE_NAME = ".lock"


@contextmanager
def locked(home: Path) -> Generator[None]:
    """Hold the lock of a home folder, which is made if it is not there; waits for its turn.

    Between processes and threads; it ends with its holder. Windows has no such lock: there it does
    nothing. It is not taken twice: within it, call nothing that takes it.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if sys.platform == "win32":
        yield
        return
    handle = os.open(home / FILE_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
