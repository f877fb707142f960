"""Locks a run for a transition, and writes what was decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.deployments import AgentLostPolicy
from headgate_server.domain.flow_runs import FlowRun, LateCause
from headgate_server.domain.leases import PauseKind, Phase, WorkItem
from headgate_server.domain.quotas import day_of
from headgate_server.domain.reruns import Placing
from headgate_server.domain.states import StateType
from headgate_server.domain.tenancy import Actor
from headgate_server.domain.transitions.effects import Effects, ItemEffect
from headgate_server.domain.transitions.facts import Decision
from headgate_server.repositories.flow_runs.create import related
from headgate_server.repositories.flow_runs.rows import to_flow_run, typed
from headgate_server.repositories.statements import named, packed


@dataclass(frozen=True, slots=True)
class LockedRun:
    """A run under its row lock, with its work item and the key of its latest transition."""

    run: FlowRun
    item: WorkItem | None
    state_key: str | None
    on_agent_lost: AgentLostPolicy
    infrastructure_retries: int


async def lock_run(work: UnitOfWork, run_id: UUID) -> LockedRun | None:
    """Lock a run and its work item until the transaction ends; None where there is no such run."""
    result = await work.execute(
        typed(named("lock_run")), {"workspace_id": work.workspace_id, "run_id": run_id}
    )
    row = result.one_or_none()
    return None if row is None else _locked(row)


async def lock_free_runs(work: UnitOfWork, run_ids: Sequence[UUID]) -> list[LockedRun]:
    """Lock those of the runs that exist and that nobody else holds, in one statement.

    A run that somebody holds is being changed: it is left out, so that two batches that meet
    never wait for each other.
    """
    rows = await work.execute(
        typed(named("lock_runs")), {"workspace_id": work.workspace_id, "run_ids": list(run_ids)}
    )
    return [_locked(row) for row in rows]


async def lock_all_runs(work: UnitOfWork, run_ids: Sequence[UUID]) -> list[LockedRun]:
    """Lock those of the runs that exist, in the order of ids, in one statement.

    It waits for whoever holds one; two batches that meet never wait for each other in a circle.
    """
    rows = await work.execute(
        typed(named("lock_all_runs")), {"workspace_id": work.workspace_id, "run_ids": list(run_ids)}
    )
    return [_locked(row) for row in rows]


def _locked(row: Row[Any]) -> LockedRun:
    return LockedRun(
        run=to_flow_run(row),
        item=_item(row) if row.item_run_id is not None else None,
        state_key=row.state_key,
        on_agent_lost=AgentLostPolicy(row.item_on_agent_lost or AgentLostPolicy.CRASH),
        infrastructure_retries=row.item_infrastructure_retries or 0,
    )


def _item(row: Row[Any]) -> WorkItem:
    return WorkItem(
        workspace_id=row.workspace_id,
        run_id=row.item_run_id,
        work_pool_id=row.work_pool_id,
        work_queue_id=row.work_queue_id,
        queue_priority=row.item_queue_priority,
        priority=row.item_priority,
        due_at=row.item_due_at,
        phase=Phase(row.item_phase),
        session_id=row.item_session_id,
        agent_id=None,
        token=row.item_token,
        epoch=row.item_epoch,
        fence_until=row.item_fence_until,
        last_seen_at=row.item_last_seen_at,
        offered_at=row.item_offered_at,
        claimed_at=row.item_claimed_at,
        deliveries=row.item_deliveries,
        cancel_requested_at=row.item_cancel_requested_at,
        cancel_reason=row.item_cancel_reason,
        cancel_grace_seconds=row.item_cancel_grace_seconds,
        pause_key=row.item_pause_key,
        pause_kind=PauseKind(row.item_pause_kind) if row.item_pause_kind else None,
    )


@dataclass(frozen=True, slots=True)
class Application:
    """What is written beside the decision and its effects."""

    key: str | None
    at: datetime
    lease: timedelta
    late_cause: LateCause | None = None
    cancel_reason: str | None = None
    cancel_grace_seconds: int | None = None
    placing: Placing | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """An accepted state of a run, who proposed it, and all that is written of it.

    Args:
        run_name: what the run is called from now on; None where it keeps its name.
    """

    run: FlowRun
    actor: Actor
    decision: Decision
    effects: Effects
    application: Application
    run_name: str | None = None


async def apply_transitions(work: UnitOfWork, changes: Sequence[Change]) -> dict[UUID, FlowRun]:
    """Write accepted states, their history, consequences and events, all in one statement.

    Returns:
        The runs as they now are, by id.
    """
    if not changes:
        return {}
    result = await work.execute(
        typed(named("apply_transition")),
        {
            "workspace_id": work.workspace_id,
            "now": work.now,
            "today": day_of(work.now),
            "run_ids": [change.run.id for change in changes],
            "changes": packed([_values(change) for change in changes]),
            **_touched(changes),
        },
    )
    return {row.id: to_flow_run(row) for row in result}


def _touched(changes: Sequence[Change]) -> dict[str, list[UUID]]:
    """Return the runs whose work items or attempts change, by how: the others cost nothing."""
    touched: dict[str, list[UUID]] = {name: [] for name in _TOUCHED}
    for change in changes:
        effects, run_id = change.effects, change.run.id
        if effects.item in _BY_EFFECT:
            touched[_BY_EFFECT[effects.item]].append(run_id)
        if effects.item is ItemEffect.KEEP and change.decision.state.type is StateType.CANCELLING:
            touched["cancelling"].append(run_id)
        if effects.closes_attempt:
            touched["closed"].append(run_id)
        if effects.opens_attempt:
            touched["opened"].append(run_id)
        if effects.counts_restart:
            touched["again"].append(run_id)
    return touched


_BY_EFFECT = {
    ItemEffect.CLAIM: "claimed",
    ItemEffect.START: "started",
    ItemEffect.REQUEUE: "requeued",
    ItemEffect.FINISH: "finished",
}
_TOUCHED = (*_BY_EFFECT.values(), "cancelling", "closed", "opened", "again")


def _values(change: Change) -> dict[str, Any]:
    run, decision, effects, application = (
        change.run,
        change.decision,
        change.effects,
        change.application,
    )
    state = decision.state
    return {
        "run_id": run.id,
        "actor_kind": change.actor.kind,
        "actor_id": change.actor.id,
        "actor_name": change.actor.display_name,
        "type": state.type,
        "name": state.name,
        "message": state.message,
        "at": application.at,
        "key": application.key,
        "details": state.details,
        "decision": decision.to_json(),
        "is_cancelling": state.type is StateType.CANCELLING,
        "late_cause": application.late_cause,
        "attempt": effects.attempt,
        "retries_used": effects.retries_used,
        "infrastructure_attempts": effects.infrastructure_attempts,
        "started_at": effects.started_at,
        "ended_at": effects.ended_at,
        "expected_start": effects.expected_start,
        "item_effect": effects.item,
        "lease_seconds": application.lease.total_seconds(),
        "due_at": effects.due_at,
        "cancel_reason": application.cancel_reason,
        "cancel_grace_seconds": application.cancel_grace_seconds,
        "run_name": change.run_name,
        **_placed(application.placing),
        **_event_of(run, decision, effects, name=change.run_name or run.name),
    }


def _placed(placing: Placing | None) -> dict[str, UUID | None]:
    if placing is None:
        return {}
    return {
        "deployment_version_id": placing.version_id,
        "work_pool_id": placing.work_pool_id,
        "work_queue_id": placing.work_queue_id,
    }


def _event_of(run: FlowRun, decision: Decision, effects: Effects, *, name: str) -> dict[str, Any]:
    state = decision.state
    shown = ids.show(ids.Kind.FLOW_RUN, run.id)
    payload = {
        "state": {
            "type": state.type,
            "name": state.name,
            "message": state.message,
            "sequence": run.state_sequence + 1,
        },
        "previous": {"type": run.state_type, "name": run.state_name},
        "attempt": effects.attempt,
    }
    return {
        "event_id": ids.new_id(),
        "event_name": f"flow_run.{event_word(state.name)}",
        "event_resource_id": shown,
        "event_resource": {"id": shown, "kind": "flow_run", "name": name},
        "event_payload": payload,
        "event_related": related(flow_id=run.flow_id, deployment_id=run.deployment_id),
    }


def event_word(state_name: str) -> str:
    """Return a state's name as the last word of an event's name: AwaitingRetry, awaiting_retry."""
    words = "".join(f"_{char.lower()}" if char.isupper() else char for char in state_name)
    return words.strip("_ ").replace(" ", "_")
