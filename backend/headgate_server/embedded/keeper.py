"""A tiny process between us and one server, so that the server never outlives us.

Run as a script on the standard library alone: ``python -I -S keeper.py STOP USER COMMAND…``.
The end of its standard input (we closed it, or died) is the order to stop. STOP is the stop
signals with the seconds to wait after each, such as ``2:20,3:5,9:5``; USER is a name or ``-``.
Exits as the server did: its code, or 128 + the signal.
"""

import ctypes
import os
import pwd
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LINUX = sys.platform == "linux"


def main(arguments: list[str]) -> int:
    """Start the server and stay until it has gone."""
    stops = [(int(a), float(b)) for a, b in (step.split(":") for step in arguments[0].split(","))]
    user = None if arguments[1] == "-" else arguments[1]
    wake_reader, wake_writer = os.pipe()
    os.set_blocking(wake_writer, False)
    signal.set_wakeup_fd(wake_writer)
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _note)
    prepare = _follow_parent(stops[0][0])
    server = subprocess.Popen(  # noqa: S603 - the command comes from our own parent
        arguments[2:],
        stdin=subprocess.DEVNULL,
        user=user,
        group=user and pwd.getpwnam(user).pw_gid,
        extra_groups=[] if user else None,
        start_new_session=True,
        preexec_fn=prepare,  # noqa: PLW1509 - this process has one thread
    )
    _wait_for_order(server, wake_reader)
    for number, seconds in stops:
        if server.poll() is not None:
            break
        server.send_signal(number)
        _wait_for_exit(server, seconds)
    code = server.wait()
    _kill_orphans()
    return 128 - code if code < 0 else code


def _note(number: int, frame: FrameType | None) -> None:
    """Take the signal off its default; the wake-up descriptor tells which one came."""


def _follow_parent(stop_signal: int) -> Callable[[], None] | None:
    """Have the kernel stop the server if this keeper is killed, and hand us its orphans."""
    if not LINUX:
        return None
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    keeper = os.getpid()

    def prepare() -> None:
        prctl(PR_SET_PDEATHSIG, stop_signal, 0, 0, 0)
        if os.getppid() != keeper:
            os._exit(1)

    return prepare


def _wait_for_order(server: subprocess.Popen[bytes], wake_reader: int) -> None:
    """Return when the server has exited, our input has ended, or we were told to stop."""
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    selector.register(wake_reader, selectors.EVENT_READ)
    while server.poll() is None:
        for key, _ in selector.select():
            if key.fd == 0 and not os.read(0, 4096):
                return
            if key.fd == wake_reader and set(os.read(wake_reader, 4096)) - {signal.SIGCHLD}:
                return


def _wait_for_exit(server: subprocess.Popen[bytes], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while server.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)


def _kill_orphans() -> None:
    """End what a killed server left behind: its workers hold the shared memory it needs again."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    while children.exists() and (pids := children.read_text().split()):
        for pid in pids:
            os.kill(int(pid), signal.SIGKILL)
            os.waitpid(int(pid), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
