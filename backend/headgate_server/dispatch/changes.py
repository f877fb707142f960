"""Claims, and states that holders propose, gathered: one transaction for many of a workspace."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from headgate_server.database.work import Database, is_collision
from headgate_server.domain.errors import HeadgateError, NotFound, Unavailable
from headgate_server.domain.tenancy import Principal
from headgate_server.services.leases import hold
from headgate_server.services.leases.hold import Answer, Claim, Claimed
from headgate_server.services.transitions import Proposal, Transition, transition

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 100
MOST_APART = 8
"""So many runs are changed apart at a time, and wait with a connection each; the pool has more."""
MOST_APART_OF_A_WORKSPACE = 4


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


@dataclass(slots=True)
class _Queue:
    """What is asked in a workspace: all together, and of some runs apart, each run in its order."""

    waiting: list[Waiting] = field(default_factory=list[Waiting])
    apart: dict[UUID, list[Waiting]] = field(default_factory=dict[UUID, list[Waiting]])
    places: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(MOST_APART_OF_A_WORKSPACE)
    )
    is_served: bool = False


class Changes:
    """Carries out what holders ask; what comes while a transaction is under way goes into the next.

    So nobody waits who comes alone, and many that come at once cost one transaction for each
    workspace. Each gets its own exact answer: a refusal harms no other. A run that somebody else is
    changing is changed apart, so that nobody else waits for it.
    What is asked of one run is carried out in the order in which it was asked.
    """

    def __init__(self, *, database: Database) -> None:
        self._database = database
        self._queues: dict[UUID, _Queue] = {}
        self._places = asyncio.Semaphore(MOST_APART)
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
        queue = self._queues.setdefault(ask.workspace_id, _Queue())
        queue.waiting.append((ask, future))
        if not queue.is_served:
            queue.is_served = True
            self._start(self._serve(ask.workspace_id, queue), name="changes")
        return await future

    def _start(self, work: Coroutine[Any, Any, None], *, name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, workspace_id: UUID, queue: _Queue) -> None:
        try:
            while taken := _take(queue):
                await self._carry_out(queue, taken)
        finally:
            queue.is_served = False
            _give_up(queue.waiting)
            self._forget(workspace_id, queue)

    def _forget(self, workspace_id: UUID, queue: _Queue) -> None:
        if not queue.is_served and not queue.apart:
            self._queues.pop(workspace_id, None)

    async def _carry_out(self, queue: _Queue, taken: Mapping[UUID, Waiting]) -> None:
        try:
            answers = await self._together([ask for ask, _ in taken.values()])
        except Exception as error:  # noqa: BLE001  handed to whoever waits
            await self._carry_out_less(queue, taken, error)
            return
        for run_id, waiting in taken.items():
            done = answers.get(run_id)
            if done is None:
                self._start_apart(queue, waiting)
            else:
                _answer(waiting[1], done)

    async def _carry_out_less(
        self, queue: _Queue, taken: Mapping[UUID, Waiting], error: Exception
    ) -> None:
        """Carry out what failed together: what one of them brought along shall harm no other.

        What met the locks of others is tried one by one, apart, so that nobody waits for it; else
        by halves, until the one that cannot be carried out is alone.
        """
        if len(taken) == 1 or (isinstance(error, Unavailable) and not is_collision(error)):
            for _, future in taken.values():
                _fail(future, error)
            return
        logger.info("%d changes of runs failed together: %s", len(taken), type(error).__name__)
        if is_collision(error):
            for waiting in taken.values():
                self._start_apart(queue, waiting)
            return
        half = len(taken) // 2
        for part in ([*taken.items()][:half], [*taken.items()][half:]):
            await self._carry_out(queue, dict(part))

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
        return Done(answer, work.now)

    def _start_apart(self, queue: _Queue, waiting: Waiting) -> None:
        queue.apart[waiting[0].run_id] = [waiting]
        self._start(self._serve_apart(queue, waiting[0]), name="change")

    async def _serve_apart(self, queue: _Queue, first: Ask) -> None:
        line = queue.apart[first.run_id]
        try:
            while line:
                async with queue.places, self._places:
                    await self._carry_out_alone(*line[0])
                del line[0]
        finally:
            del queue.apart[first.run_id]
            _give_up(line)
            self._forget(first.workspace_id, queue)

    async def _carry_out_alone(self, ask: Ask, future: "asyncio.Future[Done]") -> None:
        if future.done():
            return
        try:
            done = await self._alone(ask)
        except Exception as error:  # noqa: BLE001  handed to whoever waits
            _fail(future, error)
        else:
            _answer(future, done)


def _take(queue: _Queue) -> dict[UUID, Waiting]:
    """Take the next batch: each run once, what is asked of it first.

    What is asked of a run that is being changed apart goes there, after what was asked before it.
    """
    taken: dict[UUID, Waiting] = {}
    left: list[Waiting] = []
    for waiting in queue.waiting:
        ask, future = waiting
        if future.done():
            continue
        if ask.run_id in queue.apart:
            queue.apart[ask.run_id].append(waiting)
        elif len(taken) < MOST_AT_ONCE and ask.run_id not in taken:
            taken[ask.run_id] = waiting
        else:
            left.append(waiting)
    queue.waiting = left
    return taken


def _give_up(waiting: list[Waiting]) -> None:
    """Tell those who wait that nobody will answer: the process is stopping."""
    for _, future in waiting:
        future.cancel()
    waiting.clear()


def _answer(future: "asyncio.Future[Done]", done: Done) -> None:
    if not future.done():
        future.set_result(done)


def _fail(future: "asyncio.Future[Done]", error: BaseException) -> None:
    """Hand an error to whoever waits; the edge logs what is not expected."""
    if not future.done():
        future.set_exception(error)
