"""The only writer of run state: every change of a flow run goes through ``transition``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import names
from headgate_server.domain.errors import HeadgateError, IllegalTransition, LeaseLost, NotFound
from headgate_server.domain.flow_runs import RUN_NAME, FlowRun, LateCause
from headgate_server.domain.leases import LeaseRef, Phase, WorkItem
from headgate_server.domain.reruns import Placing
from headgate_server.domain.states import ProposedState, State, StateType
from headgate_server.domain.telling import when_told
from headgate_server.domain.tenancy import Actor
from headgate_server.domain.transitions import proposal_keys
from headgate_server.domain.transitions.effects import (
    ItemEffect,
    consequences,
    end_of_process,
    end_of_tasks,
    is_corrected,
    is_taken,
)
from headgate_server.domain.transitions.facts import Decision, Facts, Outcome, Proposer
from headgate_server.domain.transitions.policy import judge
from headgate_server.repositories import backfills, cancels, pauses, task_runs
from headgate_server.repositories.cancels import RunEnd
from headgate_server.repositories.deletions import lock_place_of_run
from headgate_server.repositories.flow_runs import transition as repository
from headgate_server.repositories.flow_runs.transition import Application, Change, LockedRun
from headgate_server.telemetry import instruments

_GROUPED = frozenset({StateType.FAILED, StateType.CRASHED})
"""Ends after which a loop finds the group of what went wrong."""
DEFAULT_LEASE = timedelta(seconds=90)
DEFAULT_GRACE_SECONDS = 30
"""So long processes below a run may take to end, where nobody said how long."""


class NotForMany(HeadgateError):
    """A state that changes more than the run was proposed for many runs at once."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A state proposed for a run, on whose behalf, and under what.

    Args:
        key: names this proposal, so that sending it again changes nothing.
        is_correction: a run that has ended may be called another end, for a reason that is kept.
        lease: what a holder shows.
        lease_duration: how long a claim made by this proposal lives without a renewal.
        placing: where it runs from now on; None where that stays.
    """

    state: ProposedState
    proposer: Proposer
    lease: LeaseRef | None = None
    key: str | None = None
    is_forced: bool = False
    is_rerun: bool = False
    is_resume: bool = False
    is_correction: bool = False
    is_agent_lost: bool = False
    is_undeliverable: bool = False
    late_cause: LateCause | None = None
    cancel_reason: str | None = None
    cancel_grace_seconds: int | None = None
    lease_duration: timedelta = DEFAULT_LEASE
    placing: Placing | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """What became of a proposal: the run as it now is, and the decision.

    ``state`` is the row of history that was written; None where none was. ``error`` is None where
    the proposal was accepted, renamed, or had been applied before.
    """

    run: FlowRun
    item: WorkItem | None
    decision: Decision
    error: HeadgateError | None
    state: State | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether the run entered the proposed state or the one it was renamed to."""
        return self.error is None


async def transition(
    work: UnitOfWork, *, run_id: UUID, proposal: Proposal, locked: LockedRun | None = None
) -> Transition:
    """Judge a proposed state and, where the rules accept it, write it with all its consequences.

    State, history, decision, event, work item and attempt change in the caller's transaction, under
    the run's row lock: two proposals for one run are judged one after the other, never together.

    Args:
        work: the unit of work.
        run_id: whose state.
        proposal: the state, and on whose behalf.
        locked: the run, where this unit of work has locked it already and changed nothing of it.

    Raises:
        NotFound: no such run in this workspace.
        IdempotencyMismatch: the proposal's key was used for a state of another type.
    """
    locked = locked or await repository.lock_run(work, run_id)
    if locked is None:
        raise NotFound("No such flow run, or you may not see it; check the id and the workspace.")
    judged = _judge(work, locked, proposal, actor=work.actor)
    if isinstance(judged, Transition):
        return judged
    if judged.effects.item is ItemEffect.CREATE and not await lock_place_of_run(
        work,
        deployment_id=locked.run.deployment_id,
        work_queue_id=(proposal.placing or locked.run).work_queue_id,
    ):
        error = IllegalTransition(
            "This run has no deployment or no pool (any more), so no agent can run it again; run "
            "the flow itself again.",
            current=locked.run.state_type,
            proposed=judged.decision.state.type,
        )
        return Transition(locked.run, locked.item, judged.decision, error)
    return (await _write(work, [(locked, judged)]))[run_id]


