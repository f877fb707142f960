"""The agent's work stream: always one open, over the best carrier that gets through.

A WebSocket, an event stream and a long poll carry the same messages. Where one does not open, the
next takes over at once; the better one is tried again later. A stream that closes is left only
when its successor is open.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from enum import StrEnum

from headgate.api import agents
from headgate.api.calls import LeaseInput
from headgate.api.transport import Transport, retry_delay_seconds
from headgate.api.work_stream import StreamClosing, StreamOpened, WorkMessage
from headgate.errors import (
    ApiError,
    RetryableApiError,
    SessionFencedError,
    SettingsError,
    UnauthenticatedError,
)

logger = logging.getLogger("headgate.agent")

HEDGE_SECONDS = 0.4
"""So long a carrier has to open before the next one is tried beside it."""
OPEN_SECONDS = 10.0
POLL_SECONDS = 25
LEAST_POLL_SECONDS = 0.1
"""A poll that is answered at once, with what is known already, is not followed at once."""
SOUND_SECONDS = 10.0
"""A stream that lasted so long was sound: the next one is opened without waiting."""
LONGEST_CLIMB_SECONDS = 600.0
LEAVE_SECONDS = 2.0
SUCCESSION_SECONDS = 2.0
"""So long a stream that closes is kept while its successor does not open."""
AGAIN_SECONDS = 0.1


class Carrier(StrEnum):
    """What carries a stream, the best first."""

    WEBSOCKET = "websocket"
    SSE = "sse"
    POLL = "poll"


def carriers(named: str) -> tuple[Carrier, ...]:
    """Return the carriers that a setting allows: ``auto`` or one of their names.

    Raises:
        SettingsError: neither.
    """
    if named == "auto":
        return tuple(Carrier)
    try:
        return (Carrier(named),)
    except ValueError:
        message = f"HEADGATE_AGENT_TRANSPORT is auto, websocket, sse or poll, not {named!r}"
        raise SettingsError(message) from None


class Line:
    """One stream: what carries it, whether it is open, and why it is to be left."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        self.opened_at: float | None = None
        self.closing: StreamClosing | None = None
        self.error: ApiError | None = None
        self.changed = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.task is None or self.task.done()

    @property
    def is_open(self) -> bool:
        """Whether its first message has come, and it goes on."""
        return self.opened_at is not None and not self.is_over

    @property
    def wish_seconds(self) -> float | None:
        """When the server wants to be asked again that had no place for it, if it said so."""
        return self.error.retry_after_seconds if isinstance(self.error, RetryableApiError) else None

    @property
    def is_sound(self) -> bool:
        """Whether it lasted, so that its end says nothing about its carrier."""
        return self.opened_at is not None and time.monotonic() - self.opened_at > SOUND_SECONDS


