"""Moves runs: the engine's proposals, and what people ask for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.ids import Kind
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.states import (
    MAX_MESSAGE_LENGTH,
    ProposedState,
    StateType,
    check_details,
    propose,
)
from headgate_server.domain.tenancy import ActorKind
from headgate_server.domain.transitions import proposal_keys
from headgate_server.domain.transitions.facts import Proposer
from headgate_server.services import quotas
from headgate_server.services.audit_entries.record import record_action
from headgate_server.services.transitions import Proposal, Transition, transition

MAX_GRACE_SECONDS = 3600
_MACHINERY = frozenset({ActorKind.RUN, ActorKind.AGENT_SESSION, ActorKind.SYSTEM})


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """How a run is to be cancelled."""

    reason: str | None = None
    grace_seconds: int = 30
    is_forced: bool = False


async def set_state(
    work: UnitOfWork,
    *,
    run_id: UUID,
    state: ProposedState,
    lease: LeaseRef | None,
    key: str | None,
    is_forced: bool = False,
) -> Transition:
    """Propose a state for a run: as its holder under a lease, else as a person.

    The caller has checked that a person may: a lease needs no further right, it is one.

    Raises:
        NotFound: no such run in this workspace.
        InvalidInput: a state that only Headgate enters by itself, details that are too large, or
            a bad key.
        IdempotencyMismatch: the key was used for a state of another type.
    """
    proposal = check_proposal(run_id=run_id, state=state, lease=lease, key=key, is_forced=is_forced)
    done = await transition(work, run_id=run_id, proposal=proposal)
    if lease is None:
        said = {"state": state.name, "type": state.type, "forced": is_forced}
        await _record(work, "state_set", done, said)
    return done


def check_proposal(
    *,
    run_id: UUID,
    state: ProposedState,
    lease: LeaseRef | None,
    key: str | None,
    is_forced: bool = False,
) -> Proposal:
    """Return the proposal of a holder, or where there is no lease, of a person.

    Raises:
        InvalidInput: as ``set_state``.
    """
    if lease is not None and lease.run_id != run_id:
        raise InvalidInput("The lease is of another run.", path=["lease", "runId"])
    if state.type is StateType.PENDING:
        raise InvalidInput("A run becomes PENDING by being claimed.", path=["state", "type"])
    check_details(state.details)
    proposal_keys.check_key(key)
    proposer = Proposer.PERSON if lease is None else Proposer.HOLDER
    return Proposal(
        state=state, proposer=proposer, lease=lease, key=key, is_forced=is_forced and lease is None
    )


async def cancel_run(work: UnitOfWork, *, run_id: UUID, request: CancelRequest) -> Transition:
    """Ask for a run to be cancelled: at once where it has not started, else through its holder.

    A forced cancel takes the lease away now; the agent is told to kill the process.

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
    message = request.reason or "Cancelled by request."
    type_ = StateType.CANCELLED if request.is_forced else StateType.CANCELLING
    proposal = Proposal(
        state=propose(type_, message=message),
        proposer=Proposer.PERSON,
        is_forced=request.is_forced,
        cancel_reason=request.reason,
        cancel_grace_seconds=request.grace_seconds,
    )
    done = await transition(work, run_id=run_id, proposal=proposal)
    said = {"reason": request.reason, "forced": request.is_forced}
    await _record(work, "cancelled", done, said)
    return done


async def retry_run(work: UnitOfWork, *, run_id: UUID) -> Transition:
    """Start a run that has ended again, as the same run: its history goes on.

    Raises:
        NotFound: no such run in this workspace.
        QuotaExceeded: the organization may start no more runs for now.
    """
    await quotas.check_runs(work)
    proposal = Proposal(
        state=propose(StateType.SCHEDULED, message="Started again by request."),
        proposer=Proposer.PERSON,
        is_rerun=True,
    )
    done = await transition(work, run_id=run_id, proposal=proposal)
    await _record(work, "retried", done, {"attempt": done.run.attempt})
    return done


async def _record(work: UnitOfWork, verb: str, done: Transition, said: Mapping[str, Any]) -> None:
    """Write what somebody did to a run; a run's own process is told of by its states."""
    if done.state is None or work.actor.kind in _MACHINERY:
        return
    run = done.run
    await record_action(work, verb, kind=Kind.FLOW_RUN, id_=run.id, name=run.name, said=said)