async def transition_many(
    work: UnitOfWork, asked: Sequence[tuple[LockedRun, Proposal, Actor]]
) -> dict[UUID, Transition | HeadgateError]:
    """Judge a proposal for each of many locked runs, and write the accepted ones in one statement.

    Each is judged for itself: a refused one harms no other. None of them may take locks of its own,
    on which the others would wait: one whose work item is to be created is left out of the answer,
    and unchanged.

    Args:
        work: a unit of work in the workspace of the runs.
        asked: runs that this unit of work has locked, each once, and on whose behalf what is asked.
    """
    answers: dict[UUID, Transition | HeadgateError] = {}
    changes: list[tuple[LockedRun, Change]] = []
    for locked, proposal, actor in asked:
        try:
            judged = _judge(work, locked, proposal, actor=actor)
        except HeadgateError as error:
            answers[locked.run.id] = error
            continue
        if isinstance(judged, Transition):
            answers[locked.run.id] = judged
        elif judged.effects.item is not ItemEffect.CREATE:
            changes.append((locked, judged))
    return {**answers, **await _write(work, changes)}


async def transition_waiting(
    work: UnitOfWork, proposals: Mapping[UUID, Proposal]
) -> tuple[list[UUID], list[UUID]]:
    """Judge one proposed state for each of many runs that wait, and write the accepted ones.

    Two statements however many there are. It is for states that leave the work item as it is, as
    Late does; another effect is refused as a mistake of ours. A run that somebody else holds is
    left out: it is being changed.

    Returns:
        Which runs were judged, and which of them entered the state.
    """
    judged: list[UUID] = []
    changes: list[Change] = []
    for locked in await repository.lock_free_runs(work, list(proposals)):
        if locked.item is None:
            continue
        judged.append(locked.run.id)
        change = _judge(work, locked, proposals[locked.run.id], actor=work.actor)
        if isinstance(change, Transition):
            continue
        if change.effects.item is not ItemEffect.KEEP:
            raise NotForMany
        changes.append(change)
    await repository.apply_transitions(work, changes)
    accepted = [change.run.id for change in changes]
    if accepted:
        work.wake(channels.OUTBOX, *(channels.run(run_id) for run_id in accepted))
    return judged, accepted


def _judge(
    work: UnitOfWork, locked: LockedRun, proposal: Proposal, *, actor: Actor
) -> Transition | Change:
    """Return what is to be written of a proposal, or what became of one that writes nothing."""
    decision = judge(_facts(work, locked, proposal), proposal.state)
    if decision.outcome is Outcome.REJECT:
        return Transition(locked.run, locked.item, decision, _refusal(locked, decision))
    if decision.outcome is Outcome.REPLAY:
        return Transition(locked.run, locked.item, decision, None)
    application = _application(work, locked, proposal)
    effects = consequences(
        locked.run, decision, has_item=locked.item is not None, at=application.at
    )
    name = _name_as_begun(locked.run, proposal, decision)
    return Change(locked.run, actor, decision, effects, application, run_name=name)


def _name_as_begun(run: FlowRun, proposal: Proposal, decision: Decision) -> str | None:
    """Return what a flow names its run as that begins; None where it has a name of its own."""
    is_begun = proposal.proposer is Proposer.HOLDER and decision.state.type is StateType.RUNNING
    if not is_begun or not names.is_made_up(run.name):
        return None
    return proposal.state.details.get(RUN_NAME)


async def _write(
    work: UnitOfWork, changes: Sequence[tuple[LockedRun, Change]]
) -> dict[UUID, Transition]:
    """Write accepted states, and note what follows the commit.

    What is below runs that end is not touched here, however much it is: that it ends, too, is noted
    in the same transaction, and a loop does it.
    """
    runs = await repository.apply_transitions(work, [change for _, change in changes])
    tasks = {change.run.id: end_of_tasks(change.decision) for _, change in changes}
    left = {id_: type_ for id_, type_ in tasks.items() if type_ is not None}
    if left:
        await task_runs.end_unfinished(work, left)
    over = [end for _, change in changes if (end := _run_end(change))]
    if over and await cancels.note_ends(work, over):
        work.wake(channels.SCHEDULER)
    items = [run.id for run in runs.values() if _is_over_for_backfill(run)]
    if items and await backfills.hasten(work, run_ids=items):
        work.wake(channels.SCHEDULER)
    written: dict[UUID, Transition] = {}
    for locked, change in changes:
        run = runs[change.run.id]
        if locked.run.state_type is StateType.PAUSED:
            await pauses.end_waiting(work, run.id)
        if run.state_type.is_terminal and locked.item and locked.item.pause_key is not None:
            await pauses.end_request(work, run.id)
        _wake(work, locked, run, change)
        if not is_corrected(change.decision):
            _measure(work, locked, run)
        entered = _entered(run, change.decision, actor=change.actor)
        written[run.id] = Transition(run, locked.item, change.decision, None, entered)
    return written


def _is_over_for_backfill(run: FlowRun) -> bool:
    return run.state_type.is_terminal and "backfillId" in (run.triggered_by or {})


