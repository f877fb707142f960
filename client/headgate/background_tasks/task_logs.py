"""The log of one background task on its way to the server, beside the task."""

import asyncio
import logging
from itertools import count

from headgate.api import background_tasks
from headgate.api.background_tasks import TaskLease
from headgate.api.transport import Transport
from headgate.errors import ApiError, RetryableApiError, TooLargeError
from headgate.reporting.batches import LogBatch, cut_message
from headgate.reporting.log_buffer import GAP_SECONDS, LogBuffer

logger = logging.getLogger("headgate.reporting")

SEND_SECONDS = 0.25
"""How long lines gather before they are sent."""
PATIENCE_SECONDS = 10.0
"""So long at most the end of a task waits for a server that does not take its lines."""


class TaskLog:
    """Takes lines from the thread that runs the task, and sends them from the worker's loop.

    What the server does not take now is sent again; a task never waits for it. Beyond a rate lines
    stay out and are counted, as in a run's log.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        workspace_id: str,
        lease: TaskLease,
        lines_per_second: float,
    ) -> None:
        self._transport = transport
        self._workspace_id = workspace_id
        self._lease = lease
        self._loop = asyncio.get_running_loop()
        self._buffer = LogBuffer(lines_per_second=lines_per_second, on_gap=self._begin_gap)
        self._pending: LogBatch | None = None
        self._is_refused = False

    def drops_log(self, level: int) -> bool:
        """Whether a line of this level would be left out now; counts it if so."""
        return self._is_refused or self._buffer.drops(level)

    def append_log(
        self,
        *,
        timestamp_us: int,
        level: int,
        logger: str,
        message: str,
        task_run_id: str | None,
    ) -> None:
        """Queue a line; one too many is counted instead."""
        del task_run_id
        self._buffer.append((timestamp_us, level, logger, cut_message(message), None))

    async def send_forever(self) -> None:
        """Send what gathers, until cancelled."""
        while True:
            await asyncio.sleep(SEND_SECONDS)
            await self._send()

    async def finish(self) -> None:
        """Send the rest, and what was left out; a server that stays away gets none of it."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                self._buffer.end_gap()
                for _ in count():
                    if await self._send():
                        break
                    await asyncio.sleep(SEND_SECONDS)
                if self._buffer.end():
                    await self._send()
        except TimeoutError:
            logger.warning("The log of background task %s is not complete", self._lease.id)

    async def _send(self) -> bool:
        """Send all that waits; False where the server is away."""
        while not self._is_refused:
            self._pending = self._pending or self._buffer.take()
            if self._pending is None:
                return True
            try:
                await self._append(self._pending)
            except RetryableApiError as error:
                logger.debug("The log of %s is sent again: %s", self._lease.id, error)
                return False
            except ApiError as error:
                self._is_refused = True
                logger.warning(
                    "The log of background task %s is refused: %s", self._lease.id, error
                )
            self._pending = None
        return True

    async def _append(self, batch: LogBatch) -> None:
        try:
            dropped = await background_tasks.append_logs(
                self._transport,
                workspace_id=self._workspace_id,
                lease=self._lease,
                offset=batch.offset,
                batch=batch.columns,
            )
        except TooLargeError:
            halves = batch.halves()
            if len(halves) < 2:
                raise
            for half in halves:
                await self._append(half)
            return
        if dropped:
            self._buffer.note_quota(dropped)

    def _begin_gap(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.call_later, GAP_SECONDS, self._buffer.end_gap)
