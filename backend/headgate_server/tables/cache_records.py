"""Records of cached results, by key: where a result lies, and who computes it just now."""

from sqlalchemy import Column, ForeignKeyConstraint, Index, Table, text

from headgate_server.tables.metadata import json, metadata, moment, number, uuid, words

cache_records = Table(
    "cache_records",
    metadata,
    uuid("workspace_id", is_key=True),
    Column("key", words("key").type, primary_key=True),
    json("result", is_nullable=True),
    uuid("flow_run_id", is_nullable=True),
    uuid("task_run_id", is_nullable=True),
    moment("written_at", is_nullable=True),
    moment("expires_at", is_nullable=True),
    uuid("lock_token", is_nullable=True),
    uuid("lock_run_id", is_nullable=True),
    number("lock_epoch", is_nullable=True),
    moment("locked_until", is_nullable=True),
    moment("touched_at", is_now=True),
    ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
    Index("ix_cache_records_age", "workspace_id", "touched_at"),
    Index(
        "ix_cache_records_locked",
        "locked_until",
        postgresql_where=text("locked_until is not null"),
    ),
)
