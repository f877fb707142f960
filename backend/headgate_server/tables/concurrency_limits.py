"""Concurrency limits, the slots that are taken of them, and who waits for some."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Table,
    text,
)
from sqlalchemy import UniqueConstraint as Unique

from headgate_server.tables.metadata import metadata, moment, number, uuid, words

concurrency_limits = Table(
    "concurrency_limits",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    words("name"),
    words("task_tag", is_nullable=True),
    number("slot_limit"),
    Column("slot_decay_per_second", Double, nullable=False, server_default=text("0")),
    number("version", default=1),
    moment("created_at", is_now=True),
    moment("updated_at", is_now=True),
    Unique("workspace_id", "name"),
    Unique("workspace_id", "task_tag"),
    CheckConstraint("slot_limit >= 0", name="slot_limit"),
    CheckConstraint("slot_decay_per_second >= 0", name="slot_decay_per_second"),
    ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
)

concurrency_slots = Table(
    "concurrency_slots",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("limit_id", is_key=True),
    uuid("lease_id", is_key=True),
    number("slots"),
    uuid("run_id", is_nullable=True),
    Column("epoch", BigInteger, nullable=True),
    uuid("task_id", is_nullable=True),
    moment("acquired_at", is_now=True),
    moment("expires_at", is_nullable=True),
    CheckConstraint("slots > 0", name="slots"),
    CheckConstraint("run_id is not null or expires_at is not null", name="end"),
    ForeignKeyConstraint(
        ["workspace_id", "limit_id"],
        ["concurrency_limits.workspace_id", "concurrency_limits.id"],
        ondelete="CASCADE",
    ),
    ForeignKeyConstraint(
        ["workspace_id", "run_id"],
        ["work_items.workspace_id", "work_items.run_id"],
        ondelete="CASCADE",
    ),
    Index("ix_concurrency_slots_lease", "workspace_id", "lease_id"),
    Index(
        "ix_concurrency_slots_run",
        "workspace_id",
        "run_id",
        postgresql_where=text("run_id is not null"),
    ),
    Index(
        "ix_concurrency_slots_task",
        "workspace_id",
        "task_id",
        postgresql_where=text("task_id is not null"),
    ),
    Index(
        "ix_concurrency_slots_expiry",
        "expires_at",
        postgresql_where=text("expires_at is not null"),
    ),
    postgresql_with={
        "autovacuum_vacuum_scale_factor": "0.05",
        "autovacuum_vacuum_cost_delay": "0",
    },
)

concurrency_waiters = Table(
    "concurrency_waiters",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("limit_id", is_key=True),
    uuid("lease_id", is_key=True),
    number("slots"),
    number("priority"),
    uuid("run_id", is_nullable=True),
    uuid("task_id", is_nullable=True),
    moment("since"),
    moment("expires_at"),
    ForeignKeyConstraint(
        ["workspace_id", "limit_id"],
        ["concurrency_limits.workspace_id", "concurrency_limits.id"],
        ondelete="CASCADE",
    ),
    Index("ix_concurrency_waiters_lease", "workspace_id", "lease_id"),
    Index(
        "ix_concurrency_waiters_task",
        "workspace_id",
        "task_id",
        postgresql_where=text("task_id is not null"),
    ),
    Index("ix_concurrency_waiters_expiry", "expires_at"),
    postgresql_with={
        "autovacuum_vacuum_scale_factor": "0.05",
        "autovacuum_vacuum_cost_delay": "0",
    },
)
