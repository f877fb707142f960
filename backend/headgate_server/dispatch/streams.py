"""One agent session's stream: what it opens with, and what it carries until it closes."""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.bus.bus import Bus
from headgate_server.database.work import Database
from headgate_server.dispatch.messages import (
    CloseReason,
    Directive,
    DirectiveKind,
    Message,
    StreamClosing,
    StreamHeartbeat,
    StreamOpened,
)
from headgate_server.dispatch.pools import Seat
from headgate_server.domain.agents import AgentSession, AgentState
from headgate_server.domain.errors import HeadgateError, SessionFenced
from headgate_server.domain.leases import CancelRequest, LeaseOutcome, LeaseRef, Offer
from headgate_server.domain.tenancy import Principal
from headgate_server.services import agents
from headgate_server.services.leases import hold
from headgate_server.services.leases import offer as offers
from headgate_server.settings import Timers

logger = logging.getLogger(__name__)

MAX_QUEUED = 1000
HEARTBEAT_SECONDS = 20.0
AGE_JITTER = 0.2
QUIET_SWEEPS = 3
"""A stream sweeps less often than a pool: what it looks for comes with each heartbeat as well."""
SUPERSEDED_DEADLINE = timedelta(seconds=5)
_DIRECTIVES = {AgentState.DRAINING: DirectiveKind.DRAIN, AgentState.PAUSED: DirectiveKind.PAUSE}


@dataclass(frozen=True, slots=True)
class Opening:
    """What a stream starts with, read in one transaction."""

    session: AgentSession
    first: StreamOpened
    offers: tuple[Offer, ...]
    cancels: tuple[CancelRequest, ...]
    server_time: datetime