class WorkStream:
    """Keeps one line open and hands on what it brings; a message may come twice.

    Args:
        transport: with the session's token, also when that is renewed.
        session_id: the session as it is now.
        held: the leases to show when a line opens.
        take: called with every message but closings.
        rejoin: registers again where the session is over.
        allowed: the carriers to use, the best first.
        climb_seconds: how long to stay below the best one; doubles with each vain attempt.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        session_id: Callable[[], str],
        held: Callable[[], Sequence[LeaseInput]],
        take: Callable[[WorkMessage], None],
        rejoin: Callable[[], Awaitable[None]],
        allowed: Sequence[Carrier] = tuple(Carrier),
        climb_seconds: float = 30.0,
    ) -> None:
        self._transport = transport
        self._session_id = session_id
        self._held = held
        self._take = take
        self._rejoin = rejoin
        self._allowed = tuple(allowed)
        self._climb_seconds = climb_seconds
        self._line: Line | None = None
        self._renew = asyncio.Event()
        self._wish_seconds: float | None = None
        self._left: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Keep a line open until cancelled.

        Raises:
            ApiError: the session is over and no other could be had.
        """
        attempt = 0
        try:
            while True:
                line = await self._open(self._allowed)
                if line is not None and await self._stay(line):
                    attempt = 0
                    if self._wish_seconds is None:
                        continue
                wish = self._wish_seconds
                await asyncio.sleep(retry_delay_seconds(attempt, wish_seconds=wish))
                attempt += 1
        finally:
            if self._line is not None:
                self._leave(self._line)
            for task in list(self._left):
                task.cancel()
            if self._left:
                await asyncio.wait(self._left, timeout=LEAVE_SECONDS)

    def renew(self) -> None:
        """Open another line and leave this one: what it should have brought did not come."""
        self._renew.set()
        if self._line is not None:
            self._line.changed.set()

    async def _stay(self, line: Line) -> bool:
        """Use a line and its successors; False where the last one broke before it had lasted."""
        climb = self._climb_seconds
        while True:
            self._enter(line)
            above = self._allowed[: self._allowed.index(line.carrier)]
            wait = climb * random.uniform(0.8, 1.2) if above else None  # noqa: S311  spread
            if await self._undisturbed(line, seconds=wait):
                climb = min(climb * 2, LONGEST_CLIMB_SECONDS)
                successor = await self._open(above)
                if successor is None:
                    self._wish_seconds = None
                    continue
            elif line.is_over and line.closing is None:
                logger.warning("The work stream broke: %s", line.error or "it ended")
                return line.is_sound
            else:
                successor = await self._succeed(line)
                if successor is None:
                    self._leave(line)
                    return line.is_sound
            self._retire(line)
            line = successor

    def _retire(self, line: Line) -> None:
        """Read a line to its end, which comes as the server sees its successor, but not for long.

        What it still brings came before the successor opened.
        """
        asyncio.get_running_loop().call_later(LEAVE_SECONDS, self._leave, line)
        if line.task is not None:
            self._left.add(line.task)
            line.task.add_done_callback(self._left.discard)

    def _leave(self, line: Line) -> None:
        """Let a line end by itself: one that hangs must not keep its successor waiting."""
        if line.task is not None and not line.task.done():
            line.task.cancel()
            self._left.add(line.task)
            line.task.add_done_callback(self._left.discard)

    def _enter(self, line: Line) -> None:
        if line is not self._line:
            logger.info("Waiting for runs over %s", line.carrier)
        self._line = line
        self._renew.clear()

    async def _undisturbed(self, line: Line, *, seconds: float | None) -> bool:
        """Wait until a line is to be left (False), or for so long that a better one may be had."""
        try:
            async with asyncio.timeout(seconds):
                while not (line.is_over or line.closing or self._renew.is_set()):
                    await line.changed.wait()
                    line.changed.clear()
        except TimeoutError:
            return True
        return False

    async def _succeed(self, line: Line) -> Line | None:
        """Open the line after one that closes, when the server wishes; it stays open meanwhile."""
        if line.closing is not None and not line.is_over:
            logger.info("The work stream moves: %s", line.closing.close_reason)
            await asyncio.sleep(line.closing.reconnect_after_ms / 1000)
        deadline = time.monotonic() + SUCCESSION_SECONDS
        while True:
            successor = await self._open(self._allowed)
            is_sent_away = self._wish_seconds is not None
            if successor or is_sent_away or line.is_over or time.monotonic() > deadline:
                return successor
            await asyncio.sleep(AGAIN_SECONDS)

    async def _open(self, wanted: Sequence[Carrier]) -> Line | None:
        """Return the first line that opens, the better carriers first; None where none does.

        A server that says when to come again has no place for any carrier until then.
        """
        tried: list[Line] = []
        opened: Line | None = None
        self._wish_seconds = None
        try:
            for carrier in wanted:
                tried.append(self._start(carrier))
                is_last = carrier is wanted[-1]
                opened = await _first_open(
                    tried, seconds=OPEN_SECONDS if is_last else HEDGE_SECONDS
                )
                if opened is not None:
                    return opened
                if tried[-1].closing is not None:
                    # The carrier brought word of a server that goes away: another one answers.
                    return None
                self._wish_seconds = tried[-1].wish_seconds
                if self._wish_seconds is not None:
                    break
            await self._explain(tried)
            return None
        finally:
            for line in tried:
                if line is not opened:
                    self._leave(line)

    async def _explain(self, tried: Sequence[Line]) -> None:
        """Say why no line opened; where the session is over, get another one."""
        errors = [line.error for line in tried if line.error is not None]
        if any(isinstance(error, SessionFencedError | UnauthenticatedError) for error in errors):
            logger.warning("The session is over; registering again")
            await self._rejoin()
        else:
            reasons = "; ".join(str(error) for error in errors)
            logger.warning("No work stream opens: %s", reasons or "no answer")

    def _start(self, carrier: Carrier) -> Line:
        line = Line(carrier)
        line.task = asyncio.create_task(self._carry(line), name=f"work-stream-{carrier}")
        line.task.add_done_callback(lambda _: line.changed.set())
        return line

    async def _carry(self, line: Line) -> None:
        try:
            async with aclosing(self._messages(line.carrier)) as messages:
                async for message in messages:
                    self._receive(line, message)
        except ApiError as error:
            line.error = error
        except Exception:
            logger.exception("A work stream over %s failed", line.carrier)

    def _receive(self, line: Line, message: WorkMessage) -> None:
        if isinstance(message, StreamOpened) and line.opened_at is None:
            line.opened_at = time.monotonic()
            line.changed.set()
        if isinstance(message, StreamClosing):
            line.closing = message
            line.changed.set()
        else:
            self._take(message)

    def _messages(self, carrier: Carrier) -> AsyncGenerator[WorkMessage]:
        if carrier is Carrier.POLL:
            return self._polled()
        return agents.work_stream(
            self._transport,
            session_id=self._session_id(),
            held=self._held(),
            over="websocket" if carrier is Carrier.WEBSOCKET else "sse",
        )

    async def _polled(self) -> AsyncGenerator[WorkMessage]:
        """Poll again and again; the first one is answered at once, and so opens the line."""
        wait_seconds = 0
        while True:
            asked_at = time.monotonic()
            messages = await agents.poll(
                self._transport,
                session_id=self._session_id(),
                held=self._held(),
                wait_seconds=wait_seconds,
            )
            for message in messages:
                yield message
            if any(isinstance(message, StreamClosing) for message in messages):
                return
            wait_seconds = POLL_SECONDS
            await asyncio.sleep(max(LEAST_POLL_SECONDS - (time.monotonic() - asked_at), 0))


async def _first_open(tried: Sequence[Line], *, seconds: float) -> Line | None:
    """Return the first line that is open; None after the time, or where the newest has failed."""
    newest = tried[-1]
    try:
        async with asyncio.timeout(seconds):
            while True:
                opened = next((line for line in tried if line.is_open), None)
                if opened is not None or newest.is_over:
                    return opened
                waits = [asyncio.ensure_future(line.changed.wait()) for line in tried]
                try:
                    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for wait in waits:
                        wait.cancel()
                for line in tried:
                    line.changed.clear()
    except TimeoutError:
        return None
