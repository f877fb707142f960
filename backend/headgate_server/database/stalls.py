"""Whether one connection is answered at all, while others are.

Its backend may stand still, or a firewall have forgotten the connection: nobody says so, and the
statement would wait until the driver gives up. So the server is asked, on another connection, what
became of it. Where it has done nothing for that connection since before the statement was sent, the
statement never reached it: the connection is dropped. What it works on is left alone, however long.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, cast

from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

logger = logging.getLogger("headgate.database")

PATIENCE_SECONDS = 2.0
"""So long a statement waits before the server is asked for it."""
LOOK_SECONDS = 0.5
ANSWER_SECONDS = 5.0
"""Where nothing comes back for so long, it is not one connection that hangs."""
_STALLED = """
select asked.pid
from unnest($1::int[], $2::float8[]) as asked(pid, seconds)
left join pg_stat_activity activity on activity.pid = asked.pid
where activity.pid is null or (
  activity.state <> 'active'
  and clock_timestamp() - activity.state_change >= asked.seconds * interval '1 second'
)
"""
"""Backends that are gone, or have had nothing to do for as long as a statement waits."""


class Driven(Protocol):
    """A connection of the driver's."""

    async def execute(self, query: str) -> str:
        """Run statements without arguments."""
        ...

    async def fetch(self, query: str, *args: object) -> list[Any]:
        """Return the rows of a statement."""
        ...

    def get_server_pid(self) -> int:
        """Return which backend serves the connection."""
        ...

    def terminate(self) -> None:
        """Close it on this side, at once."""
        ...


@dataclass(slots=True)
class _Statement:
    """What is waited for, since when, and when to ask for it."""

    connection: Driven
    sent_at: float
    ask_at: float


class Stalls:
    """Watches the statements of one pool that wait for long."""

    def __init__(self, connect: Callable[[], Awaitable[Driven]]) -> None:
        """Know nothing yet; ``connect`` opens a connection beside the pool."""
        self._connect = connect
        self._sent: dict[int, _Statement] = {}
        self._look: asyncio.TimerHandle | None = None
        self._asking: asyncio.Task[None] | None = None

    def attach(self, engine: AsyncEngine) -> None:
        """Watch an engine's connections, each of which has a backend of its own."""

        def sent(connection: Connection, *_: object) -> None:
            driven = cast("Driven | None", connection.connection.driver_connection)
            if driven is not None:
                now = time.monotonic()
                self._sent[id(connection.info)] = _Statement(driven, now, now + PATIENCE_SECONDS)
                if self._look is None:
                    self._look_later()

        def committing(connection: Connection) -> None:
            # Where each statement commits by itself, nothing is sent here.
            if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
                sent(connection)

        def answered(connection: Connection, *_: object) -> None:
            self._sent.pop(id(connection.info), None)

        def checkin(_: object, entry: ConnectionPoolEntry) -> None:
            self._sent.pop(id(entry.info), None)

        event.listen(engine.sync_engine, "before_cursor_execute", sent)
        event.listen(engine.sync_engine, "after_cursor_execute", answered)
        event.listen(engine.sync_engine, "commit", committing)
        event.listen(engine.sync_engine, "checkin", checkin)

    async def stop(self) -> None:
        """Look no more."""
        self._sent.clear()
        if self._look is not None:
            self._look.cancel()
            self._look = None
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking})

    def _look_later(self) -> None:
        self._look = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look_now)

    def _look_now(self) -> None:
        self._look = None
        if not self._sent:
            return
        self._look_later()
        now = time.monotonic()
        long = [one for one in self._sent.values() if now >= one.ask_at]
        if long and (self._asking is None or self._asking.done()):
            self._asking = asyncio.create_task(self._ask(long), name="database stalls")

    async def _ask(self, long: list[_Statement]) -> None:
        """Drop the connections that the server knows nothing of; ask for others later again."""
        now = time.monotonic()
        by_pid = {one.connection.get_server_pid(): one for one in long}
        for one in long:
            one.ask_at = now + 2 * (now - one.sent_at)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                connection = await self._connect()
                try:
                    waited = [now - one.sent_at for one in by_pid.values()]
                    found = await connection.fetch(_STALLED, list(by_pid), waited)
                finally:
                    connection.terminate()
        except Exception as error:  # noqa: BLE001  whatever it is, who waits meets it as well
            logger.debug("The server was not asked what became of a statement: %s", error)
            return
        still_sent = {id(one) for one in self._sent.values()}
        for row in found:
            one = by_pid[row["pid"]]
            if id(one) in still_sent:
                logger.warning(
                    "Backend %d has not seen a statement that was sent %.1f s ago: dropped",
                    row["pid"],
                    now - one.sent_at,
                )
                one.connection.terminate()