def _run_end(change: Change) -> RunEnd | None:
    """Return what of an accepted state is to reach what is below its run."""
    end = end_of_process(change.decision)
    if end is None and not is_taken(change.decision):
        return None
    grace = change.application.cancel_grace_seconds
    return RunEnd(
        run_id=change.run.id,
        is_cancelled=end is not None and end is not StateType.CRASHED,
        process_end=end_of_tasks(change.decision),
        grace_seconds=DEFAULT_GRACE_SECONDS if grace is None else grace,
    )


def _application(work: UnitOfWork, locked: LockedRun, proposal: Proposal) -> Application:
    return Application(
        key=proposal_keys.remember(locked.state_key, key=proposal.key, type_=proposal.state.type),
        at=_timestamp(work.now, locked.run, proposal.state),
        lease=proposal.lease_duration,
        late_cause=proposal.late_cause,
        cancel_reason=proposal.cancel_reason,
        cancel_grace_seconds=proposal.cancel_grace_seconds,
        placing=proposal.placing,
    )


def _facts(work: UnitOfWork, locked: LockedRun, proposal: Proposal) -> Facts:
    run, item = locked.run, locked.item
    return Facts(
        now=work.now,
        current_type=run.state_type,
        current_name=run.state_name,
        proposer=proposal.proposer,
        phase=item.phase if item else None,
        is_lease_valid=holds(proposal.lease, item),
        is_duplicate=proposal_keys.is_known(
            locked.state_key, key=proposal.key, type_=proposal.state.type
        ),
        is_forced=proposal.is_forced,
        has_pool=run.work_pool_id is not None,
        is_rerun=proposal.is_rerun,
        is_resume=proposal.is_resume,
        is_correction=proposal.is_correction,
        is_agent_lost=proposal.is_agent_lost,
        is_undeliverable=proposal.is_undeliverable,
        is_lease_expired=bool(item and item.fence_until and item.fence_until < work.now),
        is_cancel_requested=bool(item and item.cancel_requested_at),
        retries_used=run.retries_used,
        on_agent_lost=locked.on_agent_lost,
        infrastructure_attempts=run.infrastructure_attempts,
        infrastructure_retries=locked.infrastructure_retries,
    )


def _entered(run: FlowRun, decision: Decision, *, actor: Actor) -> State:
    return State(
        run_id=run.id,
        sequence=run.state_sequence,
        type=run.state_type,
        name=run.state_name,
        message=run.state_message,
        timestamp=run.state_timestamp,
        details=decision.state.details,
        actor=actor,
        decision=decision.to_json(),
    )


def holds(lease: LeaseRef | None, item: WorkItem | None) -> bool:
    """Whether a shown lease is the live one of a work item."""
    return (
        lease is not None
        and item is not None
        and item.phase is not Phase.READY
        and (lease.token, lease.epoch) == (item.token, item.epoch)
    )


def _refusal(locked: LockedRun, decision: Decision) -> HeadgateError:
    if decision.code == "LEASE_LOST":
        epoch = locked.item.epoch if locked.item else None
        return LeaseLost(decision.reason, current_epoch=epoch)
    return IllegalTransition(
        decision.reason, current=locked.run.state_type, proposed=decision.proposed.type
    )


def _timestamp(now: datetime, run: FlowRun, state: ProposedState) -> datetime:
    """Return when the state was entered: the proposer's word within reason, and never backwards."""
    said = when_told(state.timestamp, sent_at=state.sent_at, now=now)
    return max(said, run.state_timestamp)


def _measure(work: UnitOfWork, locked: LockedRun, run: FlowRun) -> None:
    item = locked.item
    if run.state_type.is_terminal:
        work.measure(instruments.ENDED, 1, label=run.state_type)
    elif item is not None and run.state_type is StateType.PENDING and item.offered_at is not None:
        work.measure(instruments.CLAIMED, (work.now - item.offered_at).total_seconds())
    elif item is not None and run.state_type is StateType.RUNNING and item.phase is Phase.CLAIMED:
        work.measure(instruments.STARTED, (work.now - item.due_at).total_seconds())


def _wake(work: UnitOfWork, locked: LockedRun, run: FlowRun, change: Change) -> None:
    item = change.effects.item
    work.wake(channels.run(run.id), channels.OUTBOX)
    if item in {ItemEffect.REQUEUE, ItemEffect.CREATE} or run.state_type in _GROUPED:
        work.wake(channels.SCHEDULER)
    if item in {ItemEffect.REQUEUE, ItemEffect.FINISH}:
        work.wake(channels.slots(run.workspace_id))
    session_id = locked.item.session_id if locked.item else None
    if item in {ItemEffect.REQUEUE, ItemEffect.CREATE, ItemEffect.FINISH} and run.work_pool_id:
        work.wake(channels.pool(run.work_pool_id))
    is_told = item in {ItemEffect.REQUEUE, ItemEffect.FINISH}
    is_told = is_told and change.decision.facts.proposer is not Proposer.HOLDER
    if session_id is not None and (is_told or run.state_type is StateType.CANCELLING):
        work.wake(channels.agent(session_id))
