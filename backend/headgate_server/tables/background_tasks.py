"""The queue of background tasks: calls that wait for a worker, and what became of them."""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY

from headgate_server.tables.metadata import actor, flag, json, metadata, moment, number, uuid, words

background_tasks = Table(
    "background_tasks",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    words("task_key"),
    words("name"),
    json("parameters"),
    Column("tags", ARRAY(Text), nullable=True),
    number("priority"),
    moment("due_at"),
    moment("turn_at"),
    words("state_type"),
    words("state_name"),
    words("message", is_nullable=True),
    json("states", default="[]"),
    json("result", is_nullable=True),
    uuid("worker_id", is_nullable=True),
    uuid("token", is_nullable=True),
    number("epoch", default=0),
    moment("leased_until", is_nullable=True),
    flag("is_started"),
    number("losses", default=0),
    moment("cancel_requested_at", is_nullable=True),
    *actor("created_by"),
    moment("created_at", is_now=True),
    moment("started_at", is_nullable=True),
    moment("ended_at", is_nullable=True),
    CheckConstraint("leased_until is null or token is not null", name="lease"),
    CheckConstraint("ended_at is null or leased_until is null", name="ended"),
    ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
    Index(
        "ix_background_tasks_turn",
        "workspace_id",
        "task_key",
        "turn_at",
        "id",
        postgresql_where=text("ended_at is null"),
    ),
    Index(
        "ix_background_tasks_due",
        "workspace_id",
        "due_at",
        postgresql_where=text("ended_at is null"),
    ),
    Index(
        "ix_background_tasks_leased",
        "workspace_id",
        "leased_until",
        postgresql_where=text("leased_until is not null"),
    ),
    Index(
        "ix_background_tasks_ended",
        "workspace_id",
        "ended_at",
        postgresql_where=text("ended_at is not null"),
    ),
    Index("ix_background_tasks_created", "workspace_id", "created_at", "id"),
    Index("ix_background_tasks_state", "workspace_id", "state_type", "created_at", "id"),
    postgresql_with={
        "fillfactor": "70",
        "autovacuum_vacuum_scale_factor": "0.02",
        "autovacuum_vacuum_cost_delay": "0",
    },
)

background_task_logs = Table(
    "background_task_logs",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("task_id", is_key=True),
    Column("epoch", number("epoch").type, primary_key=True),
    Column("sequence", number("sequence").type, primary_key=True),
    moment("timestamp"),
    number("level"),
    words("logger"),
    words("message"),
    ForeignKeyConstraint(
        ["workspace_id", "task_id"],
        ["background_tasks.workspace_id", "background_tasks.id"],
        ondelete="CASCADE",
    ),
)

task_workers = Table(
    "task_workers",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    Column("task_keys", ARRAY(Text), nullable=False),
    number("task_limit"),
    moment("last_seen_at"),
    ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
    postgresql_with={"fillfactor": "60", "autovacuum_vacuum_scale_factor": "0.02"},
)
"""Who takes calls, as of their last look: it is only read to say why a call waits."""
