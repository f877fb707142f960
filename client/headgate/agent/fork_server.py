"""The fork server: one quiet process that has everything imported and forks a child for each run.

It stays single-threaded and imports no user code, so a child starts in milliseconds, sees the code
as it is now, and leaves nothing behind for the next one. When its agent is gone it kills the
children that must not outlive an agent, leaves the others to renew their own leases, and ends.
"""

import contextlib
import gc
import importlib
import os
import selectors
import signal
import socket
import sys
import traceback
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

import msgspec

from headgate import traces
from headgate.agent.frames import Exited, Start, Started, pack, receive
from headgate.engine import lifeline

PRELOADED = (
    "asyncio",
    "headgate",
    "headgate.flows",
    "headgate.tasks",
    "headgate.deployments.steps",
    "headgate.engine.flow_run",
    "headgate.api.wire",
    "headgate.reporting.server_run",
    "pydantic",
)


@dataclass(frozen=True, slots=True)
class Child:
    """A process this server forked."""

    key: int
    dies_with_agent: bool


class ForkServer:
    """Serves one connection, to the agent that started it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._children: dict[int, Child] = {}
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        self._wake_writer.setblocking(False)

    def serve(self) -> None:
        """Fork, and report who is gone, until the agent closes the connection."""
        signal.set_wakeup_fd(self._wake_writer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _ignore)
        selector = selectors.DefaultSelector()
        selector.register(self._connection, selectors.EVENT_READ)
        selector.register(self._wake_reader, selectors.EVENT_READ)
        is_open = True
        while is_open:
            for key, _ in selector.select():
                if key.fileobj is self._wake_reader:
                    with contextlib.suppress(BlockingIOError):
                        self._wake_reader.recv(4096)
                    self._reap()
                else:
                    is_open = self._accept()
        self._end_of_agent()

    def _accept(self) -> bool:
        try:
            body, descriptors = receive(self._connection)
        except (EOFError, ConnectionError):
            return False
        if not body:
            return False
        start = msgspec.json.decode(body, type=Start)
        pid = os.fork()
        if pid == 0:
            self._become(start, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        dies = start.job.get("onAgentLost") == "RETRY"
        self._children[pid] = Child(start.key, dies)
        self._answer(pack(Started(key=start.key, pid=pid)))
        self._reap()
        return True

    def _become(self, start: Start, descriptors: list[int]) -> NoReturn:
        """Turn this fork into the run's process; never returns."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.setsid()
            self._connection.close()
            self._wake_reader.close()
            self._wake_writer.close()
            _take_over_output(descriptors[:2])
            secrets, orders, fence = [*descriptors[2:], None][:3]
            os.environ.clear()
            os.environ.update(start.environment)
            _extend_import_path()
            os.chdir(start.folder)
            document = msgspec.json.encode(start.job)
            code = lifeline.run(document, secrets=secrets, orders=orders, fence=fence)
        except BaseException:  # noqa: BLE001  the edge of a process: nothing may return into the server
            traceback.print_exc()
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _reap(self) -> None:
        while self._children:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            child = self._children.pop(pid, None)
            if child is not None:
                code = os.waitstatus_to_exitcode(status)
                self._answer(pack(Exited(key=child.key, code=code)))

    def _answer(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            self._connection.sendall(data)

    def _end_of_agent(self) -> None:
        for pid, child in self._children.items():
            if child.dies_with_agent:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)


def _extend_import_path() -> None:
    """Do what an interpreter does with PYTHONPATH as it starts: this one started long ago."""
    given = os.environ.get("PYTHONPATH", "")
    sys.path[:0] = [entry for entry in given.split(os.pathsep) if entry and entry not in sys.path]


def _ignore(number: int, frame: FrameType | None) -> None:
    """Do nothing: the wakeup descriptor has told the loop already."""


def _take_over_output(descriptors: list[int]) -> None:
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123  a descriptor, not a file
        os.dup2(nothing.fileno(), 0)
    for target, descriptor in zip((1, 2), descriptors, strict=True):
        os.dup2(descriptor, target)
        os.close(descriptor)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115  lives as long as the process
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115  as above
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115  as above


def main() -> None:
    """Serve on the socket that the agent passed as a descriptor."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    connection = socket.socket(fileno=int(sys.argv[1]))
    for name in PRELOADED:
        importlib.import_module(name)
    traces.preload()
    gc.collect()
    gc.freeze()
    ForkServer(connection).serve()


if __name__ == "__main__":
    main()
