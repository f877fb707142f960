"""Heartbeats and renewals of one replica, gathered: one transaction for all of a quarter second."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from headgate_server.database.work import Database, is_collision
from headgate_server.domain.agents import AgentSession
from headgate_server.domain.errors import SessionFenced, Unavailable
from headgate_server.domain.leases import LeaseRef, Verdict
from headgate_server.services import agents
from headgate_server.services.agents import SessionReport
from headgate_server.services.leases import hold
from headgate_server.services.leases.hold import Shown
from headgate_server.settings import Timers

logger = logging.getLogger(__name__)

GATHER_SECONDS = 0.25
MOST_LEASES = 5000
MOST_TRIES = 20
"""So often, a quarter second apart, what somebody else holds is tried again: 5 seconds."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What one caller shows: its leases, and where it is an agent, its session."""

    workspace_id: UUID
    held: tuple[LeaseRef, ...]
    report: SessionReport | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdicts in the order shown, and the session as it is now."""

    verdicts: tuple[Verdict, ...]
    session: AgentSession | None
    now: datetime


@dataclass(slots=True)
class _Call:
    """A heartbeat that waits for its answer, and how often it was tried again."""

    heartbeat: Heartbeat
    future: asyncio.Future[Answer]
    tries: int = 0


class Renewals:
    """Gathers what callers show and carries it out together; each gets its own exact answer.

    A caller that comes alone is served at once; those that follow within a quarter second are
    served together at its end. Nobody is waited for: where somebody changes a run or a session, its
    holder's call is tried again with those that come later.
    """

    def __init__(self, *, database: Database, timers: Timers) -> None:
        self._database = database
        self._lease = timers.lease
        self._waiting: list[_Call] = []
        self._serving: asyncio.Task[None] | None = None
        self._next_at = 0.0

    async def show(self, heartbeat: Heartbeat) -> Answer:
        """Renew what a caller holds.

        Raises:
            SessionFenced: its session has ended; nothing was renewed.
            InvalidInput: more than 1,000 leases, or a report that will not do.
            Unavailable: the database did not answer, or somebody has held what is to be renewed
                for seconds; try again.
        """
        hold.check_held(heartbeat.held)
        if heartbeat.report is not None:
            agents.check_report(heartbeat.report)
        call = _Call(heartbeat, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve(), name="renewals")
        return await call.future

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                await asyncio.sleep(max(self._next_at - loop.time(), 0))
                self._next_at = loop.time() + GATHER_SECONDS
                await self._carry_out(self._take())
        finally:
            self._serving = None

    def _take(self) -> list[_Call]:
        taken: list[_Call] = []
        leases = 0
        while self._waiting and (not taken or leases < MOST_LEASES):
            call = self._waiting.pop(0)
            if not call.future.done():
                taken.append(call)
                leases += len(call.heartbeat.held)
        return taken

    async def _carry_out(self, calls: Sequence[_Call]) -> None:
        try:
            answers = await self._renew([call.heartbeat for call in calls])
        except Exception as error:
            if not isinstance(error, Unavailable):
                logger.exception("Renewing %d heartbeats failed", len(calls))
            await self._take_apart(calls, error)
            return
        for call, answer in zip(calls, answers, strict=True):
            if call.future.done():
                continue
            if isinstance(answer, Answer):
                call.future.set_result(answer)
            elif answer is not None:
                call.future.set_exception(answer)
            elif call.tries < MOST_TRIES:
                call.tries += 1
                self._waiting.append(call)
            else:
                call.future.set_exception(Unavailable())

    async def _take_apart(self, calls: Sequence[_Call], error: Exception) -> None:
        """Renew what failed together workspace by workspace: one's fault is nobody else's."""
        by_workspace: defaultdict[UUID, list[_Call]] = defaultdict(list)
        for call in calls:
            by_workspace[call.heartbeat.workspace_id].append(call)
        is_away = isinstance(error, Unavailable) and not is_collision(error)
        if len(by_workspace) > 1 and not is_away:
            for own in by_workspace.values():
                await self._carry_out(own)
            return
        for call in calls:
            if not call.future.done():
                call.future.set_exception(error)

    async def _renew(self, heartbeats: Sequence[Heartbeat]) -> list[Answer | SessionFenced | None]:
        """Carry out the heartbeats in one transaction that waits for nobody.

        Leases are locked before sessions, as claims lock them; a session that has ended is found
        out before, so that it renews nothing. Where somebody else holds a lease or a session, there
        is no answer yet.
        """
        reports = [beat.report for beat in heartbeats if beat.report is not None]
        async with self._database.system() as work:
            live = await agents.list_live(work, reports) if reports else set[UUID]()
            heeded = [beat for beat in heartbeats if _is_live(beat, live)]
            shown = [Shown(beat.workspace_id, lease) for beat in heeded for lease in beat.held]
            verdicts = iter(await hold.renew_shown(work, shown=shown, lease=self._lease))
            sessions = {
                session.id: session
                for session in await agents.report_sessions(
                    work, [beat.report for beat in heeded if beat.report is not None]
                )
            }
            now = work.now
        answers: list[Answer | SessionFenced | None] = []
        for beat in heartbeats:
            if not _is_live(beat, live):
                answers.append(SessionFenced())
                continue
            own = [next(verdicts) for _ in beat.held]
            renewed = tuple(verdict for verdict in own if verdict is not None)
            session = sessions.get(beat.report.session_id) if beat.report else None
            is_held = len(renewed) < len(own) or (beat.report is not None and session is None)
            answers.append(None if is_held else Answer(renewed, session, now))
        return answers


def _is_live(heartbeat: Heartbeat, live: set[UUID]) -> bool:
    return heartbeat.report is None or heartbeat.report.session_id in live
