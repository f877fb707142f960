"""Waits for slots of concurrency limits: one look at the line serves everybody who waits here."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.bus.bus import Bus
from headgate_server.database.work import Database
from headgate_server.dispatch.gates import Gates
from headgate_server.domain.concurrency_limits import Acquisition
from headgate_server.domain.errors import HeadgateError, Unavailable
from headgate_server.services import concurrency_limits
from headgate_server.settings import Timers

logger = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=15)
"""How long a place in the line is kept for a caller of whom nothing is heard."""
KEEP_SECONDS = 5.0
LEAST_SECONDS = 0.005
TRIES_IN_A_LINE = 2
"""So many try at once for one limit: one holds its lock, the next is ready."""
TRIES_OF_A_WORKSPACE = 3
TRIES_OF_AN_ORGANIZATION = 4
"""So many of each standing: all of an organization leave others most of the connections."""
TRY_WITHIN = timedelta(seconds=5)
"""So long who does not wait for slots stands behind others who try, too."""
ASK_AGAIN = timedelta(seconds=1)
"""When who did not come to try asks again."""
_UNTRIED = Acquisition(
    is_acquired=False, retry_after=ASK_AGAIN, ahead=None, missing=None, limited_tags=None
)

Attempt = Callable[[timedelta | None], Awaitable[Acquisition]]
"""Tries to take the slots once; is given how long the place in the line is kept, if at all."""


class _Standing(Enum):
    """Of whom somebody who tries is; those of one stand behind none of another."""

    PASSER = auto()
    """Who does not wait for slots."""
    NEWCOMER = auto()
    """Who waits, and tries for the first time."""
    NEXT = auto()
    """Whose turn it is."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for slots of which limits: by their names, or by tags that limits may be on."""

    organization_id: UUID
    workspace_id: UUID
    lease_id: UUID
    names: frozenset[str]
    task_tags: frozenset[str] = frozenset()

    @property
    def limits(self) -> frozenset[str]:
        """What the limits are known by."""
        return self.names | self.task_tags


@dataclass(slots=True)
class _Line:
    """Who waits in one workspace on this replica."""

    workspace_id: UUID
    wake: Callable[[], None]
    places: dict[UUID, list[asyncio.Event]] = field(default_factory=dict[UUID, list[asyncio.Event]])


