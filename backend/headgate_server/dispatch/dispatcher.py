"""The dispatcher of one replica: its streams, and one task for each pool they belong to."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from uuid import UUID, uuid4

from headgate_server.bus.bus import Bus
from headgate_server.database.work import Database
from headgate_server.dispatch.messages import Message
from headgate_server.dispatch.pools import PoolDispatcher
from headgate_server.dispatch.streams import Stream
from headgate_server.domain.agents import AgentSession
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.tenancy import Principal
from headgate_server.settings import Timers


class Dispatcher:
    """Connects work streams with the pools they serve, whatever carries the stream."""

    def __init__(self, *, database: Database, bus: Bus, timers: Timers) -> None:
        self._database = database
        self._bus = bus
        self._timers = timers
        self._replica_id = uuid4()
        self._pools: dict[UUID, PoolDispatcher] = {}
        self._lock = asyncio.Lock()

    async def stream(
        self, principal: Principal, *, session_id: UUID, held: Sequence[LeaseRef]
    ) -> AsyncGenerator[Message]:
        """Open a session's work stream and yield its messages until it closes.

        Raises:
            SessionFenced: the session has ended; register again.
        """
        stream = Stream(
            database=self._database, bus=self._bus, timers=self._timers, principal=principal
        )
        opening = await stream.open(session_id=session_id, held=held, replica_id=self._replica_id)
        async with (
            self._seated(stream, opening.session),
            aclosing(stream.messages(opening)) as messages,
        ):
            async for message in messages:
                yield message

    async def stop(self) -> None:
        """Stop offering; open streams end as their sockets close."""
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            await pool.stop()

    @asynccontextmanager
    async def _seated(self, stream: Stream, session: AgentSession) -> AsyncGenerator[None]:
        seat = stream.seat(session)
        async with self._lock:
            pool = self._pools.get(session.work_pool_id)
            if pool is None:
                pool = PoolDispatcher(
                    database=self._database,
                    bus=self._bus,
                    timers=self._timers,
                    workspace_id=session.workspace_id,
                    work_pool_id=session.work_pool_id,
                )
                self._pools[session.work_pool_id] = pool
            await pool.add(seat)
        try:
            yield
        finally:
            async with self._lock:
                pool.remove(seat)
                if pool.is_empty and self._pools.get(session.work_pool_id) is pool:
                    del self._pools[session.work_pool_id]
                    await pool.stop()
