"""What the holder of leases does: claim, decline, renew, release."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.errors import InvalidInput, LeaseLost, SessionFenced
from headgate_server.domain.events import NewEvent
from headgate_server.domain.leases import LeaseOutcome, LeaseRef, Phase, Verdict
from headgate_server.domain.states import ProposedState, StateType, propose
from headgate_server.domain.transitions.facts import Proposer
from headgate_server.repositories import agents as agents_repository
from headgate_server.repositories.flow_runs.transition import lock_run
from headgate_server.repositories.leases import job as job_repository
from headgate_server.repositories.leases import renew as repository
from headgate_server.repositories.outbox import insert_events_of_workspaces
from headgate_server.services.events import record_events
from headgate_server.services.transitions import Proposal, Transition, holds, transition
from headgate_server.services.variables import fill_job

MAX_HELD = 1000
MAX_DECLINE_DELAY = timedelta(hours=1)
DECLINE_STEP = timedelta(seconds=1)
LONGEST_DECLINE_DELAY = timedelta(minutes=1)


async def claim_run(
    work: UnitOfWork, *, session_id: UUID, lease: LeaseRef, duration: timedelta
) -> tuple[Transition, dict[str, Any]]:
    """Turn an offer into a claimed lease and return what the agent needs to start the run.

    The same token gets the same answer, so a claim whose reply was lost is simply sent again.

    Args:
        work: the unit of work.
        session_id: the session the run was offered to.
        lease: as offered.
        duration: how long the claim lives without a renewal.

    Raises:
        SessionFenced: the session has ended.
        LeaseLost: the offer expired, was taken back, the run was cancelled or the workspace
            stopped meanwhile.
    """
    session = await agents_repository.find_session(work, session_id)
    if session is None:
        raise SessionFenced
    locked = await lock_run(work, lease.run_id)
    item = locked.item if locked else None
    if item is None or not holds(lease, item) or item.session_id != session_id:
        raise LeaseLost(current_epoch=item.epoch if item else None)
    is_expired = item.fence_until is not None and item.fence_until < work.now
    if item.phase is Phase.OFFERED and is_expired:
        raise LeaseLost("The offer has expired.", current_epoch=item.epoch)
    proposal = Proposal(
        state=propose(StateType.PENDING),
        proposer=Proposer.HOLDER,
        lease=lease,
        key=f"claim:{lease.token}",
        lease_duration=duration,
    )
    if item.phase is Phase.RUNNING:
        raise LeaseLost("The run has started already.", current_epoch=item.epoch)
    claimed = await transition(work, run_id=lease.run_id, proposal=proposal, locked=locked)
    if claimed.error is not None:
        raise claimed.error
    if session.expired_offers:
        await agents_repository.forget_expired_offers(work, session_id)
    job = await job_repository.read_job(work, lease.run_id)
    if job.pop("is_stopped") and item.phase is Phase.OFFERED:
        raise LeaseLost("Nothing starts in this workspace: it was archived or suspended meanwhile.")
    return claimed, await fill_job(work, job)


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
    """
    check_held(held)
    shown = [Shown(work.workspace_id, ref) for ref in held]
    return await renew_shown(work, shown=shown, lease=lease)


async def renew_shown(
    work: UnitOfWork, *, shown: Sequence[Shown], lease: timedelta
) -> list[Verdict]:
    """Renew what many holders show, in one statement; a verdict on each, in the order shown."""
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
    return [_verdict(work, renewal, lease) for renewal in renewals]


def _verdict(work: UnitOfWork, renewal: repository.Renewal, lease: timedelta) -> Verdict:
    if renewal.is_renewed:
        is_cancelled, expires_at = renewal.is_cancel_requested, work.now + lease
        outcome = LeaseOutcome.CANCEL_REQUESTED if is_cancelled else LeaseOutcome.RENEWED
        grace = renewal.cancel_grace_seconds if is_cancelled else None
        return Verdict(renewal.run_id, renewal.epoch, outcome, expires_at, grace)
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


async def release_run(work: UnitOfWork, *, lease: LeaseRef, state: ProposedState) -> Transition:
    """End a run for the engine that cannot: it crashed, was killed, or was never started.

    Sent again after it was applied, it answers as it did.

    Raises:
        NotFound: no such run.
        InvalidInput: a state that is not CRASHED, CANCELLED or FAILED.
    """
    if state.type not in {StateType.CRASHED, StateType.CANCELLED, StateType.FAILED}:
        raise InvalidInput(
            "An agent releases a run as CRASHED, CANCELLED or FAILED.", path=["finalState", "type"]
        )
    proposal = Proposal(
        state=state, proposer=Proposer.HOLDER, lease=lease, key=f"release:{lease.token}"
    )
    return await transition(work, run_id=lease.run_id, proposal=proposal)
