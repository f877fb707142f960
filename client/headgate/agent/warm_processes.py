"""Starts runs as forks of a warm interpreter, and hears when they are gone."""

import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from headgate.agent.frames import Answer, Start, Started, pack, send_with_descriptors

logger = logging.getLogger("headgate.agent")

START_TIMEOUT_SECONDS = 30.0
_LENGTH_BYTES = 4


class ForkServerLost(RuntimeError):
    """The fork server ended; a new one is started with the next run."""


class WarmProcess:
    """A process forked for one run."""

    def __init__(self, pid: int, exited: asyncio.Future[int]) -> None:
        self.pid = pid
        self._exited = exited

    async def wait(self) -> int:
        """Return the exit code; negative for the signal that killed it."""
        return await asyncio.shield(self._exited)


class WarmProcesses:
    """One fork server, started with the first run and again whenever it is lost."""

    def __init__(self) -> None:
        self._server: asyncio.subprocess.Process | None = None
        self._connection: socket.socket | None = None
        self._reader: asyncio.StreamReader | None = None
        self._listening: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._next_key = 0
        self._starting: dict[int, asyncio.Future[int]] = {}
        self._exits: dict[int, asyncio.Future[int]] = {}

    @staticmethod
    def is_supported() -> bool:
        """Whether forking a warm interpreter is safe here."""
        return sys.platform == "linux"

    @property
    def server_pid(self) -> int | None:
        """The fork server's process id; None while there is none."""
        if self._connection is None or self._server is None:
            return None
        return self._server.pid

    async def warm_up(self) -> None:
        """Start the fork server, so that the first run finds it warm."""
        async with self._lock:
            if self._connection is None:
                await self._launch()

    async def start(
        self,
        job: Mapping[str, Any],
        *,
        environment: Mapping[str, str],
        folder: Path,
        descriptors: Sequence[int],
    ) -> WarmProcess:
        """Fork a process that runs the job.

        Args:
            job: as ``runClaim`` answered it.
            environment: the process's whole environment.
            folder: the process's working directory.
            descriptors: what becomes its standard output and error, where it tells its secrets,
                where it hears the agent, and its fence where it has one; the caller closes them.

        Raises:
            ForkServerLost: the fork server ended before the process had started.
        """
        loop = asyncio.get_running_loop()
        async with self._lock:
            if self._connection is None:
                await self._launch()
            assert self._connection is not None  # noqa: S101  launched just now
            key, self._next_key = self._next_key, self._next_key + 1
            started: asyncio.Future[int] = loop.create_future()
            exited: asyncio.Future[int] = loop.create_future()
            self._starting[key], self._exits[key] = started, exited
            frame = pack(
                Start(key=key, job=dict(job), environment=dict(environment), folder=str(folder))
            )
            try:
                await asyncio.to_thread(send_with_descriptors, self._connection, frame, descriptors)
            except OSError as error:
                self._starting.pop(key, None)
                self._exits.pop(key, None)
                raise ForkServerLost from error
        async with asyncio.timeout(START_TIMEOUT_SECONDS):
            return WarmProcess(await started, exited)

    async def stop(self) -> None:
        """End the fork server: children under RETRY are killed, others go on by themselves."""
        listening, self._listening = self._listening, None
        connection, self._connection = self._connection, None
        if listening is not None:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening
        if connection is not None:
            connection.close()
        if self._server is not None:
            with contextlib.suppress(TimeoutError, ProcessLookupError):
                async with asyncio.timeout(5):
                    await self._server.wait()
            self._server = None

    async def _launch(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._server = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "headgate.agent.fork_server",
                str(theirs.fileno()),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        self._connection = ours
        self._listening = asyncio.create_task(self._listen(os.dup(ours.fileno())))

    async def _listen(self, descriptor: int) -> None:
        reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=descriptor))
        try:
            while True:
                head = await reader.readexactly(_LENGTH_BYTES)
                body = await reader.readexactly(int.from_bytes(head, "big"))
                self._take(msgspec.json.decode(body, type=Answer))
        except (asyncio.IncompleteReadError, ConnectionError):
            self._lose()
        finally:
            writer.close()

    def _take(self, answer: Answer) -> None:
        if isinstance(answer, Started):
            future = self._starting.pop(answer.key, None)
            value = answer.pid
        else:
            future = self._exits.pop(answer.key, None)
            value = answer.code
        if future is not None and not future.done():
            future.set_result(value)

    def _lose(self) -> None:
        """The fork server is gone: nothing more will be heard of its children."""
        logger.warning("The fork server ended; a new one starts with the next run")
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        for future in (*self._starting.values(), *self._exits.values()):
            if not future.done():
                future.set_exception(ForkServerLost())
        self._starting.clear()
        self._exits.clear()
