"""Moves runs: the engine's proposals, and what people ask for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.errors import InvalidInput, VersionConflict
from headgate_server.domain.flow_runs import check_name_as_begun
from headgate_server.domain.ids import Kind
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.reruns import WHOLE_RUN, RerunRequest, check_rerun, rerun_details
from headgate_server.domain.states import (
    MAX_MESSAGE_LENGTH,
    ProposedState,
    StateType,
    check_details,
    check_waiting,
    propose,
)
from headgate_server.domain.tenancy import ActorKind
from headgate_server.domain.transitions import proposal_keys
from headgate_server.domain.transitions.effects import is_corrected
from headgate_server.domain.transitions.facts import Proposer
from headgate_server.repositories.flow_runs.transition import LockedRun, lock_run
from headgate_server.repositories.pauses import forget_answers
from headgate_server.services import backfill_items, cancels, quotas
from headgate_server.services.audit_entries.record import record_action
from headgate_server.services.reruns import (
    Start,
    Together,
    change_parameters,
    plan_run,
    plan_start,
)
from headgate_server.services.transitions import Proposal, Transition, transition

MAX_GRACE_SECONDS = 3600
_BEGUN = frozenset({StateType.RUNNING, StateType.PAUSED})
_MACHINERY = frozenset({ActorKind.RUN, ActorKind.AGENT_SESSION, ActorKind.SYSTEM})


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """How a run is to be cancelled."""

    reason: str | None = None
    grace_seconds: int = 30
    is_forced: bool = False


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person says as they set a state by hand.

    Args:
        is_forced: skips the rules that protect a run. With a reason, it calls a run that has ended
            another end.
        expected_sequence: of the state that they saw; None where it does not matter.
        reason: why, for the history and the audit log.
    """

    is_forced: bool = False
    expected_sequence: int | None = None
    reason: str | None = None


NO_CORRECTION = Correction()


async def set_state(
    work: UnitOfWork,
    *,
    run_id: UUID,
    state: ProposedState,
    lease: LeaseRef | None,
    key: str | None,
    correction: Correction = NO_CORRECTION,
) -> Transition:
    """Propose a state for a run: as its holder under a lease, else as a person.

    The caller has checked that a person may: a lease needs no further right, it is one. Where a
    person corrects how a run ended, all else of it stays as it was: when, and what it left behind.

    Raises:
        NotFound: no such run in this workspace.
        InvalidInput: a state that only Headgate enters by itself, or what it alone says of one,
            details that are too large, or a bad key.
        IdempotencyMismatch: the key was used for a state of another type.
        VersionConflict: the run is in another state by now than the one that was seen.
        QuotaExceeded: a person has it started again, and the organization may start no more runs.
    """
    proposal = check_proposal(
        run_id=run_id, state=state, lease=lease, key=key, correction=correction
    )
    if proposal.is_forced and correction.reason is not None:
        proposal = replace(proposal, is_correction=work.actor.kind not in _MACHINERY)
    may_start_again = lease is None and state.type is StateType.SCHEDULED
    # As it is before: what is started again counts from then on.
    standing = await quotas.get_own_standing(work) if may_start_again else None
    locked = await _lock_as_seen(work, run_id, proposal, correction.expected_sequence)
    done = await transition(work, run_id=run_id, proposal=proposal, locked=locked)
    if lease is None:
        if _is_started_again(done):
            if standing is not None and done.decision.facts.current_type in _BEGUN:
                quotas.check_restart(standing, now=work.now)
            await forget_answers(work, run_id)
        if done.state is not None and is_corrected(done.decision):
            await backfill_items.follow_runs(work, [done.run])
        said = {
            "state": state.name,
            "type": state.type,
            "forced": correction.is_forced,
            "reason": correction.reason,
        }
        await _record(work, "state_set", done, said)
    return done


def _is_started_again(done: Transition) -> bool:
    """Whether somebody had a run start again that had begun: what waits anyway only starts now."""
    is_waiting = done.state is not None and done.state.type is StateType.SCHEDULED
    return is_waiting and not done.decision.facts.waits_for_agent


def check_proposal(
    *,
    run_id: UUID,
    state: ProposedState,
    lease: LeaseRef | None,
    key: str | None,
    correction: Correction = NO_CORRECTION,
) -> Proposal:
    """Return the proposal of a holder, or where there is no lease, of a person.

    Raises:
        InvalidInput: as ``set_state``.
    """
    if lease is not None and lease.run_id != run_id:
        raise InvalidInput("The lease is of another run.", path=["lease", "runId"])
    if state.type is StateType.PENDING:
        raise InvalidInput("A run becomes PENDING by being claimed.", path=["state", "type"])
    proposal_keys.check_key(key)
    if lease is None:
        state = _with_reason(state, correction.reason)
    check_details(state.details)
    check_waiting(state)
    if lease is not None and state.type is StateType.RUNNING:
        check_name_as_begun(state.details)
    return Proposal(
        state=state,
        proposer=Proposer.PERSON if lease is None else Proposer.HOLDER,
        lease=lease,
        key=key,
        is_forced=correction.is_forced and lease is None,
    )


def _with_reason(state: ProposedState, reason: str | None) -> ProposedState:
    """Return a state that says why somebody set it."""
    if reason is None:
        return state
    if not 1 <= len(reason) <= MAX_MESSAGE_LENGTH:
        raise InvalidInput(f"reason has 1 to {MAX_MESSAGE_LENGTH:,} characters.", path=["reason"])
    details = {**state.details, "reason": reason}
    return replace(state, message=state.message or reason, details=details)


