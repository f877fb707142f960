"""Runs counted by hour and state, kept beside the runs themselves for histograms."""

from sqlalchemy import Column, DateTime, ForeignKeyConstraint, Table, Text

from headgate_server.tables.metadata import metadata, moment, number, uuid

run_counts = Table(
    "run_counts",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("scope_id", is_key=True),
    Column("hour", DateTime(timezone=True), primary_key=True),
    Column("state_type", Text, primary_key=True),
    number("size"),
    ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
)

stale_run_hours = Table(
    "stale_run_hours",
    metadata,
    uuid("workspace_id", is_key=True),
    Column("hour", DateTime(timezone=True), primary_key=True),
    moment("marked_at", is_now=True),
    ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
)
