"""Backfills and their items."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Table,
    text,
)

from headgate_server.tables.flow_runs import TERMINAL_TYPES
from headgate_server.tables.metadata import actor, json, metadata, moment, number, uuid, words

backfills = Table(
    "backfills",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    uuid("deployment_id"),
    words("name"),
    words("status"),
    number("parallelism"),
    number("priority"),
    Column("is_descending", Boolean, nullable=False),
    number("item_count"),
    number("version", default=1),
    moment("due_at", is_nullable=True),
    *actor("created_by"),
    *actor("runs_cancelled_by", is_nullable=True),
    moment("created_at", is_now=True),
    moment("updated_at", is_now=True),
    moment("ended_at", is_nullable=True),
    CheckConstraint(
        "status in ('RUNNING', 'PAUSED', 'COMPLETED', 'FAILED', 'CANCELLED')", name="status"
    ),
    CheckConstraint("status <> 'RUNNING' or due_at is not null", name="due"),
    ForeignKeyConstraint(
        ["workspace_id", "deployment_id"],
        ["deployments.workspace_id", "deployments.id"],
        ondelete="CASCADE",
    ),
    Index("ix_backfills_due", "due_at", postgresql_where=text("due_at is not null")),
    Index("ix_backfills_deployment", "workspace_id", "deployment_id", "id"),
)

backfill_items = Table(
    "backfill_items",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("backfill_id", is_key=True),
    Column("position", number("position").type, primary_key=True),
    moment("instant", is_nullable=True),
    json("parameters"),
    words("status"),
    uuid("run_id", is_nullable=True),
    words("error", is_nullable=True),
    words("outcome", is_nullable=True),
    CheckConstraint("status in ('WAITING', 'STARTED', 'ENDED', 'REFUSED')", name="status"),
    CheckConstraint(f"outcome in ({TERMINAL_TYPES})", name="outcome"),
    ForeignKeyConstraint(
        ["workspace_id", "backfill_id"],
        ["backfills.workspace_id", "backfills.id"],
        ondelete="CASCADE",
    ),
    Index("ix_backfill_items_status", "workspace_id", "backfill_id", "status", "position"),
    Index(
        "ix_backfill_items_run",
        "workspace_id",
        "run_id",
        postgresql_where=text("run_id is not null"),
    ),
)
