"""Flow runs with their attempts and states, task runs, and the cursors of a run's streams."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR, UUID

from headgate_server.tables.metadata import actor, json, metadata, moment, number, uuid, words

STATE_TYPES = (
    "'SCHEDULED', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING', "
    "'COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED'"
)
TERMINAL_TYPES = "'COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED'"

VACUUMED_OFTEN = {
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_vacuum_cost_delay": "1",
}

flow_runs = Table(
    "flow_runs",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    words("name"),
    uuid("flow_id"),
    uuid("deployment_id", is_nullable=True),
    uuid("deployment_version_id", is_nullable=True),
    uuid("schedule_id", is_nullable=True),
    uuid("parent_task_run_id", is_nullable=True),
    uuid("root_run_id", is_nullable=True),
    uuid("work_pool_id", is_nullable=True),
    uuid("work_queue_id", is_nullable=True),
    words("state_type"),
    words("state_name"),
    words("state_message", is_nullable=True),
    moment("state_timestamp"),
    number("state_sequence"),
    words("state_key", is_nullable=True),
    number("version", default=1),
    number("attempt", default=0),
    number("retries_used", default=0),
    number("infrastructure_attempts", default=0),
    number("priority", default=0),
    moment("expected_start"),
    moment("started_at", is_nullable=True),
    moment("ended_at", is_nullable=True),
    words("late_cause", is_nullable=True),
    moment("unresponsive_since", is_nullable=True),
    moment("cancel_requested_at", is_nullable=True),
    words("idempotency_key", is_nullable=True),
    *actor("created_by"),
    json("triggered_by", is_nullable=True),
    json("parameters", default="{}"),
    json("job_variables", is_nullable=True),
    words("traceparent", is_nullable=True),
    words("collision_key", is_nullable=True),
    number("last_epoch", default=0),
    moment("created_at", is_now=True),
    moment("updated_at", is_now=True),
    CheckConstraint(f"state_type in ({STATE_TYPES})", name="state_type"),
    CheckConstraint(f"(state_type in ({TERMINAL_TYPES})) = (ended_at is not null)", name="ended"),
    CheckConstraint(
        "late_cause in ('CONTROL_PLANE', 'NO_AGENT', 'LIMIT', 'PAUSED')", name="late_cause"
    ),
    ForeignKeyConstraint(["workspace_id", "flow_id"], ["flows.workspace_id", "flows.id"]),
    Index("ix_flow_runs_id", "id", unique=True),
    Index("ix_flow_runs_newest", "workspace_id", "expected_start", "id"),
    Index("ix_flow_runs_state", "workspace_id", "state_type", "expected_start", "id"),
    Index(
        "ix_flow_runs_late",
        "workspace_id",
        "expected_start",
        "id",
        postgresql_where=text("state_name = 'Late'"),
    ),
    Index("ix_flow_runs_deployment", "workspace_id", "deployment_id", "expected_start", "id"),
    Index("ix_flow_runs_flow", "workspace_id", "flow_id", "expected_start", "id"),
    Index(
        "ix_flow_runs_made_late",
        "workspace_id",
        "created_at",
        postgresql_where=text("expected_start < created_at and deployment_id is not null"),
    ),
    Index(
        "ix_flow_runs_ended",
        "workspace_id",
        "ended_at",
        postgresql_where=text("ended_at is not null"),
    ),
    Index(
        "ix_flow_runs_parent",
        "workspace_id",
        "parent_task_run_id",
        postgresql_where=text("parent_task_run_id is not null"),
    ),
    Index(
        "ix_flow_runs_schedule",
        "workspace_id",
        "schedule_id",
        postgresql_where=text("schedule_id is not null and state_type = 'SCHEDULED'"),
    ),
    postgresql_with={"fillfactor": "80", **VACUUMED_OFTEN},
)

flow_run_tags = Table(
    "flow_run_tags",
    metadata,
    uuid("workspace_id", is_key=True),
    Column("tag", Text, primary_key=True),
    uuid("flow_run_id", is_key=True),
    ForeignKeyConstraint(
        ["workspace_id", "flow_run_id"],
        ["flow_runs.workspace_id", "flow_runs.id"],
        ondelete="CASCADE",
    ),
    Index("ix_flow_run_tags_run", "workspace_id", "flow_run_id"),
)

attempts = Table(
    "attempts",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("flow_run_id", is_key=True),
    Column("number", number("number").type, primary_key=True),
    number("epoch"),
    uuid("agent_id", is_nullable=True),
    moment("started_at"),
    moment("ended_at", is_nullable=True),
    words("outcome", is_nullable=True),
    ForeignKeyConstraint(
        ["workspace_id", "flow_run_id"],
        ["flow_runs.workspace_id", "flow_runs.id"],
        ondelete="CASCADE",
    ),
    Index(
        "ix_attempts_open",
        "workspace_id",
        "flow_run_id",
        unique=True,
        postgresql_where=text("ended_at is null"),
    ),
)

states = Table(
    "states",
    metadata,
    uuid("workspace_id"),
    uuid("flow_run_id"),
    number("sequence"),
    words("type"),
    words("name"),
    words("message", is_nullable=True),
    moment("timestamp"),
    json("details", default="{}"),
    *actor("actor"),
    json("decision", is_nullable=True),
    PrimaryKeyConstraint("workspace_id", "flow_run_id", "sequence"),
    CheckConstraint(f"type in ({STATE_TYPES})", name="type"),
    postgresql_partition_by="RANGE (flow_run_id)",
)

task_runs = Table(
    "task_runs",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    uuid("flow_run_id"),
    words("task_key"),
    words("name"),
    number("map_index", is_nullable=True),
    Column("tags", ARRAY(Text), nullable=True),
    words("cache_key", is_nullable=True),
    number("attempt"),
    Column("parents", ARRAY(UUID(as_uuid=True)), nullable=True),
    words("state_type"),
    words("state_name"),
    json("states"),
    number("state_count"),
    number("update_sequence"),
    moment("started_at", is_nullable=True),
    moment("ended_at", is_nullable=True),
    moment("updated_at", is_now=True),
    CheckConstraint(f"state_type in ({STATE_TYPES})", name="state_type"),
    ForeignKeyConstraint(
        ["workspace_id", "flow_run_id"],
        ["flow_runs.workspace_id", "flow_runs.id"],
        ondelete="CASCADE",
    ),
    Index("ix_task_runs_run", "workspace_id", "flow_run_id", "id"),
    postgresql_with={"fillfactor": "80", **VACUUMED_OFTEN},
)

flow_run_cursors = Table(
    "flow_run_cursors",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("flow_run_id", is_key=True),
    number("task_sequence", default=0),
    number("log_sequence", default=0),
    json("log_streams", default="{}"),
    number("chunked_sequence", default=0),
    moment("chunk_due_at", is_nullable=True),
    ForeignKeyConstraint(
        ["workspace_id", "flow_run_id"],
        ["flow_runs.workspace_id", "flow_runs.id"],
        ondelete="CASCADE",
    ),
    Index(
        "ix_flow_run_cursors_due",
        "chunk_due_at",
        postgresql_where=text("chunk_due_at is not null"),
    ),
    Index(
        "ix_flow_run_cursors_unchunked",
        "workspace_id",
        "flow_run_id",
        postgresql_where=text("chunk_due_at is not null"),
    ),
    postgresql_with={"fillfactor": "60", **VACUUMED_OFTEN},
)

logs = Table(
    "logs",
    metadata,
    uuid("workspace_id"),
    uuid("flow_run_id"),
    number("sequence"),
    moment("timestamp"),
    number("level"),
    words("logger"),
    words("message"),
    uuid("task_run_id", is_nullable=True),
    PrimaryKeyConstraint("workspace_id", "flow_run_id", "sequence"),
    postgresql_partition_by="RANGE (flow_run_id)",
)

log_chunks = Table(
    "log_chunks",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("flow_run_id", is_key=True),
    Column("first_sequence", number("first_sequence").type, primary_key=True),
    number("last_sequence"),
    uuid("flow_id"),
    moment("first_at"),
    moment("last_at"),
    number("max_level"),
    Column("words", TSVECTOR, nullable=False),
    ForeignKeyConstraint(
        ["workspace_id", "flow_run_id"],
        ["flow_runs.workspace_id", "flow_runs.id"],
        ondelete="CASCADE",
    ),
    Index("ix_log_chunks_latest", "workspace_id", "last_at", "flow_run_id", "first_sequence"),
    Index("ix_log_chunks_words", "words", postgresql_using="gin"),
)
"""Which words are in which part of a run's log, so that a search reads those parts only."""