async def _lock_as_seen(
    work: UnitOfWork, run_id: UUID, proposal: Proposal, expected_sequence: int | None
) -> LockedRun | None:
    """Lock a run that is still in the state that somebody saw; None where none was named.

    A proposal that was applied before is answered as it was: the run has moved on through it.

    Raises:
        VersionConflict: it is in another state by now.
    """
    if expected_sequence is None:
        return None
    locked = await lock_run(work, run_id)
    if locked is None or locked.run.state_sequence == expected_sequence:
        return locked
    known = locked.state_key
    if not proposal_keys.is_known(known, key=proposal.key, type_=proposal.state.type):
        sequence = locked.run.state_sequence
        raise VersionConflict(
            f"The run is {locked.run.state_name} by now, its state number {sequence}; look again.",
            current_version=sequence,
            path=["expectedSequence"],
        )
    return locked


async def cancel_run(work: UnitOfWork, *, run_id: UUID, request: CancelRequest) -> Transition:
    """Ask for a run to be cancelled: at once where it has not started, else through its holder.

    What is below it is cancelled with it. A forced cancel takes the lease away now; the agent is
    told to kill the process. Of a run that is being cancelled, the sooner of both ends counts, for
    what is below it as well.

    Raises:
        NotFound: no such run in this workspace.
        InvalidInput: a grace outside 0 to 3,600 seconds, or an over-long reason.
    """
    if not 0 <= request.grace_seconds <= MAX_GRACE_SECONDS:
        raise InvalidInput(f"graceSeconds is from 0 to {MAX_GRACE_SECONDS}.", path=["graceSeconds"])
    if request.reason is not None and len(request.reason) > MAX_MESSAGE_LENGTH:
        raise InvalidInput(
            f"reason has at most {MAX_MESSAGE_LENGTH:,} characters.", path=["reason"]
        )
    state = propose(StateType.CANCELLING, message=request.reason or "Cancelled by request.")
    locked = await lock_run(work, run_id) if request.is_forced else None
    if locked is not None:
        state = cancels.force(work, locked, reason=request.reason)
    proposal = Proposal(
        state=state,
        proposer=Proposer.PERSON,
        is_forced=request.is_forced,
        cancel_reason=request.reason,
        cancel_grace_seconds=request.grace_seconds,
    )
    done = await transition(work, run_id=run_id, proposal=proposal, locked=locked)
    said: dict[str, Any] = {"reason": request.reason, "forced": request.is_forced}
    is_under_way = done.state is None and done.run.state_type is StateType.CANCELLING
    is_hastened = is_under_way and await cancels.hasten(
        work, run_id, grace_seconds=request.grace_seconds
    )
    if is_hastened:
        said["graceSeconds"] = request.grace_seconds
    await _record(work, "cancelled", done, said, is_done=is_hastened or done.state is not None)
    return done


async def retry_run(
    work: UnitOfWork, *, run_id: UUID, request: RerunRequest = WHOLE_RUN
) -> Transition:
    """Start a run that has ended again, as the same run: its history goes on.

    It runs as its deployment is today: that version, in its pool and queue, by its schema.
    What was rejected before is asked again, and what only some might approve: whoever approved it
    did not start what runs now. With other parameters everything is; else what was answered is not.

    Raises:
        NotFound: no such run in this workspace.
        InvalidInput: parameters that its deployment's schema refuses today, tasks that are none of
            the run's, or both ways to choose at once.
        QuotaExceeded: the organization may start no more runs for now.
    """
    quotas.check_restart(await quotas.get_own_standing(work), now=work.now)
    done = await start_again(work, run_id=run_id, request=request)
    if done.state is not None:
        await backfill_items.follow_runs(work, [done.run])
    return done


async def start_again(
    work: UnitOfWork,
    *,
    run_id: UUID,
    request: RerunRequest = WHOLE_RUN,
    together: Together | None = None,
) -> Transition:
    """Do what ``retry_run`` does where the caller has seen that a quota has room.

    The caller has items of backfills follow the run when it holds all runs that it starts again.

    Args:
        work: the unit of work.
        run_id: it has ended.
        request: how.
        together: shared by those that one request starts again.

    Raises:
        NotFound: no such run in this workspace.
        InvalidInput: as ``retry_run``; nothing is changed then.
    """
    check_rerun(request)
    if not request.is_whole:
        await plan_run(work, run_id=run_id, request=request)
    locked, start = await lock_run(work, run_id), Start()
    if locked is not None and locked.run.state_type.is_terminal:
        start = await plan_start(
            work, run=locked.run, changed=request.parameters, together=together or Together()
        )
    details = {} if request == WHOLE_RUN else dict(rerun_details(request))
    proposal = Proposal(
        state=propose(StateType.SCHEDULED, message="Started again by request.", details=details),
        proposer=Proposer.PERSON,
        is_rerun=True,
        placing=start.placing,
    )
    done = await transition(work, run_id=run_id, proposal=proposal, locked=locked)
    if done.state is not None:
        await forget_answers(work, run_id, has_other_parameters=start.after is not None)
        await change_parameters(work, run_id=run_id, start=start)
    await _record(work, "retried", done, {"attempt": done.run.attempt, **details})
    return done


async def _record(
    work: UnitOfWork,
    verb: str,
    done: Transition,
    said: Mapping[str, Any],
    *,
    is_done: bool | None = None,
) -> None:
    """Write what somebody did to a run; a run's own process is told of by its states.

    Args:
        work: the unit of work.
        verb: what.
        done: what became of it.
        said: what else is known of it.
        is_done: whether anything was, if not told by a state of the run.
    """
    if is_done is None:
        is_done = done.state is not None
    if not is_done or work.actor.kind in _MACHINERY:
        return
    run = done.run
    await record_action(work, verb, kind=Kind.FLOW_RUN, id_=run.id, name=run.name, said=said)
