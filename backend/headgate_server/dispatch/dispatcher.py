"""The dispatcher of one replica: its streams, and one task for each pool they belong to."""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from uuid import UUID, uuid4

from headgate_server.bus.bus import Bus
from headgate_server.database.work import Database
from headgate_server.dispatch.changes import Changes
from headgate_server.dispatch.looks import Looks
from headgate_server.dispatch.messages import CloseReason, Message, StreamClosing
from headgate_server.dispatch.pools import PoolDispatcher
from headgate_server.dispatch.renewals import Renewals
from headgate_server.dispatch.slots import SlotWaits
from headgate_server.dispatch.streams import Opening, Stream
from headgate_server.domain.agents import AgentSession
from headgate_server.domain.clock import SystemClock
from headgate_server.domain.errors import HeadgateError, Unavailable
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.tenancy import Principal
from headgate_server.services.leases import offer as offers
from headgate_server.settings import Timers
from headgate_server.telemetry.traces import NoTracer, Tracer

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 25.0
LINGER_SECONDS = 5.0
AGAIN_MS = (50, 250)
"""So soon a stream is opened again that reached a replica which goes away."""
TAKE_BACK_SECONDS = 5.0
STAGGER_MS = 10
"""So far apart the agents of a replica that goes away come to the others: a hundred a second."""


class Dispatcher:
    """Connects work streams with the pools they serve, whatever carries the stream."""

    def __init__(
        self, *, database: Database, bus: Bus, timers: Timers, tracer: Tracer | None = None
    ) -> None:
        self.renewals = Renewals(database=database, timers=timers)
        self.changes = Changes(database=database)
        self.slots = SlotWaits(database=database, bus=bus, timers=timers)
        self._looks = Looks(database=database)
        self._database = database
        self._bus = bus
        self._timers = timers
        self._tracer = tracer or NoTracer()
        self._replica_id = uuid4()
        self._pools: dict[UUID, PoolDispatcher] = {}
        self._streams: dict[Stream, UUID] = {}
        self._retiring: set[asyncio.Task[None]] = set()
        self._lock = asyncio.Lock()
        self._is_draining = False
        self._left = asyncio.Event()

    async def stream(
        self, principal: Principal, *, session_id: UUID, held: Sequence[LeaseRef]
    ) -> AsyncGenerator[Message]:
        """Open a session's work stream and yield its messages until it closes.

        Raises:
            SessionFenced: the session has ended; register again.
        """
        if self._is_draining:
            yield _going_away()
            return
        async with (
            self._opened(principal, session_id=session_id, held=held) as (stream, opening),
            aclosing(stream.messages(opening)) as messages,
        ):
            async for message in messages:
                yield message

    async def poll(
        self,
        principal: Principal,
        *,
        session_id: UUID,
        held: Sequence[LeaseRef],
        wait_seconds: float,
        most: int,
    ) -> list[Message]:
        """Open a session's work stream for one answer: its opening, and what comes first.

        Nothing is lost between two polls: what was not fetched opens the next one.

        Raises:
            SessionFenced: the session has ended; register again.
        """
        if self._is_draining:
            return [_going_away()]
        async with self._opened(principal, session_id=session_id, held=held) as (stream, opening):
            return await stream.gather(opening, wait_seconds=wait_seconds, most=most)

    async def drain(self, *, patience_seconds: float = DRAIN_SECONDS) -> None:
        """Stop offering, take back what nobody claimed, and let every agent go elsewhere.

        Returns once the last stream has left, or after the patience; no stream opens meanwhile.
        """
        self._is_draining = True
        self.slots.close()
        await self.stop()
        # Before the agents go: what they still held would be offered them again, and be stale.
        await self._take_back()
        within = timedelta(seconds=patience_seconds)
        for place, stream in enumerate(self._streams):
            after_ms = min(place * STAGGER_MS, int(patience_seconds * 500))
            stream.close(CloseReason.DEPLOY, after_ms=after_ms, within=within)
        try:
            async with asyncio.timeout(patience_seconds):
                while self._streams:
                    self._left.clear()
                    await self._left.wait()
        except TimeoutError:
            logger.warning("%d streams stay to the end", len(self._streams))

    async def stop(self) -> None:
        """Stop offering; open streams end as their sockets close."""
        async with self._lock:
            pools, self._pools = self._pools, {}
            for pool in pools.values():
                await pool.stop()
        for task in self._retiring:
            task.cancel()

    async def _take_back(self) -> None:
        if not self._streams:
            return
        try:
            async with asyncio.timeout(TAKE_BACK_SECONDS), self._database.system() as work:
                await offers.return_offers(work, session_ids=list(self._streams.values()))
        except (HeadgateError, TimeoutError) as error:
            logger.warning("Offers stay out until they expire: %s", error)

    @asynccontextmanager
    async def _opened(
        self, principal: Principal, *, session_id: UUID, held: Sequence[LeaseRef]
    ) -> AsyncGenerator[tuple[Stream, Opening]]:
        stream = Stream(
            database=self._database,
            looks=self._looks,
            bus=self._bus,
            timers=self._timers,
            principal=principal,
        )
        opening = await stream.open(session_id=session_id, held=held, replica_id=self._replica_id)
        async with self._seated(stream, opening.session):
            yield stream, opening

    @asynccontextmanager
    async def _seated(self, stream: Stream, session: AgentSession) -> AsyncGenerator[None]:
        seat = stream.seat(session)
        async with self._lock:
            if self._is_draining:
                # It began while this stream opened: the agent hears nothing and comes again.
                raise Unavailable
            pool = self._pools.get(session.work_pool_id)
            if pool is None:
                pool = PoolDispatcher(
                    database=self._database,
                    bus=self._bus,
                    timers=self._timers,
                    workspace_id=session.workspace_id,
                    work_pool_id=session.work_pool_id,
                    tracer=self._tracer,
                )
                self._pools[session.work_pool_id] = pool
            await pool.add(seat)
            self._streams[stream] = session.id
        try:
            yield
        finally:
            self._streams.pop(stream, None)
            self._left.set()
            pool.remove(seat)
            if pool.is_empty:
                task = asyncio.create_task(self._retire(session.work_pool_id, pool))
                self._retiring.add(task)
                task.add_done_callback(self._retiring.discard)

    async def _retire(self, work_pool_id: UUID, pool: PoolDispatcher) -> None:
        """Stop a pool's task where nobody comes back for it: between two polls nobody is there."""
        await asyncio.sleep(LINGER_SECONDS)
        async with self._lock:
            if pool.is_empty and self._pools.get(work_pool_id) is pool:
                del self._pools[work_pool_id]
                await pool.stop()


def _going_away() -> StreamClosing:
    """Return all that a stream says that opens on a replica which is being stopped."""
    return StreamClosing(
        reason=CloseReason.DEPLOY,
        reconnect_after_ms=random.randint(*AGAIN_MS),  # noqa: S311  spread
        deadline=SystemClock().now(),
    )
