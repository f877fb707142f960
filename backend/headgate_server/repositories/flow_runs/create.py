"""Inserts runs, each with its first state, work item, tags and event."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.errors import Conflict
from headgate_server.domain.flow_runs import FlowRun, NewFlowRun
from headgate_server.domain.leases import Phase
from headgate_server.domain.quotas import day_of, month_of
from headgate_server.domain.slices import sliced
from headgate_server.domain.states import ProposedState
from headgate_server.repositories.flow_runs.rows import to_flow_run, typed
from headgate_server.repositories.statements import named, packed
from headgate_server.telemetry import traces

FEW_UNSUMMED = 200
"""More rows of what an organization used, not summed up yet, are merged by who creates runs."""
MOST_MERGED = 1_000
"""At once: so many more than one creation adds that they do not pile up without the loop either."""
UNIQUE_VIOLATION = "23505"
"""What Postgres says where an id is there already, whoever may see it."""
MOST_UNSUMMED = 5_000
"""No more are read, which takes a few milliseconds; beyond it nothing is counted until merged."""


@dataclass(frozen=True, slots=True)
class Promises:
    """What a work item keeps of its deployment's promises, in milliseconds, and its queue."""

    queue_priority: int
    late_threshold_ms: int
    on_agent_lost: str
    abandon_after_ms: int
    fence_ms: int
    infrastructure_retries: int


@dataclass(frozen=True, slots=True)
class FirstLease:
    """The lease under which a run in the caller's own process is born."""

    token: UUID
    epoch: int
    fence_until: datetime


@dataclass(frozen=True, slots=True)
class RunToInsert:
    """A run with its id, its first state and its promises.

    Args:
        at: when it entered its first state, where that is told later.
    """

    id: UUID
    run: NewFlowRun
    state: ProposedState
    promises: Promises
    lease: FirstLease | None = None
    collision_key: str | None = None
    is_patient: bool = False
    at: datetime | None = None


async def insert_runs(
    work: UnitOfWork,
    runs: Sequence[RunToInsert],
    *,
    is_limited: bool = True,
    judged_ids: Collection[UUID] = (),
) -> list[FlowRun | None]:
    """Insert the runs in one statement and return them in the order given.

    Each remembers the span of the call that it comes from, for the process that runs it. The last
    are None where a quota of the organization has no room for all, unless they are not limited.
    ``judged_ids`` are the deployments by whose locked limits the caller judges their runs.

    Raises:
        Conflict: an id is taken, here or anywhere else.
    """
    if not runs:
        return []
    records = [packed(_record(item, work.now)) async for some in sliced(runs) for item in some]
    today = day_of(work.now)
    statement = typed(named("create_runs"))
    values = {
        "workspace_id": work.workspace_id,
        "now": work.now,
        "actor_kind": work.actor.kind,
        "actor_id": work.actor.id,
        "actor_name": work.actor.display_name,
        "traceparent": traces.current_traceparent(),
        "runs": f"[{','.join(records)}]",
        "today": today,
        "month": month_of(today),
        "is_limited": is_limited,
        "judged_ids": list(judged_ids),
        "usage_id": ids.new_id(),
        "size_bytes": sum(map(len, records)),
        "few_unsummed": FEW_UNSUMMED,
        "most_unsummed": MOST_UNSUMMED,
        "most_merged": MOST_MERGED,
    }
    try:
        result = await work.execute(statement, values)
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) != UNIQUE_VIOLATION:
            raise
        raise Conflict("There is a run of this id; make another id.", path=["id"]) from error
    found = {row.id: to_flow_run(row) async for some in sliced(result.all()) for row in some}
    return [found.get(item.id) for item in runs]


def _record(item: RunToInsert, now: datetime) -> dict[str, Any]:
    run, state, promises, lease = item.run, item.state, item.promises, item.lease
    shown = ids.show(ids.Kind.FLOW_RUN, item.id)
    return {
        "id": item.id,
        "name": run.name,
        "flow_id": run.flow_id,
        "deployment_id": run.deployment_id,
        "deployment_version_id": run.deployment_version_id,
        "schedule_id": run.schedule_id,
        "parent_task_run_id": run.parent_task_run_id,
        "root_run_id": run.root_run_id,
        "work_pool_id": run.work_pool_id,
        "work_queue_id": run.work_queue_id,
        "queue_priority": promises.queue_priority,
        "priority": run.priority,
        "parameters": run.parameters,
        "job_variables": run.job_variables,
        "tags": run.tags,
        "expected_start": run.expected_start or now,
        "idempotency_key": run.idempotency_key,
        "triggered_by": run.triggered_by,
        "state_type": state.type,
        "state_name": state.name,
        "state_message": state.message,
        "state_details": state.details,
        "phase": Phase.READY if lease is None else Phase.CLAIMED,
        "collision_key": item.collision_key,
        "token": lease.token if lease else None,
        "epoch": lease.epoch if lease else 0,
        "fence_until": lease.fence_until if lease else None,
        "late_threshold_ms": promises.late_threshold_ms,
        "on_agent_lost": promises.on_agent_lost,
        "abandon_after_ms": promises.abandon_after_ms,
        "fence_ms": promises.fence_ms,
        "infrastructure_retries": promises.infrastructure_retries,
        "at": item.at,
        "event_id": ids.new_id(),
        "event_resource_id": shown,
        "event_resource": {"id": shown, "kind": "flow_run", "name": run.name},
        "event_payload": {"state": {"type": state.type, "name": state.name}},
        "event_related": related(flow_id=run.flow_id, deployment_id=run.deployment_id),
    }


def related(*, flow_id: UUID, deployment_id: UUID | None) -> list[dict[str, str]]:
    """Return the related resources that an event of a run names."""
    found = [{"kind": "flow", "id": ids.show(ids.Kind.FLOW, flow_id)}]
    if deployment_id is not None:
        found.append({"kind": "deployment", "id": ids.show(ids.Kind.DEPLOYMENT, deployment_id)})
    return found
