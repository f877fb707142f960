"""Artifacts, and which is the latest of each key."""

from sqlalchemy import Column, ForeignKeyConstraint, Index, Table, text

from headgate_server.tables.metadata import json, metadata, moment, number, uuid, words

artifacts = Table(
    "artifacts",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    words("key", is_nullable=True),
    words("type"),
    words("description", is_nullable=True),
    json("data", is_nullable=True),
    json("metadata", default="{}"),
    uuid("flow_run_id", is_nullable=True),
    uuid("task_run_id", is_nullable=True),
    number("size_bytes"),
    number("version", default=1),
    moment("created_at", is_now=True),
    moment("updated_at", is_now=True),
    ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
    Index("ix_artifacts_newest", "workspace_id", "created_at", "id"),
    Index(
        "ix_artifacts_key",
        "workspace_id",
        "key",
        "created_at",
        "id",
        postgresql_where=text("key is not null"),
    ),
    Index(
        "ix_artifacts_run",
        "workspace_id",
        "flow_run_id",
        "created_at",
        "id",
        postgresql_where=text("flow_run_id is not null"),
    ),
    Index(
        "ix_artifacts_task",
        "workspace_id",
        "task_run_id",
        "created_at",
        "id",
        postgresql_where=text("task_run_id is not null"),
    ),
)
"""A run that goes takes its artifacts with it, by a statement of its own: the latest of a key may
outlive it."""

artifact_keys = Table(
    "artifact_keys",
    metadata,
    uuid("workspace_id", is_key=True),
    Column("key", words("key").type, primary_key=True),
    uuid("artifact_id"),
    moment("created_at"),
    ForeignKeyConstraint(
        ["workspace_id", "artifact_id"],
        ["artifacts.workspace_id", "artifacts.id"],
        ondelete="CASCADE",
    ),
    Index("ix_artifact_keys_newest", "workspace_id", "created_at", "artifact_id"),
    Index("ix_artifact_keys_artifact", "workspace_id", "artifact_id"),
)