class Stream:
    """A bounded queue of messages to one session; the newest stream of a session wins."""

    def __init__(
        self, *, database: Database, bus: Bus, timers: Timers, principal: Principal
    ) -> None:
        self._database = database
        self._bus = bus
        self._timers = timers
        self._principal = principal
        self._queue: asyncio.Queue[Message] = asyncio.Queue(MAX_QUEUED)
        self._sent_cancels: set[tuple[UUID, int]] = set()
        self._state = AgentState.ONLINE
        age = timers.stream_max_age_seconds
        self._max_age = age * (1 + random.uniform(-AGE_JITTER, AGE_JITTER))  # noqa: S311  spread
        self._opened_at = datetime.max.replace(tzinfo=UTC)

    async def open(
        self, *, session_id: UUID, held: Sequence[LeaseRef], replica_id: UUID
    ) -> Opening:
        """Bind the session to this stream and judge what it holds.

        Raises:
            SessionFenced: the session has ended; register again.
        """
        timers = self._timers
        async with self._database.tenant(self._principal, self._principal.workspace_id) as work:
            epoch = await agents.open_stream(work, session_id=session_id, replica_id=replica_id)
            session = await agents.find_session(work, session_id)
            if epoch is None or session is None:
                raise SessionFenced
            verdicts = await hold.renew_leases(work, held=held, lease=timers.lease)
            live = await offers.list_offers(work, session_id)
            cancels = await offers.list_cancels(work, session_id)
            work.wake(channels.agent(session_id))
            server_time = work.now
        kept = {LeaseOutcome.RENEWED, LeaseOutcome.CANCEL_REQUESTED}
        first = StreamOpened(
            stream_epoch=epoch,
            server_time=server_time,
            offer_ttl=timers.offer_ttl,
            lease_ttl=timers.lease,
            heartbeat_interval=timers.heartbeat,
            max_stream_age=timedelta(seconds=timers.stream_max_age_seconds),
            held=tuple(verdict for verdict in verdicts if verdict.outcome in kept),
            unknown=tuple(verdict.run_id for verdict in verdicts if verdict.outcome not in kept),
        )
        self._state, self._opened_at = session.state, server_time
        return Opening(session, first, tuple(live), tuple(cancels), server_time)

    def deliver(self, message: Message) -> None:
        """Queue a message; on overflow it is dropped, and its row found again by a sweep."""
        with suppress(asyncio.QueueFull):
            self._queue.put_nowait(message)

    def seat(self, session: AgentSession) -> Seat:
        """Return the seat through which the pool's dispatcher reaches this stream."""
        return Seat(session_id=session.id, queue_ids=session.queue_ids, deliver=self.deliver)

    async def messages(self, opening: Opening) -> AsyncGenerator[Message]:
        """Yield the opening, then offers and control messages until the stream closes."""
        for message in (opening.first, *opening.offers, *self._fresh(opening.cancels)):
            self.deliver(message)
        watcher = asyncio.create_task(self._watch(opening), name=f"stream-{opening.session.id}")
        watcher.add_done_callback(self._watcher_ended)
        closes_at = asyncio.get_running_loop().time() + self._max_age
        try:
            while True:
                message = await self._next(closes_at, opening.server_time)
                yield message
                if isinstance(message, StreamClosing):
                    return
        finally:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)

    async def _next(self, closes_at: float, opened_at: datetime) -> Message:
        loop = asyncio.get_running_loop()
        left = closes_at - loop.time()
        try:
            async with asyncio.timeout(max(min(HEARTBEAT_SECONDS, left), 0)):
                return await self._queue.get()
        except TimeoutError:
            age = timedelta(seconds=self._max_age - (closes_at - loop.time()))
            now = opened_at + age
            if loop.time() < closes_at:
                return StreamHeartbeat(server_time=now)
            return self.closing(CloseReason.MAX_AGE, now=now)

    def closing(self, reason: CloseReason, *, now: datetime) -> StreamClosing:
        """Return the last message of this stream, with a spread delay before the next one."""
        delay = random.randint(0, 1000)  # noqa: S311  spreads reconnects
        return StreamClosing(
            reason=reason, reconnect_after_ms=delay, deadline=now + SUPERSEDED_DEADLINE
        )

    async def _watch(self, opening: Opening) -> None:
        """Look for cancels, orders and a newer stream whenever the session is woken."""
        timers, bus = self._timers, self._bus
        async with bus.listen(channels.agent(opening.session.id)) as listener:
            while await self._look(opening):
                await listener.wait(
                    timers.sweep_seconds * QUIET_SWEEPS
                    if bus.is_connected
                    else timers.sweep_without_redis_seconds
                )

    def _watcher_ended(self, watcher: asyncio.Task[None]) -> None:
        """Close a stream that no longer sees its cancels: the agent opens another one."""
        error = None if watcher.cancelled() else watcher.exception()
        if error is not None:
            logger.error("A stream's watcher failed; closing the stream", exc_info=error)
            self.deliver(self.closing(CloseReason.REBALANCE, now=self._opened_at))

    async def _look(self, opening: Opening) -> bool:
        """Deliver what waits for the session; False where this stream is not its newest."""
        session_id, workspace_id = opening.session.id, opening.session.workspace_id
        try:
            async with self._database.system(workspace_id=workspace_id) as work:
                session = await agents.find_session(work, session_id)
                cancels = await offers.list_cancels(work, session_id)
                now = work.now
        except HeadgateError as error:
            logger.warning("Stream %s cannot see its messages for now: %s", session_id, error)
            return True
        if session is None or session.stream_epoch != opening.first.stream_epoch:
            self.deliver(self.closing(CloseReason.SUPERSEDED, now=now))
            return False
        for cancel in self._fresh(cancels):
            self.deliver(cancel)
        self._direct(session.state)
        return True

    def _fresh(self, cancels: Sequence[CancelRequest]) -> list[CancelRequest]:
        fresh = [
            cancel for cancel in cancels if (cancel.run_id, cancel.epoch) not in self._sent_cancels
        ]
        self._sent_cancels.update((cancel.run_id, cancel.epoch) for cancel in fresh)
        return fresh

    def _direct(self, state: AgentState) -> None:
        if state is self._state:
            return
        self._state = state
        self.deliver(Directive(kind=_DIRECTIVES.get(state, DirectiveKind.RESUME)))
