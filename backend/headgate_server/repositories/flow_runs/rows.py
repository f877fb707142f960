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

WIDE = frozenset({"parameters", "job_variables", "state_key", "collision_key"})
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
    # A page shows thousands of values, and by key one is read five times as fast as by attribute.
    found = row._mapping  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # SQLAlchemy's API
    return FlowRun(
        workspace_id=found["workspace_id"],
        id=found["id"],
        name=found["name"],
        flow_id=found["flow_id"],
        deployment_id=found["deployment_id"],
        deployment_version_id=found["deployment_version_id"],
        schedule_id=found["schedule_id"],
        parent_task_run_id=found["parent_task_run_id"],
        root_run_id=found["root_run_id"],
        work_pool_id=found["work_pool_id"],
        work_queue_id=found["work_queue_id"],
        state_type=StateType(found["state_type"]),
        state_name=found["state_name"],
        state_message=found["state_message"],
        state_timestamp=found["state_timestamp"],
        state_sequence=found["state_sequence"],
        version=found["version"],
        attempt=found["attempt"],
        retries_used=found["retries_used"],
        infrastructure_attempts=found["infrastructure_attempts"],
        priority=found["priority"],
        expected_start=found["expected_start"],
        started_at=found["started_at"],
        ended_at=found["ended_at"],
        late_cause=LateCause(found["late_cause"]) if found["late_cause"] else None,
        unresponsive_since=found["unresponsive_since"],
        cancel_requested_at=found["cancel_requested_at"],
        idempotency_key=found["idempotency_key"],
        created_by=Actor(
            kind=ActorKind(found["created_by_kind"]),
            id=found["created_by_id"],
            display_name=found["created_by_name"],
        ),
        triggered_by=found["triggered_by"],
        created_at=found["created_at"],
        updated_at=found["updated_at"],
    )
