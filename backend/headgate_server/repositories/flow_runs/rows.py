"""How rows of flow runs become domain objects."""

from functools import cache
from typing import Any

from sqlalchemy import Row
from sqlalchemy.sql.elements import TextClause
from sqlalchemy.sql.selectable import TextualSelect

from headgate_server.domain.flow_runs import FlowRun, LateCause
from headgate_server.domain.states import StateType
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.tables.flow_runs import flow_runs

WIDE = frozenset({"parameters", "job_variables", "state_key"})
COLUMNS = tuple(column for column in flow_runs.c if column.name not in WIDE)
"""Every column but the wide ones."""


@cache
def typed(statement: TextClause) -> TextualSelect:
    """Return a textual statement whose result columns have the table's types; made once."""
    return statement.columns(**{column.name: column.type for column in flow_runs.c})


def actor_of(row: Row[Any], prefix: str) -> Actor:
    """Return the actor in a row's three columns."""
    return Actor(
        kind=ActorKind(getattr(row, f"{prefix}_kind")),
        id=getattr(row, f"{prefix}_id"),
        display_name=getattr(row, f"{prefix}_name"),
    )


def to_flow_run(row: Row[Any]) -> FlowRun:
    """Return the flow run in a row that has at least ``COLUMNS``."""
    return FlowRun(
        workspace_id=row.workspace_id,
        id=row.id,
        name=row.name,
        flow_id=row.flow_id,
        deployment_id=row.deployment_id,
        schedule_id=row.schedule_id,
        parent_task_run_id=row.parent_task_run_id,
        root_run_id=row.root_run_id,
        work_pool_id=row.work_pool_id,
        work_queue_id=row.work_queue_id,
        state_type=StateType(row.state_type),
        state_name=row.state_name,
        state_message=row.state_message,
        state_timestamp=row.state_timestamp,
        state_sequence=row.state_sequence,
        version=row.version,
        attempt=row.attempt,
        retries_used=row.retries_used,
        infrastructure_attempts=row.infrastructure_attempts,
        priority=row.priority,
        expected_start=row.expected_start,
        started_at=row.started_at,
        ended_at=row.ended_at,
        late_cause=LateCause(row.late_cause) if row.late_cause else None,
        unresponsive_since=row.unresponsive_since,
        cancel_requested_at=row.cancel_requested_at,
        idempotency_key=row.idempotency_key,
        created_by=actor_of(row, "created_by"),
        triggered_by=row.triggered_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
