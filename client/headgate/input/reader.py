"""Reads the mailbox of a flow run, in order and each input once."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Self

from pydantic import ValidationError

from headgate.api import run_inputs
from headgate.api.background import awaited, background_loop
from headgate.api.run_inputs import RunInputAnswer
from headgate.api.transport import Transport, retry_delay_seconds
from headgate.errors import RetryableApiError
from headgate.input.problems import problems_of
from headgate.logs import get_logger

logger = get_logger("input")

LOOK_SECONDS = 0.5
"""So often a thread that waits lets itself be stopped."""


class InputReader:
    """Reads a run's mailbox from a place on; what it has handed out it does not hand out again."""

    def __init__(
        self,
        transport: Transport,
        *,
        flow_run_id: str,
        keyset: str,
        timeout_seconds: float | None,
        is_timeout_raised: bool,
        left_out: frozenset[str],
        read: Callable[[RunInputAnswer], Any],
    ) -> None:
        self._transport = transport
        self._flow_run_id = flow_run_id
        self._keyset = keyset
        self._timeout_seconds = timeout_seconds
        self._is_timeout_raised = is_timeout_raised
        self._left_out = left_out
        self._read = read
        self._waiting: deque[RunInputAnswer] = deque()
        self._position = 0

    def next(self) -> Any:
        """Return the next input; where an event loop runs, something to be awaited.

        Raises:
            TimeoutError: none came in time.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._next_here()
        return awaited(self._next())

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        try:
            return self._next_here()
        except TimeoutError:
            if self._is_timeout_raised:
                raise
            raise StopIteration from None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        try:
            return await awaited(self._next())
        except TimeoutError:
            if self._is_timeout_raised:
                raise
            raise StopAsyncIteration from None

    def _next_here(self) -> Any:
        future = background_loop().submit(self._next())
        try:
            while True:
                try:
                    return future.result(LOOK_SECONDS)
                except TimeoutError:
                    if future.done():
                        return future.result()
        except BaseException:
            future.cancel()
            raise

    async def _next(self) -> Any:
        """Return the next input that fits its type; others are told of, and passed over."""
        async with asyncio.timeout(self._timeout_seconds):
            while True:
                while not self._waiting:
                    await self._fetch()
                sent = self._waiting.popleft()
                try:
                    return self._read(sent)
                except ValidationError as error:
                    said = problems_of(error)
                    logger.error("An input for this run does not fit and is passed over: %s", said)  # noqa: TRY400  said in full

    async def _fetch(self) -> None:
        """Wait for what comes behind the place that was read; a broken stream is opened again."""
        failures = 0
        while True:
            try:
                async for batch in run_inputs.follow(
                    self._transport,
                    flow_run_id=self._flow_run_id,
                    keyset=self._keyset,
                    after=self._position,
                ):
                    self._position = batch[-1].sequence
                    self._waiting.extend(
                        sent for sent in batch if sent.message_id not in self._left_out
                    )
                    return
            except RetryableApiError:
                failures += 1
            await asyncio.sleep(retry_delay_seconds(failures))
