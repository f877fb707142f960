"""What a run's process writes to its standard output and error, reported line by line."""

import asyncio
import logging
import os
import time
from collections import deque
from typing import Any

from headgate.api import logs
from headgate.api.transport import Transport
from headgate.engine.whispers import Whispers
from headgate.errors import ApiError, ConflictError, RetryableApiError
from headgate.ids import make_uuid
from headgate.redaction import redactor

logger = logging.getLogger("headgate.agent")

FLUSH_SECONDS = 0.1
MAX_LINE_CHARACTERS = 32_000
MAX_LINE_BYTES = 4 * MAX_LINE_CHARACTERS
"""So much of a line is waited for, to find a secret of up to half of it wherever it stands."""
MAX_WAITING_LINES = 20_000
PATIENCE_SECONDS = 30.0
_LEVELS = {"stdout": logging.INFO, "stderr": logging.ERROR}

Row = tuple[int, int, str, str]


class OutputReporter:
    """Reads both ends of one process and appends what they say to the run's log, in order.

    A process that writes faster than the server takes is slowed down by its own full pipe: nothing
    is dropped while the server answers.
    """

    def __init__(self, transport: Transport, *, flow_run_id: str) -> None:
        self._transport = transport
        self._flow_run_id = flow_run_id
        self._stream_id = make_uuid()
        self._offset = 0
        self._rows: deque[Row] = deque()
        self._is_over = False
        self._has_rows = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._whispers: Whispers | None = None

    @property
    def hooks(self) -> frozenset[int]:
        """Which hooks, of ``HOOK_KINDS``, the process has and did not call."""
        return self._whispers.hooks if self._whispers is not None else frozenset()

    async def run(self, *, stdout: int, stderr: int, secrets: int) -> None:
        """Report until both ends are closed and everything was sent, or the server stayed away.

        Args:
            secrets: where the process tells what is to be masked in what it says from then on.
        """
        sending = asyncio.create_task(self._send_forever())
        self._whispers = Whispers(secrets)
        loop = asyncio.get_running_loop()
        loop.add_reader(secrets, self._hear)
        try:
            async with asyncio.TaskGroup() as readers:
                readers.create_task(self._read(stdout, name="stdout"))
                readers.create_task(self._read(stderr, name="stderr"))
        finally:
            loop.remove_reader(secrets)
            self._whispers.hear()
            os.close(secrets)
        self._is_over = True
        self._has_rows.set()
        await sending

    async def _read(self, descriptor: int, *, name: str) -> None:
        reader = asyncio.StreamReader(limit=MAX_LINE_BYTES)
        loop = asyncio.get_running_loop()
        pipe, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", 0)
        )
        rest = b""
        try:
            while line := rest + (piece := await _line(reader)):
                rest = b""
                if piece and not line.endswith(b"\n"):
                    line, rest = self._cut(line) if len(line) > MAX_LINE_BYTES else (b"", line)
                await self._has_room.wait()
                self._take(line, name=name)
        finally:
            pipe.close()

    def _hear(self) -> None:
        assert self._whispers is not None  # noqa: S101  set as it begins
        self._whispers.hear()
        if self._whispers.is_over:
            asyncio.get_running_loop().remove_reader(self._whispers.descriptor)

    def _cut(self, line: bytes) -> tuple[bytes, bytes]:
        """Return what may be said of a line that goes on, and the rest, with no secret across."""
        assert self._whispers is not None  # noqa: S101  set as it begins
        self._whispers.hear()
        text = line.decode(errors="surrogateescape")
        at = first = max(len(text) // 2, len(text) - MAX_LINE_BYTES // 2)
        # Twice, for what the one moves the cut into may be another's.
        for one in (redactor, self._whispers.redactor) * 2:
            at = one.place_to_cut(text, at=at)
        # A secret that is larger than all this is cut somewhere.
        encoded = text[: at or first].encode(errors="surrogateescape")
        return encoded, line[len(encoded) :]

    def _take(self, line: bytes, *, name: str) -> None:
        assert self._whispers is not None  # noqa: S101  set as it begins
        # What is in a line was told before it was said.
        self._whispers.hear()
        said = line.rstrip(b"\r\n").decode(errors="replace")
        text = redactor.redact(self._whispers.redactor.redact(said))
        if not text.strip():
            return
        if len(text) > MAX_LINE_CHARACTERS:
            text = f"{text[:MAX_LINE_CHARACTERS]} … cut"
        self._rows.append((time.time_ns() // 1000, _LEVELS[name], name, text))
        self._has_rows.set()
        if len(self._rows) >= MAX_WAITING_LINES:
            self._has_room.clear()

    async def _send_forever(self) -> None:
        while True:
            await self._has_rows.wait()
            if not self._is_over:
                await asyncio.sleep(FLUSH_SECONDS)
            self._has_rows.clear()
            while self._rows:
                if not await self._send():
                    return
            if self._is_over:
                return

    async def _send(self) -> bool:
        rows = [self._rows[place] for place in range(min(len(self._rows), logs.MAX_BATCH))]
        batch: dict[str, list[Any]] = {
            "timestamp": [row[0] for row in rows],
            "level": [row[1] for row in rows],
            "logger": [row[2] for row in rows],
            "message": [row[3] for row in rows],
            "taskRunId": [None] * len(rows),
        }
        try:
            await logs.append(
                self._transport,
                flow_run_id=self._flow_run_id,
                stream_id=self._stream_id,
                offset=self._offset,
                batch=batch,
                deadline_seconds=PATIENCE_SECONDS,
            )
        except (RetryableApiError, ConflictError) as error:
            logger.warning("%s: output is not reported for now: %s", self._flow_run_id, error)
            return not self._is_over
        except ApiError as error:
            logger.warning("%s: output is no longer reported: %s", self._flow_run_id, error)
            self._rows.clear()
            self._has_room.set()
            return not self._is_over
        self._offset += len(rows)
        for _ in rows:
            self._rows.popleft()
        self._has_room.set()
        return True


async def _line(reader: asyncio.StreamReader) -> bytes:
    """Return the next line, or a piece of one that is too long; empty at the end."""
    try:
        return await reader.readuntil()
    except asyncio.IncompleteReadError as error:
        return error.partial
    except asyncio.LimitOverrunError as error:
        return await reader.readexactly(error.consumed)
