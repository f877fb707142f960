"""Offers the ready runs of one pool to the sessions whose streams this replica holds."""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.bus.bus import Bus
from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.due_looks import DueLooks
from headgate_server.domain.errors import HeadgateError
from headgate_server.domain.leases import Offer
from headgate_server.services.leases import offer as offers
from headgate_server.settings import Timers
from headgate_server.telemetry.traces import NoTracer, Span, Tracer

logger = logging.getLogger(__name__)

OFFERS_AT_ONCE = 100
MINIMUM_WAIT_SECONDS = 0.001
JITTER = 0.2
STOP_SECONDS = 5.0
OFFERING = "offer runs"


@dataclass(frozen=True, slots=True)
class Seat:
    """A session with a stream on this replica, and where its offers go."""

    session_id: UUID
    queue_ids: tuple[UUID, ...] | None
    deliver: Callable[[Offer], None]


class PoolDispatcher:
    """One task a pool, single-flight: however many wakes, one transaction at a time.

    Woken by the bus, by a new stream, by the next due time, and by a sweep behind them all.
    """

    def __init__(
        self,
        *,
        database: Database,
        bus: Bus,
        timers: Timers,
        workspace_id: UUID,
        work_pool_id: UUID,
        tracer: Tracer | None = None,
    ) -> None:
        self._tracer = tracer or NoTracer()
        self._database = database
        self._bus = bus
        self._timers = timers
        self._workspace_id = workspace_id
        self._work_pool_id = work_pool_id
        self._seats: dict[UUID, Seat] = {}
        self._listener = bus.listen(channels.pool(work_pool_id))
        self._task: asyncio.Task[None] | None = None
        self._next_due: tuple[datetime, datetime] | None = None
        self._looks = DueLooks()
        self._is_stopping = False

    @property
    def is_empty(self) -> bool:
        """Whether no session of the pool has a stream here."""
        return not self._seats

    async def add(self, seat: Seat) -> None:
        """Seat a session; the first one starts the task."""
        self._seats[seat.session_id] = seat
        if self._task is None:
            await self._listener.__aenter__()
            self._task = asyncio.create_task(self._run(), name=f"dispatch-{self._work_pool_id}")
        self._listener.wake()

    def remove(self, seat: Seat) -> None:
        """Unseat a session, unless a newer stream of it has taken the seat."""
        if self._seats.get(seat.session_id) is seat:
            del self._seats[seat.session_id]

    async def stop(self) -> None:
        """End the task between two transactions, and the listening."""
        self._is_stopping = True
        self._listener.wake()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=STOP_SECONDS)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._listener.close()

    async def _run(self) -> None:
        while not self._is_stopping:
            await self._listener.wait(self._wait_seconds())
            try:
                while self._seats and not self._is_stopping and await self._offer_once():
                    pass
            except HeadgateError as error:
                logger.warning("No offers from pool %s for now: %s", self._work_pool_id, error)
                await self._look_again()
            except Exception:
                logger.exception("Offering from pool %s failed", self._work_pool_id)
                await self._look_again()

    async def _look_again(self) -> None:
        """Have the next round come soon: the wake that led to this one is used up."""
        await asyncio.sleep(self._timers.again_seconds)
        self._listener.wake()

    def _wait_seconds(self) -> float:
        sweep = self._timers.sweep(is_woken=self._bus.is_connected)
        sweep *= 1 + random.uniform(-JITTER, JITTER)  # noqa: S311  spreads load, guards nothing
        whole = self._looks.seconds_left()
        sweep = sweep if whole is None else min(sweep, whole)
        if self._next_due is None:
            return sweep
        due_at, seen_at = self._next_due
        ahead = (due_at - seen_at).total_seconds()
        return max(min(sweep, ahead), MINIMUM_WAIT_SECONDS)

    async def _offer_once(self) -> bool:
        """Offer one batch; True where there may be more to offer at once."""
        groups: dict[tuple[UUID, ...] | None, list[UUID]] = {}
        for seat in self._seats.values():
            groups.setdefault(seat.queue_ids, []).append(seat.session_id)
        with self._tracer.span(OFFERING) as span:
            async with self._database.system(workspace_id=self._workspace_id) as work:
                found = await self._offer_to(work, groups)
                if not found:
                    due_at = await offers.next_due_at(work, self._work_pool_id)
                    self._next_due = (due_at, work.now) if due_at is not None else None
            self._describe(span, found)
        for offer in found:
            seat = self._seats.get(offer.session_id)
            if seat is not None:
                seat.deliver(offer)
            else:
                # Its stream went meanwhile: the next one, wherever it is, looks for the offer.
                await self._bus.publish({channels.agent(offer.session_id)})
        return bool(found)

    def _describe(self, span: Span, found: list[Offer]) -> None:
        """A round that offered something is a span."""
        if not found:
            span.discard()
            return
        span.describe(
            OFFERING,
            offers=len(found),
            runs=tuple(ids.show(ids.Kind.FLOW_RUN, offer.run_id) for offer in found),
            workspace=ids.show(ids.Kind.WORKSPACE, self._workspace_id),
            work_pool=ids.show(ids.Kind.WORK_POOL, self._work_pool_id),
        )

    async def _offer_to(
        self, work: UnitOfWork, groups: dict[tuple[UUID, ...] | None, list[UUID]]
    ) -> list[Offer]:
        return await offers.offer_runs(
            work,
            work_pool_id=self._work_pool_id,
            groups=groups,
            most=OFFERS_AT_ONCE,
            offer_ttl=self._timers.offer_ttl,
            looks=self._looks,
        )