class SlotWaits:
    """Holds callers until it is their turn, by priority and age over all replicas.

    Postgres knows the line. A wake, from whoever gave slots back, and the instant at which some
    come back by themselves, lead to one query for a workspace; it tells whose turn it is, and only
    they try. A sweep stands behind lost wakes.

    Who tries waits for a limit's lock, with a connection that all tenants share. So few try at once
    for one limit, few of a workspace, and few of an organization; the others wait for them without
    one.
    """

    def __init__(self, *, database: Database, bus: Bus, timers: Timers) -> None:
        self._database = database
        self._bus = bus
        self._timers = timers
        self._lines: dict[UUID, _Line] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closing = False
        self._limits = Gates(width=TRIES_IN_A_LINE)
        self._workspaces = Gates(width=TRIES_OF_A_WORKSPACE)
        self._organizations = Gates(width=TRIES_OF_AN_ORGANIZATION)

    async def acquire(self, attempt: Attempt, *, asked: Asked, wait: timedelta) -> Acquisition:
        """Try, and where there is no room wait for a turn; the last answer where none came.

        Raises:
            Unavailable: too many try for who does not wait to come to it. Who asks by tags is told
                to ask again: where nobody answers, tasks go on without slots.
        """
        clock = asyncio.get_running_loop().time
        is_waiting = bool(wait) and not self._is_closing
        until = clock() + (wait if is_waiting else TRY_WITHIN).total_seconds()
        standing = _Standing.NEWCOMER if is_waiting else _Standing.PASSER
        found = await self._try(attempt, asked=asked, until=until, standing=standing)
        if found is None:
            if not wait and not asked.task_tags:
                raise Unavailable("Too many ask for slots right now; try again in a moment.")
            return _UNTRIED
        if found.is_acquired or not is_waiting:
            return found
        async with self._place(asked.workspace_id, asked.lease_id) as turn:
            while not self._is_closing:
                try:
                    async with asyncio.timeout_at(until):
                        await turn.wait()
                except TimeoutError:
                    return found
                turn.clear()
                tried = await self._try(attempt, asked=asked, until=until, standing=_Standing.NEXT)
                found = tried or found
                if found.is_acquired:
                    return found
        return found

    def close(self) -> None:
        """Answer everybody who waits here: the replica goes, and they ask another one."""
        self._is_closing = True
        for line in self._lines.values():
            for turns in line.places.values():
                for turn in turns:
                    turn.set()

    async def _try(
        self, attempt: Attempt, *, asked: Asked, until: float, standing: _Standing
    ) -> Acquisition | None:
        """Try behind those of the same standing who came before; None where time runs out first.

        The gates of limits are entered in one order: so nobody stands in a circle.
        """
        places = [
            *(
                self._limits.through((asked.workspace_id, one, standing))
                for one in sorted(asked.limits)
            ),
            self._workspaces.through((asked.workspace_id, standing)),
            self._organizations.through((asked.organization_id, standing)),
        ]
        async with AsyncExitStack() as gates:
            try:
                async with asyncio.timeout_at(until):
                    for place in places:
                        await gates.enter_async_context(place)
            except TimeoutError:
                return None
            return await attempt(None if standing is _Standing.PASSER else PATIENCE)

    @asynccontextmanager
    async def _place(self, workspace_id: UUID, lease_id: UUID) -> AsyncGenerator[asyncio.Event]:
        line = self._lines.get(workspace_id)
        if line is None:
            listener = self._bus.listen(channels.slots(workspace_id))
            await listener.__aenter__()
            line = self._lines.get(workspace_id)
            if line is None:
                line = self._lines[workspace_id] = _Line(workspace_id, listener.wake)
                task = asyncio.create_task(
                    self._serve(line, listener.wait, listener.close), name=f"slots-{workspace_id}"
                )
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            else:
                await listener.close()
        turn = asyncio.Event()
        line.places.setdefault(lease_id, []).append(turn)
        # Slots may have come free between the try and now.
        line.wake()
        try:
            yield turn
        finally:
            line.places[lease_id].remove(turn)
            if not line.places[lease_id]:
                del line.places[lease_id]
            if not line.places and self._lines.get(workspace_id) is line:
                del self._lines[workspace_id]
                line.wake()

    async def _serve(
        self,
        line: _Line,
        wait: Callable[[float | None], Awaitable[bool]],
        close: Callable[[], Awaitable[None]],
    ) -> None:
        clock = asyncio.get_running_loop().time
        keep_at, seconds = clock() + KEEP_SECONDS, 0.0
        try:
            while line.places:
                await wait(seconds)
                if not line.places:
                    return
                try:
                    seconds = await self._look(line, is_keeping=clock() >= keep_at)
                    if clock() >= keep_at:
                        keep_at = clock() + KEEP_SECONDS
                except HeadgateError as error:
                    logger.warning("The line for slots stands for now: %s", error)
                    seconds = self._timers.again_seconds
        except Exception:
            logger.exception("Serving the line for slots failed")
        finally:
            if self._lines.get(line.workspace_id) is line:
                del self._lines[line.workspace_id]
            for turns in line.places.values():
                for turn in turns:
                    turn.set()
            await close()

    async def _look(self, line: _Line, *, is_keeping: bool) -> float:
        """Wake those whose turn it is; return in how many seconds to look again."""
        workspace_id, lease_ids = line.workspace_id, set(line.places)
        async with self._database.system(workspace_id=workspace_id) as work:
            if is_keeping:
                await concurrency_limits.keep_waiting(
                    work, workspace_id=workspace_id, lease_ids=lease_ids, patience=PATIENCE
                )
            turn = await concurrency_limits.list_turns(
                work, workspace_id=workspace_id, lease_ids=lease_ids
            )
        for lease_id in turn.lease_ids:
            for event in line.places.get(lease_id, ()):
                event.set()
        sweep = self._timers.sweep(is_woken=self._bus.is_connected)
        ahead = (turn.next_at - work.now).total_seconds() if turn.next_at else sweep
        return max(min(sweep, KEEP_SECONDS, ahead), LEAST_SECONDS)
