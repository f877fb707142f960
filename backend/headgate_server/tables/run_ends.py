"""Runs that are over, or are being cancelled, while that has yet to reach what is below them."""

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKeyConstraint, Index, Table

from headgate_server.tables.metadata import metadata, moment, number, uuid, words

run_ends = Table(
    "run_ends",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    uuid("run_id"),
    Column("is_cancelled", Boolean, nullable=False),
    words("process_end", is_nullable=True),
    number("grace_seconds"),
    moment("asked_at"),
    moment("due_at"),
    uuid("after_run_id", is_nullable=True),
    number("skipped", default=0),
    CheckConstraint("process_end in ('CANCELLED', 'CRASHED')", name="process_end"),
    ForeignKeyConstraint(
        ["workspace_id", "run_id"],
        ["flow_runs.workspace_id", "flow_runs.id"],
        ondelete="CASCADE",
    ),
    Index("ix_run_ends_due", "due_at"),
    Index("ix_run_ends_run", "workspace_id", "run_id"),
    postgresql_with={"fillfactor": "60", "autovacuum_vacuum_scale_factor": "0.02"},
)
