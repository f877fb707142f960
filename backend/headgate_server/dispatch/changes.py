"""Claims, and states that holders propose, gathered: one transaction for many of a workspace."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from headgate_server.database.work import Database
from headgate_server.domain.errors import HeadgateError, NotFound, Unavailable
from headgate_server.domain.tenancy import Principal
from headgate_server.services.cancels import end_below
from headgate_server.services.leases import hold
from headgate_server.services.leases.hold import Answer, Claim, Claimed
from headgate_server.services.transitions import Proposal, Transition, transition

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Ask:
    """One claim, or one state that a holder proposes for its run."""

    principal: Principal
    workspace_id: UUID
    run_id: UUID
    what: Claim | Proposal


@dataclass(frozen=True, slots=True)
class Done:
    """What became of it, and when."""

    answer: Answer
    now: datetime


Waiting = tuple[Ask, "asyncio.Future[Done]"]


class Changes:
    """Carries out what holders ask; what comes while a transaction is under way goes into the next.

    So nobody waits who comes alone, and many that come at once cost one transaction for each
    workspace. Each gets its own exact answer: a refusal harms no other, and a run that somebody
    else is changing is waited for apart.
    """

    def __init__(self, *, database: Database) -> None:
        self._database = database
        self._waiting: dict[UUID, list[Waiting]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    async def claim(
        self, principal: Principal, workspace_id: UUID, claim: Claim
    ) -> tuple[Claimed, datetime]:
        """Claim an offer; see ``services.leases.hold.claim_run``. And return when it was.

        Raises:
            SessionFenced: the session has ended.
            LeaseLost: the offer is not this session's any more.
            Unavailable: the database did not answer; try again.
        """
        done = await self._ask(Ask(principal, workspace_id, claim.lease.run_id, claim))
        if not isinstance(done.answer, Claimed):
            raise done.answer if isinstance(done.answer, HeadgateError) else NotFound
        return done.answer, done.now

    async def propose(
        self, principal: Principal, workspace_id: UUID, *, run_id: UUID, proposal: Proposal
    ) -> Transition:
        """Propose a state for a run on behalf of its holder; see ``services.transitions``.

        Raises:
            NotFound: no such run in this workspace.
            IdempotencyMismatch: the proposal's key was used for a state of another type.
            Unavailable: the database did not answer; try again.
        """
        done = await self._ask(Ask(principal, workspace_id, run_id, proposal))
        if not isinstance(done.answer, Transition):
            raise done.answer if isinstance(done.answer, HeadgateError) else NotFound
        return done.answer

    async def _ask(self, ask: Ask) -> Done:
        future: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        queue = self._waiting.get(ask.workspace_id)
        if queue is None:
            self._waiting[ask.workspace_id] = [(ask, future)]
            task = asyncio.create_task(self._serve(ask.workspace_id), name="changes")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            queue.append((ask, future))
        return await future

    async def _serve(self, workspace_id: UUID) -> None:
        try:
            while taken := self._take(workspace_id):
                await self._carry_out(taken)
        finally:
            for _, future in self._waiting.pop(workspace_id, []):
                future.cancel()

    def _take(self, workspace_id: UUID) -> dict[UUID, Waiting]:
        """Return the next batch: each run once, what is asked of it first."""
        taken: dict[UUID, Waiting] = {}
        left: list[Waiting] = []
        for waiting in self._waiting[workspace_id]:
            if waiting[1].done():
                continue
            is_next = len(taken) < MOST_AT_ONCE and waiting[0].run_id not in taken
            if is_next:
                taken[waiting[0].run_id] = waiting
            else:
                left.append(waiting)
        self._waiting[workspace_id] = left
        return taken

    async def _carry_out(self, taken: Mapping[UUID, Waiting]) -> None:
        answers: Mapping[UUID, Done] = {}
        try:
            answers = await self._together([ask for ask, _ in taken.values()])
        except Exception as error:
            if isinstance(error, Unavailable) or len(taken) == 1:
                for _, future in taken.values():
                    _fail(future, error)
                return
            # What one of them brought along harms the others only until each is tried alone.
            logger.warning("%d changes of runs failed together", len(taken), exc_info=error)
        for run_id, waiting in taken.items():
            done = answers.get(run_id)
            if done is None:
                self._start_alone(*waiting)
            elif not waiting[1].done():
                waiting[1].set_result(done)

    async def _together(self, asks: Sequence[Ask]) -> dict[UUID, Done]:
        first = asks[0]
        proposals = {
            ask.run_id: (ask.what, ask.principal.actor)
            for ask in asks
            if isinstance(ask.what, Proposal)
        }
        claims = [ask.what for ask in asks if isinstance(ask.what, Claim)]
        async with self._database.tenant(first.principal, first.workspace_id) as work:
            answers = await hold.carry_out(work, claims=claims, proposals=proposals)
        return {run_id: Done(answer, work.now) for run_id, answer in answers.items()}

    async def _alone(self, ask: Ask) -> Done:
        async with self._database.tenant(ask.principal, ask.workspace_id) as work:
            if isinstance(ask.what, Claim):
                answer: Answer = await hold.claim_run(
                    work,
                    session_id=ask.what.session_id,
                    lease=ask.what.lease,
                    duration=ask.what.duration,
                )
            else:
                answer = await transition(work, run_id=ask.run_id, proposal=ask.what)
                await end_below(work, answer)
        return Done(answer, work.now)

    def _start_alone(self, ask: Ask, future: "asyncio.Future[Done]") -> None:
        def tell(task: "asyncio.Task[Done]") -> None:
            self._tasks.discard(task)
            if task.cancelled():
                future.cancel()
            elif error := task.exception():
                _fail(future, error)
            elif not future.done():
                future.set_result(task.result())

        task = asyncio.create_task(self._alone(ask), name="change")
        self._tasks.add(task)
        task.add_done_callback(tell)


def _fail(future: "asyncio.Future[Done]", error: BaseException) -> None:
    """Hand an error to whoever waits; the edge logs what is not expected."""
    if not future.done():
        future.set_exception(error)
