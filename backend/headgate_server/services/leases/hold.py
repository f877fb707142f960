"""What the holder of leases does: claim, decline, renew, release."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.agents import AgentSession
from headgate_server.domain.errors import (
    HeadgateError,
    InvalidInput,
    LeaseLost,
    SessionFenced,
    Unavailable,
)
from headgate_server.domain.events import NewEvent
from headgate_server.domain.leases import LeaseOutcome, LeaseRef, PauseKind, Phase, Verdict
from headgate_server.domain.states import ProposedState, StateType, check_details, propose
from headgate_server.domain.tenancy import Actor
from headgate_server.domain.transitions.facts import Proposer
from headgate_server.repositories import agents as agents_repository
from headgate_server.repositories.flow_runs.transition import LockedRun, lock_free_runs, lock_run
from headgate_server.repositories.leases import job as job_repository
from headgate_server.repositories.leases import renew as repository
from headgate_server.repositories.outbox import insert_events_of_workspaces
from headgate_server.services.events import record_events
from headgate_server.services.reruns import read_reuse
from headgate_server.services.transitions import (
    Proposal,
    Transition,
    holds,
    transition_many,
)
from headgate_server.services.variables import fill_job

MAX_HELD = 1000
MAX_DECLINE_DELAY = timedelta(hours=1)
DECLINE_STEP = timedelta(seconds=1)
LONGEST_DECLINE_DELAY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Claim:
    """An offer that a session claims.

    Args:
        session_id: the session the run was offered to.
        lease: as offered.
        duration: how long the claim lives without a renewal.
        actor: on whose behalf.
    """

    session_id: UUID
    lease: LeaseRef
    duration: timedelta
    actor: Actor


class Claimed(NamedTuple):
    """A claimed run, and what the agent needs to start it."""

    transition: Transition
    job: dict[str, Any]


async def claim_run(
    work: UnitOfWork, *, session_id: UUID, lease: LeaseRef, duration: timedelta
) -> Claimed:
    """Turn an offer into a claimed lease and return what the agent needs to start the run.

    The same token gets the same answer, so a claim whose reply was lost is simply sent again.

    Raises:
        SessionFenced: the session has ended.
        LeaseLost: the offer expired, was taken back, the run was cancelled or the workspace
            stopped meanwhile.
    """
    claim = Claim(session_id, lease, duration, work.actor)
    locked = await lock_run(work, lease.run_id)
    held = {lease.run_id: locked} if locked is not None else {}
    answer = (await _carry_out(work, locked=held, claims=[claim], proposals={}))[lease.run_id]
    if isinstance(answer, HeadgateError):
        raise answer
    if not isinstance(answer, Claimed):
        raise LeaseLost
    return answer


Answer = Claimed | Transition | HeadgateError


async def carry_out(
    work: UnitOfWork,
    *,
    claims: Sequence[Claim],
    proposals: Mapping[UUID, tuple[Proposal, Actor]],
) -> dict[UUID, Answer]:
    """Carry out what holders ask of many runs of a workspace, each run asked for once.

    Each gets what it would get alone: one that is refused harms no other.

    Args:
        work: a unit of work in the workspace.
        claims: offers to claim.
        proposals: states that the holders of other runs propose, and on whose behalf.

    Returns:
        The answers by run; without those of runs that do not exist, that somebody else holds, or
        whose state changes more than a run: they are to be asked for alone.
    """
    asked = {claim.lease.run_id: claim for claim in claims}
    locked = {one.run.id: one for one in await lock_free_runs(work, [*asked, *proposals])}
    return await _carry_out(
        work,
        locked=locked,
        claims=[claim for run_id, claim in asked.items() if run_id in locked],
        proposals={run_id: one for run_id, one in proposals.items() if run_id in locked},
    )


async def _carry_out(
    work: UnitOfWork,
    *,
    locked: Mapping[UUID, LockedRun],
    claims: Sequence[Claim],
    proposals: Mapping[UUID, tuple[Proposal, Actor]],
) -> dict[UUID, Answer]:
    answers: dict[UUID, Answer] = {}
    session_ids = {claim.session_id for claim in claims}
    sessions = await agents_repository.find_sessions(work, session_ids) if claims else {}
    jobs = await job_repository.read_jobs(work, [claim.lease.run_id for claim in claims])
    stopped = [run_id for run_id, job in jobs.items() if job.pop("is_stopped")]
    # Read before the runs move on: what they reported last is of the attempt before.
    reuse = await read_reuse(work, {run_id: job.pop("beginning") for run_id, job in jobs.items()})
    asked = [(locked[run_id], proposal, actor) for run_id, (proposal, actor) in proposals.items()]
    for claim in claims:
        run_id = claim.lease.run_id
        held, session = locked.get(run_id), sessions.get(claim.session_id)
        refusal = _refuse(work, claim, session=session, locked=held, is_stopped=bool(stopped))
        if refusal is not None or held is None or run_id not in jobs:
            answers[run_id] = refusal or LeaseLost()
        else:
            asked.append((held, _pending(claim), claim.actor))
    done = await transition_many(work, asked)
    claimed = [claim for claim in claims if claim.lease.run_id in done]
    for claim in claimed:
        run_id = claim.lease.run_id
        moved = done.pop(run_id)
        error = moved if isinstance(moved, HeadgateError) else moved.error
        if isinstance(moved, Transition) and error is None:
            job = {**jobs[run_id], "reuse": reuse.get(run_id)}
            answers[run_id] = Claimed(moved, await fill_job(work, job))
        elif error is not None:
            answers[run_id] = error
    await _forget_expired_offers(work, claimed, sessions=sessions, answers=answers)
    return {**answers, **done}


def _refuse(
    work: UnitOfWork,
    claim: Claim,
    *,
    session: AgentSession | None,
    locked: LockedRun | None,
    is_stopped: bool,
) -> HeadgateError | None:
    """Return why an offer cannot be claimed, as far as that needs no judging."""
    if session is None:
        return SessionFenced()
    item = locked.item if locked else None
    if item is None or not holds(claim.lease, item) or item.session_id != claim.session_id:
        return LeaseLost(current_epoch=item.epoch if item else None)
    is_expired = item.fence_until is not None and item.fence_until < work.now
    if item.phase is Phase.OFFERED and is_expired:
        return LeaseLost("The offer has expired.", current_epoch=item.epoch)
    if item.phase is Phase.RUNNING:
        return LeaseLost("The run has started already.", current_epoch=item.epoch)
    if is_stopped and item.phase is Phase.OFFERED:
        return LeaseLost(
            "Nothing starts in this workspace: it was archived or suspended meanwhile."
        )
    return None


def _pending(claim: Claim) -> Proposal:
    return Proposal(
        state=propose(StateType.PENDING),
        proposer=Proposer.HOLDER,
        lease=claim.lease,
        key=f"claim:{claim.lease.token}",
        lease_duration=claim.duration,
    )


async def _forget_expired_offers(
    work: UnitOfWork,
    claimed: Sequence[Claim],
    *,
    sessions: Mapping[UUID, AgentSession],
    answers: Mapping[UUID, Answer],
) -> None:
    heard = {
        claim.session_id
        for claim in claimed
        if sessions[claim.session_id].expired_offers
        and isinstance(answers[claim.lease.run_id], Claimed)
    }
    if heard:
        await agents_repository.forget_expired_offers(work, heard)


async def decline_run(
    work: UnitOfWork, *, session_id: UUID, lease: LeaseRef, reason: str, retry_after: timedelta
) -> None:
    """Give an offer back; the run is offered again after ``retry_after``.

    A run that was declined before waits longer each time, up to a minute.

    Raises:
        LeaseLost: the offer is not this session's any more.
        InvalidInput: a delay below zero or above one hour.
    """
    if not timedelta() <= retry_after <= MAX_DECLINE_DELAY:
        raise InvalidInput("retryAfter is from 0 to 1 hour.", path=["retryAfter"])
    delays = repository.DeclineDelays(
        asked=retry_after, step=DECLINE_STEP, longest=LONGEST_DECLINE_DELAY
    )
    declined = await repository.decline_offer(work, lease, session_id=session_id, delays=delays)
    if declined is None:
        raise LeaseLost
    shown = ids.show(ids.Kind.FLOW_RUN, lease.run_id)
    await record_events(
        work,
        [
            NewEvent(
                name="flow_run.declined",
                resource_id=shown,
                resource={"id": shown, "kind": "flow_run"},
                payload={
                    "reason": reason[:500],
                    "session": ids.show(ids.Kind.AGENT_SESSION, session_id),
                    "declines": declined.declines,
                    "dueAt": declined.due_at.isoformat(),
                },
            )
        ],
    )
    if declined.work_pool_id is not None:
        work.wake(channels.pool(declined.work_pool_id))


@dataclass(frozen=True, slots=True)
class Shown:
    """A lease, and the workspace of whoever shows it."""

    workspace_id: UUID
    lease: LeaseRef


def check_held(held: Sequence[LeaseRef]) -> None:
    """Refuse more than a holder can hold.

    One run may be shown under several epochs, by a holder that has not let go of an older one:
    each is judged for itself, and costs the others nothing.

    Raises:
        InvalidInput: more than 1,000 leases.
    """
    if len(held) > MAX_HELD:
        raise InvalidInput(f"held has at most {MAX_HELD:,} leases.", path=["held"])


async def renew_leases(
    work: UnitOfWork, *, held: Sequence[LeaseRef], lease: timedelta
) -> list[Verdict]:
    """Renew what one holder shows and answer each with a verdict, in the order shown.

    Raises:
        InvalidInput: more than 1,000 leases.
        Unavailable: somebody changes one of the runs at this moment; try again.
    """
    check_held(held)
    shown = [Shown(work.workspace_id, ref) for ref in held]
    verdicts = await renew_shown(work, shown=shown, lease=lease)
    renewed = [verdict for verdict in verdicts if verdict is not None]
    if len(renewed) < len(verdicts):
        raise Unavailable
    return renewed


async def renew_shown(
    work: UnitOfWork, *, shown: Sequence[Shown], lease: timedelta
) -> list[Verdict | None]:
    """Renew what many holders show, in one statement that waits for nobody.

    Returns:
        A verdict on each, in the order shown; None where the lease is the holder's and somebody
        changes the run at this moment: it is to be renewed again.
    """
    renewals = await repository.renew_leases(
        work, shown=[(one.workspace_id, one.lease) for one in shown], lease=lease
    )
    back = {
        (one.workspace_id, renewal.run_id)
        for one, renewal in zip(shown, renewals, strict=True)
        if renewal.is_back
    }
    if back:
        await insert_events_of_workspaces(
            work, [(workspace_id, _responsive(run_id)) for workspace_id, run_id in back]
        )
        work.wake(channels.OUTBOX, *(channels.run(run_id) for _, run_id in back))
    return [None if renewal.is_held else _verdict(work, renewal, lease) for renewal in renewals]


def _verdict(work: UnitOfWork, renewal: repository.Renewal, lease: timedelta) -> Verdict:
    if renewal.is_renewed:
        is_cancelled, expires_at = renewal.is_cancel_requested, work.now + lease
        outcome = LeaseOutcome.CANCEL_REQUESTED if is_cancelled else LeaseOutcome.RENEWED
        grace = renewal.cancel_grace_seconds if is_cancelled else None
        kind = PauseKind(renewal.pause_kind) if renewal.pause_kind else None
        return Verdict(
            renewal.run_id,
            renewal.epoch,
            outcome,
            expires_at,
            grace_seconds=grace,
            pause_key=renewal.pause_key,
            pause_kind=kind,
        )
    if renewal.is_ended:
        outcome = LeaseOutcome.FINISHED
    else:
        outcome = LeaseOutcome.LOST if renewal.is_known else LeaseOutcome.UNKNOWN
    return Verdict(renewal.run_id, renewal.epoch, outcome, None)


def _responsive(run_id: UUID) -> NewEvent:
    shown = ids.show(ids.Kind.FLOW_RUN, run_id)
    return NewEvent(
        name="flow_run.responsive",
        resource_id=shown,
        resource={"id": shown, "kind": "flow_run"},
        payload={},
    )


def check_release(lease: LeaseRef, state: ProposedState) -> Proposal:
    """Return what an agent proposes for an engine that cannot: it crashed, or was never started.

    Sent again after it was applied, it is answered as it was.

    Raises:
        InvalidInput: a state that is not CRASHED, CANCELLED or FAILED, or details that cannot be
            kept.
    """
    check_details(state.details, field="finalState")
    if state.type not in {StateType.CRASHED, StateType.CANCELLED, StateType.FAILED}:
        raise InvalidInput(
            "An agent releases a run as CRASHED, CANCELLED or FAILED.", path=["finalState", "type"]
        )
    return Proposal(
        state=state, proposer=Proposer.HOLDER, lease=lease, key=f"release:{lease.token}"
    )
