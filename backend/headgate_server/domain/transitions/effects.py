"""What an accepted state does to the work item, the attempt and the run: pure consequences."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.leases import Phase
from headgate_server.domain.states import StateType
from headgate_server.domain.transitions.facts import Decision, Facts, Proposer
from headgate_server.domain.transitions.pauses import is_suspended
from headgate_server.domain.transitions.rules import gives_back


class ItemEffect(StrEnum):
    """What becomes of the run's work item."""

    KEEP = "KEEP"
    CLAIM = "CLAIM"
    START = "START"
    REQUEUE = "REQUEUE"
    CREATE = "CREATE"
    FINISH = "FINISH"


@dataclass(frozen=True, slots=True)
class Effects:
    """The consequences of one accepted state.

    ``expected_start``: the instant that the run is expected at from now on; None keeps it.
    ``counts_restart``: somebody asks for another start of the run's code, which counts to the quota
    from now on and not once more as it starts.
    """

    item: ItemEffect
    opens_attempt: bool
    closes_attempt: bool
    attempt: int
    retries_used: int
    infrastructure_attempts: int
    started_at: datetime | None
    ended_at: datetime | None
    due_at: datetime | None
    expected_start: datetime | None
    counts_restart: bool = False


WAITING = frozenset({"Late", "AwaitingConcurrencySlot"})
"""What a run is called that goes on waiting where it waits."""
INFRASTRUCTURE_BACKOFF = timedelta(seconds=5)


_BEGUN = frozenset({StateType.RUNNING, StateType.PAUSED})
_ENDING = frozenset({StateType.CANCELLING, StateType.CANCELLED, StateType.CRASHED})


def end_of_process(decision: Decision) -> StateType | None:
    """Return how an accepted decision ends a run, for what is below it; None where that goes on.

    A run that crashed and starts again leaves nothing of its process behind either.
    """
    if is_corrected(decision):
        return None
    if decision.state.type in _ENDING:
        return decision.state.type
    return StateType.CRASHED if decision.proposed.type is StateType.CRASHED else None


def end_of_tasks(decision: Decision) -> StateType | None:
    """Return how an accepted decision ends the task runs that are not over; None where it does not.

    They end with their process. Where a person takes the run from it, they are cancelled.
    """
    end = end_of_process(decision)
    if end is not None:
        return end if end.is_terminal else None
    return StateType.CANCELLED if is_taken(decision) else None


def is_corrected(decision: Decision) -> bool:
    """Whether a run that had ended is only called another end: that was, and is, its one end."""
    return decision.facts.corrects(decision.state.type)


def is_taken(decision: Decision) -> bool:
    """Whether a person takes a run from its process: it ends by hand, or is to start anew."""
    facts, type_ = decision.facts, decision.state.type
    if facts.proposer is not Proposer.PERSON or facts.is_rerun or facts.is_resume:
        return False
    if is_corrected(decision):
        return False
    has_begun = facts.current_type in _BEGUN or facts.phase is Phase.RUNNING
    return type_.is_terminal or (type_ is StateType.SCHEDULED and has_begun)


def consequences(run: FlowRun, decision: Decision, *, has_item: bool, at: datetime) -> Effects:
    """Return what follows from a decision that accepts or renames.

    Args:
        run: as it was.
        decision: what was decided.
        has_item: whether the run has a work item.
        at: when the state was entered, which may be told later.
    """
    facts, state = decision.facts, decision.state
    is_start = state.type is StateType.RUNNING and facts.current_type is not StateType.PAUSED
    is_retry = decision.proposed.type is StateType.FAILED and state.name == "AwaitingRetry"
    is_restart = decision.proposed.type is StateType.CRASHED and not state.type.is_terminal
    item = _item_effect(decision, has_item=has_item)
    ended = state.type.is_terminal
    due_at = _due_at(run, decision, is_restart=is_restart)
    return Effects(
        item=item,
        opens_attempt=is_start,
        closes_attempt=is_retry or item in {ItemEffect.FINISH, ItemEffect.REQUEUE},
        attempt=run.attempt + 1 if is_start else run.attempt,
        retries_used=0 if facts.is_rerun else run.retries_used + is_retry,
        infrastructure_attempts=(0 if facts.is_rerun else run.infrastructure_attempts + is_restart),
        started_at=run.started_at or (at if is_start else None),
        ended_at=run.ended_at if is_corrected(decision) else at if ended else None,
        due_at=due_at,
        expected_start=due_at if facts.is_rerun or _is_sooner(run, facts) else None,
        counts_restart=run.attempt > 0 and item in _AGAIN and _is_asked(facts),
    )


_AGAIN = frozenset({ItemEffect.CREATE, ItemEffect.REQUEUE})


def _is_asked(facts: Facts) -> bool:
    """Whether somebody has a run start again, and not just sooner, nor by answering it."""
    is_by_person = facts.proposer is Proposer.PERSON
    return is_by_person and not facts.is_resume and not facts.waits_for_agent


def _is_sooner(run: FlowRun, facts: Facts) -> bool:
    """Whether a person has a run that never began start before the time it was made for."""
    is_waiting = facts.proposer is Proposer.PERSON and facts.waits_for_agent and not run.attempt
    return is_waiting and run.expected_start is not None and run.expected_start > facts.now


def _item_effect(decision: Decision, *, has_item: bool) -> ItemEffect:
    facts, state = decision.facts, decision.state
    if is_corrected(decision):
        return ItemEffect.KEEP
    if state.type.is_terminal or is_suspended(state):
        return ItemEffect.FINISH
    if state.type is StateType.RUNNING:
        return ItemEffect.KEEP if facts.is_resume else ItemEffect.START
    if state.type is StateType.PENDING:
        return ItemEffect.CLAIM
    if state.type is not StateType.SCHEDULED or state.name in WAITING:
        return ItemEffect.KEEP
    if not has_item:
        return ItemEffect.CREATE
    is_in_process = decision.proposed.type is StateType.FAILED and not gives_back(state)
    return ItemEffect.KEEP if is_in_process and facts.phase is Phase.RUNNING else ItemEffect.REQUEUE


def _due_at(run: FlowRun, decision: Decision, *, is_restart: bool) -> datetime | None:
    if decision.state.type is not StateType.SCHEDULED:
        return None
    now = decision.facts.now
    if gives_back(decision.state):
        return datetime.fromisoformat(decision.state.details["retryAt"])
    if is_restart:
        return now + INFRASTRUCTURE_BACKOFF * (run.infrastructure_attempts + 1)
    return now
