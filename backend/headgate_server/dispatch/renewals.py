"""Heartbeats and renewals of one replica, gathered: one transaction for all of a quarter second."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from headgate_server.database.work import Database
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


class Renewals:
    """Gathers what callers show and carries it out together; each gets its own exact answer.

    A caller that comes alone is served at once; those that follow within a quarter second are
    served together at its end.
    """

    def __init__(self, *, database: Database, timers: Timers) -> None:
        self._database = database
        self._lease = timers.lease
        self._waiting: list[tuple[Heartbeat, asyncio.Future[Answer]]] = []
        self._serving: asyncio.Task[None] | None = None
        self._next_at = 0.0

    async def show(self, heartbeat: Heartbeat) -> Answer:
        """Renew what a caller holds.

        Raises:
            SessionFenced: its session has ended; nothing was renewed.
            InvalidInput: more than 1,000 leases, or a report that will not do.
            Unavailable: the database did not answer; try again.
        """
        hold.check_held(heartbeat.held)
        if heartbeat.report is not None:
            agents.check_report(heartbeat.report)
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((heartbeat, future))
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve(), name="renewals")
        return await future

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                await asyncio.sleep(max(self._next_at - loop.time(), 0))
                self._next_at = loop.time() + GATHER_SECONDS
                await self._carry_out(self._take())
        finally:
            self._serving = None

    def _take(self) -> list[tuple[Heartbeat, asyncio.Future[Answer]]]:
        taken: list[tuple[Heartbeat, asyncio.Future[Answer]]] = []
        leases = 0
        while self._waiting and (not taken or leases < MOST_LEASES):
            heartbeat, future = self._waiting.pop(0)
            if not future.done():
                taken.append((heartbeat, future))
                leases += len(heartbeat.held)
        return taken

    async def _carry_out(self, calls: list[tuple[Heartbeat, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._renew([heartbeat for heartbeat, _ in calls])
        except Exception as error:
            if not isinstance(error, Unavailable):
                logger.exception("Renewing %d heartbeats failed", len(calls))
            for _, future in calls:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(calls, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, Answer):
                future.set_result(answer)
            else:
                future.set_exception(answer)

    async def _renew(self, heartbeats: Sequence[Heartbeat]) -> list[Answer | SessionFenced]:
        """Carry out the heartbeats in one transaction.

        Leases are locked before sessions, as claims lock them; a session that has ended is found
        out before, so that it renews nothing.
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
        answers: list[Answer | SessionFenced] = []
        for beat in heartbeats:
            if not _is_live(beat, live):
                answers.append(SessionFenced())
                continue
            own = tuple(next(verdicts) for _ in beat.held)
            session = sessions.get(beat.report.session_id) if beat.report else None
            is_fenced = beat.report is not None and session is None
            answers.append(SessionFenced() if is_fenced else Answer(own, session, now))
        return answers


def _is_live(heartbeat: Heartbeat, live: set[UUID]) -> bool:
    return heartbeat.report is None or heartbeat.report.session_id in live
