"""One agent session's stream: what it opens with, and what it carries until it closes."""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.bus.bus import Bus
from headgate_server.database.work import Database
from headgate_server.dispatch.looks import Looks
from headgate_server.dispatch.messages import (
    CloseReason,
    LeaseRevoked,
    Message,
    StreamClosing,
    StreamHeartbeat,
    StreamOpened,
)
from headgate_server.dispatch.pools import Seat
from headgate_server.domain.agents import AgentSession, Directive, DirectiveKind
from headgate_server.domain.errors import HeadgateError, SessionFenced
from headgate_server.domain.leases import CancelRequest, LeaseOutcome, LeaseRef, Offer, PauseRequest
from headgate_server.domain.tenancy import Principal
from headgate_server.services import agents
from headgate_server.services.leases import hold
from headgate_server.services.leases import offer as offers
from headgate_server.services.leases.offer import ForSession, GoneLease
from headgate_server.settings import Timers

logger = logging.getLogger(__name__)

MAX_QUEUED = 1000
HEARTBEAT_SECONDS = 60.0
"""Pings of sockets and comments of event streams, every 20 s, say that the server is there."""
AGE_JITTER = 0.2
QUIET_SWEEPS = 3
"""A stream sweeps less often than a pool: what it looks for comes with each heartbeat as well."""
STOP_SECONDS = 5.0
"""A transaction under way is let end: cancelled in the middle, it costs its connection."""
CLOSE_DEADLINE = timedelta(seconds=10)
"""How long a closing stream waits for the next one to be open."""
TOKEN_SHARE = 0.9
"""At this share of what its token has left, a stream asks for another one with a fresh token."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a stream starts with, read in one transaction."""

    session: AgentSession
    first: StreamOpened
    found: ForSession


