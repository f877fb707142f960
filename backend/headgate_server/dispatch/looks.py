"""What streams look for, gathered: one read for many streams of a replica."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from headgate_server.database.work import Database
from headgate_server.domain.agents import AgentSession
from headgate_server.domain.errors import HeadgateError
from headgate_server.domain.leases import LeaseRef
from headgate_server.services import agents
from headgate_server.services.leases import offer as offers
from headgate_server.services.leases.offer import ForSession, GoneLease

logger = logging.getLogger(__name__)

GATHER_SECONDS = 0.25
"""How long a stream that was not woken waits for others that look as well."""
MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Seen:
    """A session as it is now, None where it has ended, what waits for it, and what it lost."""

    session: AgentSession | None
    waiting: ForSession
    gone: tuple[GoneLease, ...] = ()


@dataclass(frozen=True, slots=True)
class _Asked:
    workspace_id: UUID
    session_id: UUID
    held: tuple[LeaseRef, ...]
    future: "asyncio.Future[Seen]"


class Looks:
    """Reads what waits for sessions; what comes while a read is under way goes into the next.

    A stream that was woken waits for nobody. One that looks by itself, in case a wake was lost,
    has time: it goes with the next that was woken, or with others that look by themselves.
    """

    def __init__(self, *, database: Database) -> None:
        self._database = database
        self._asked: list[_Asked] = []
        self._serving: asyncio.Task[None] | None = None
        self._is_due = asyncio.Event()

    async def look(
        self,
        workspace_id: UUID,
        session_id: UUID,
        *,
        is_woken: bool,
        held: Sequence[LeaseRef] = (),
    ) -> Seen:
        """Return a session, what waits for it, and which of some leases are good no more.

        Raises:
            Unavailable: the database did not answer; try again.
        """
        future: asyncio.Future[Seen] = asyncio.get_running_loop().create_future()
        self._asked.append(_Asked(workspace_id, session_id, tuple(held), future))
        if is_woken or len(self._asked) >= MOST_AT_ONCE:
            self._is_due.set()
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve(), name="looks")
        return await future

    async def _serve(self) -> None:
        try:
            while self._asked:
                try:
                    async with asyncio.timeout(GATHER_SECONDS):
                        await self._is_due.wait()
                except TimeoutError:
                    pass
                taken, self._asked = self._asked[:MOST_AT_ONCE], self._asked[MOST_AT_ONCE:]
                if not self._asked:
                    self._is_due.clear()
                await self._answer([one for one in taken if not one.future.done()])
        finally:
            self._serving = None

    async def _answer(self, asked: Sequence[_Asked]) -> None:
        """Answer each; where a read fails over one of them, the others are read without it."""
        if not asked:
            return
        try:
            seen = await self._read(asked)
        except Exception as error:
            if len(asked) > 1 and not isinstance(error, HeadgateError):
                logger.exception("A look for %d streams failed", len(asked))
                half = len(asked) // 2
                await self._answer(asked[:half])
                await self._answer(asked[half:])
                return
            for one in asked:
                if not one.future.done():
                    one.future.set_exception(error)
            return
        for one, found in zip(asked, seen, strict=True):
            if not one.future.done():
                one.future.set_result(found)

    async def _read(self, asked: Sequence[_Asked]) -> list[Seen]:
        places = sorted({(one.workspace_id, one.session_id) for one in asked})
        async with self._database.system() as work:
            listed = await agents.list_sessions(work, {session_id for _, session_id in places})
            waiting = await offers.list_for_sessions(work, places)
            held = [(one.workspace_id, lease) for one in asked for lease in one.held]
            lost = {(one.run_id, one.epoch): one for one in await offers.list_gone(work, held)}
        live = {(one.workspace_id, one.id): one for one in listed if one.ended_at is None}
        found = (live.get((one.workspace_id, one.session_id)) for one in asked)
        return [
            Seen(
                session,
                waiting.get(session.id, ForSession()) if session else ForSession(),
                tuple(
                    lost[key] for lease in one.held if (key := (lease.run_id, lease.epoch)) in lost
                ),
            )
            for session, one in zip(found, asked, strict=True)
        ]