class Stream:
    """A bounded queue of messages to one session; the newest stream of a session wins."""

    def __init__(
        self, *, database: Database, looks: Looks, bus: Bus, timers: Timers, principal: Principal
    ) -> None:
        self._database = database
        self._looks = looks
        self._bus = bus
        self._timers = timers
        self._principal = principal
        self._queue: asyncio.Queue[Message] = asyncio.Queue(MAX_QUEUED)
        self._sent_requests: set[tuple[UUID, int, str | None]] = set()
        self._sent_offers: set[tuple[UUID, int]] = set()
        self._held: dict[tuple[UUID, int], LeaseRef] = {}
        self._directives: tuple[Directive, ...] = ()
        self._listener = bus.listen("")
        self._is_over = False
        self._opened_at = datetime.max.replace(tzinfo=UTC)
        self._opened_clock = 0.0

    async def open(
        self, *, session_id: UUID, held: Sequence[LeaseRef], replica_id: UUID
    ) -> Opening:
        """Bind the session to this stream and judge what it holds.

        Raises:
            SessionFenced: the session has ended; register again.
        """
        timers = self._timers
        async with self._database.tenant(self._principal, self._principal.workspace_id) as work:
            verdicts = await hold.renew_leases(work, held=held, lease=timers.lease)
            session = await agents.open_stream(work, session_id=session_id, replica_id=replica_id)
            if session is None:
                raise SessionFenced
            place = (session.workspace_id, session_id)
            found = (await offers.list_for_sessions(work, [place])).get(session_id, ForSession())
            work.wake(channels.agent(session_id))
            server_time = work.now
        kept = {LeaseOutcome.RENEWED, LeaseOutcome.CANCEL_REQUESTED}
        first = StreamOpened(
            stream_epoch=session.stream_epoch,
            server_time=server_time,
            offer_ttl=timers.offer_ttl,
            lease_ttl=timers.lease,
            heartbeat_interval=timers.heartbeat,
            max_stream_age=timedelta(seconds=timers.stream_max_age_seconds),
            held=tuple(verdict for verdict in verdicts if verdict.outcome in kept),
            unknown=tuple(verdict.run_id for verdict in verdicts if verdict.outcome not in kept),
        )
        self._opened_at, self._opened_clock = server_time, asyncio.get_running_loop().time()
        kept_keys = {(verdict.run_id, verdict.epoch) for verdict in first.held}
        self._held = {key: ref for ref in held if (key := (ref.run_id, ref.epoch)) in kept_keys}
        return Opening(session, first, found)

    def deliver(self, message: Message) -> None:
        """Queue a message; on overflow it is dropped, and its row found again by a sweep."""
        with suppress(asyncio.QueueFull):
            self._queue.put_nowait(message)

    def seat(self, session: AgentSession) -> Seat:
        """Return the seat through which the pool's dispatcher reaches this stream."""
        return Seat(session_id=session.id, queue_ids=session.queue_ids, deliver=self._offer)

    def _offer(self, offer: Offer) -> None:
        key = (offer.run_id, offer.epoch)
        self._sent_offers.add(key)
        self._held[key] = LeaseRef(offer.run_id, offer.token, offer.epoch)
        self.deliver(offer)

    async def messages(self, opening: Opening) -> AsyncGenerator[Message]:
        """Yield the opening, then offers and control messages until the stream closes.

        A stream that closes says so and waits for its successor, so that none of the agent's time
        is without one.
        """
        async with self._watching(opening) as watcher:
            closes_at, reason = self._life()
            while True:
                message = await self._next(closes_at, reason)
                yield message
                if isinstance(message, StreamClosing):
                    left = (message.deadline - self._now()).total_seconds()
                    if message.reason is not CloseReason.SUPERSEDED:
                        await asyncio.wait({watcher}, timeout=max(left, 0))
                    return

    async def gather(self, opening: Opening, *, wait_seconds: float, most: int) -> list[Message]:
        """Return the opening, and with it what waits or comes first, within the time."""
        found: list[Message] = [opening.first]
        async with self._watching(opening):
            self._queue.get_nowait()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_seconds if self._queue.empty() else None):
                    found.append(await self._queue.get())
            while len(found) <= most and not self._queue.empty():
                found.append(self._queue.get_nowait())
        return found

    @asynccontextmanager
    async def _watching(self, opening: Opening) -> AsyncGenerator[asyncio.Task[None]]:
        """Queue what the stream opens with, and look for more for as long as the block runs."""
        self.deliver(opening.first)
        self._offer_again(opening.found.offers)
        for request in self._fresh(opening.found.requests):
            self.deliver(request)
        self._direct(opening.session)
        channel = channels.agent(opening.session.id)
        self._listener = self._bus.listen(channel)
        watcher = asyncio.create_task(self._watch(opening), name=f"stream-{opening.session.id}")
        watcher.add_done_callback(self._watcher_ended)
        try:
            yield watcher
        finally:
            self._is_over = True
            self._listener.wake()
            await asyncio.wait({watcher}, timeout=STOP_SECONDS)
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)
            if not self._queue.empty():
                # The session's next stream looks at once for what this one did not bring.
                await self._bus.publish({channel})

    def close(self, reason: CloseReason, *, after_ms: int, within: timedelta) -> None:
        """Say that the stream closes, instead of all it had to say: that comes with the next."""
        while not self._queue.empty():
            self._queue.get_nowait()
        deadline = self._now() + within
        self.deliver(StreamClosing(reason=reason, reconnect_after_ms=after_ms, deadline=deadline))

    def _life(self) -> tuple[float, CloseReason]:
        """Return when the stream closes by itself: at its greatest age, or before its token ends.

        Both are spread: agents that came together do not all come again together.
        """
        age = self._timers.stream_max_age_seconds
        age *= 1 + random.uniform(-AGE_JITTER, AGE_JITTER)  # noqa: S311  spread
        expires_at = self._principal.expires_at
        left = (expires_at - self._opened_at).total_seconds() if expires_at else float("inf")
        left *= TOKEN_SHARE * (1 - random.uniform(0, AGE_JITTER))  # noqa: S311  spread
        reason = CloseReason.MAX_AGE if age <= left else CloseReason.TOKEN_EXPIRING
        return self._opened_clock + min(age, left), reason

    def _now(self) -> datetime:
        """Return the database's time, as it was when the stream opened and as it has gone on."""
        passed = asyncio.get_running_loop().time() - self._opened_clock
        return self._opened_at + timedelta(seconds=passed)

    async def _next(self, closes_at: float, reason: CloseReason) -> Message:
        loop = asyncio.get_running_loop()
        left = closes_at - loop.time()
        try:
            async with asyncio.timeout(max(min(HEARTBEAT_SECONDS, left), 0)):
                return await self._queue.get()
        except TimeoutError:
            if loop.time() < closes_at:
                return StreamHeartbeat(server_time=self._now())
            return self._closing(reason)

    def _closing(self, reason: CloseReason) -> StreamClosing:
        """Return the last message of a stream that closes alone: the next one may come at once."""
        return StreamClosing(
            reason=reason, reconnect_after_ms=0, deadline=self._now() + CLOSE_DEADLINE
        )

    async def _watch(self, opening: Opening) -> None:
        """Look for cancels, pauses, orders and a newer stream whenever the session is woken."""
        is_woken = True
        async with self._listener:
            while not self._is_over:
                try:
                    if not await self._look(opening, is_woken=is_woken):
                        return
                except HeadgateError as error:
                    session_id = opening.session.id
                    logger.warning("Stream %s sees no messages for now: %s", session_id, error)
                    await asyncio.sleep(self._timers.again_seconds)
                    continue
                is_woken = await self._listener.wait(self._quiet_seconds())

    def _quiet_seconds(self) -> float:
        timers = self._timers
        if self._bus.is_connected:
            return timers.sweep_seconds * QUIET_SWEEPS
        return timers.sweep_without_redis_seconds

    def _watcher_ended(self, watcher: asyncio.Task[None]) -> None:
        """Close a stream that no longer sees its cancels: the agent opens another one."""
        error = None if watcher.cancelled() else watcher.exception()
        if error is not None:
            logger.error("A stream's watcher failed; closing the stream", exc_info=error)
            self.deliver(self._closing(CloseReason.REBALANCE))

    async def _look(self, opening: Opening, *, is_woken: bool) -> bool:
        """Deliver what waits for the session; False where this stream is not its newest."""
        session_id, workspace_id = opening.session.id, opening.session.workspace_id
        held = list(self._held.values())
        seen = await self._looks.look(workspace_id, session_id, is_woken=is_woken, held=held)
        session = seen.session
        if session is None or session.stream_epoch != opening.first.stream_epoch:
            self.deliver(self._closing(CloseReason.SUPERSEDED))
            return False
        self._revoke(seen.gone)
        self._offer_again(seen.waiting.offers)
        for request in self._fresh(seen.waiting.requests):
            self.deliver(request)
        self._direct(session)
        return True

    def _offer_again(self, live: Sequence[Offer]) -> None:
        """Deliver live offers that this stream has not carried: another one may have lost them."""
        before, self._sent_offers = self._sent_offers, set()
        for offer in live:
            key = (offer.run_id, offer.epoch)
            if key not in before:
                self._offer(offer)
            self._sent_offers.add(key)

    def _revoke(self, gone: Sequence[GoneLease]) -> None:
        """Say which offers and leases others ended: what the holder ended itself it knows."""
        for lease in gone:
            known = self._held.pop((lease.run_id, lease.epoch), None)
            if known is not None and not lease.is_own_end:
                is_there = lease.state_name is not None
                reason = f"The run is {lease.state_name}." if is_there else "The run is gone."
                self.deliver(LeaseRevoked(lease.run_id, lease.epoch, reason))

    def _fresh(
        self, requests: Sequence[CancelRequest | PauseRequest]
    ) -> list[CancelRequest | PauseRequest]:
        fresh = [request for request in requests if _name(request) not in self._sent_requests]
        self._sent_requests.update(map(_name, fresh))
        return fresh

    def _direct(self, session: AgentSession) -> None:
        """Pass on orders that are new, and say so when the last one is over."""
        before, self._directives = self._directives, session.directives
        for directive in self._directives:
            if directive not in before:
                self.deliver(directive)
        is_stopped = {DirectiveKind.PAUSE, DirectiveKind.DRAIN}
        was = is_stopped & {directive.kind for directive in before}
        if was and not is_stopped & {directive.kind for directive in self._directives}:
            self.deliver(Directive(DirectiveKind.RESUME))


def _name(request: CancelRequest | PauseRequest) -> tuple[UUID, int, str | None]:
    """Return what tells a request from others: a run may be paused again and again.

    A cancel with another grace is one that was asked for anew, with a sooner end.
    """
    key = request.key if isinstance(request, PauseRequest) else str(request.grace_seconds)
    return request.run_id, request.epoch, key
