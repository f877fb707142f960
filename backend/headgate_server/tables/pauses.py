"""Pauses of runs with their answers, and the inputs that runs are sent."""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Table, Text, text

from headgate_server.tables.metadata import actor, json, metadata, moment, number, uuid, words

pauses = Table(
    "pauses",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("flow_run_id", is_key=True),
    Column("key", Text, primary_key=True),
    words("kind"),
    words("status"),
    number("epoch"),
    json("schema", is_nullable=True),
    json("initial", is_nullable=True),
    words("description", is_nullable=True),
    json("approvers", default="{}"),
    moment("created_at"),
    moment("expires_at", is_nullable=True),
    json("input", is_nullable=True),
    moment("answered_at", is_nullable=True),
    words("answered_by_kind", is_nullable=True),
    uuid("answered_by_id", is_nullable=True),
    words("answered_by_name", is_nullable=True),
    words("reason", is_nullable=True),
    words("refusal", is_nullable=True),
    CheckConstraint("kind in ('PAUSE', 'SUSPEND')", name="kind"),
    CheckConstraint(
        "status in ('REQUESTED', 'WAITING', 'RESUMED', 'REJECTED', 'EXPIRED', 'ENDED')",
        name="status",
    ),
    CheckConstraint(
        "status not in ('RESUMED', 'REJECTED') or answered_at is not null", name="answered"
    ),
    ForeignKeyConstraint(
        ["workspace_id", "flow_run_id"],
        ["flow_runs.workspace_id", "flow_runs.id"],
        ondelete="CASCADE",
    ),
    Index(
        "ux_pauses_waiting",
        "workspace_id",
        "flow_run_id",
        unique=True,
        postgresql_where=text("status = 'WAITING'"),
    ),
    Index(
        "ix_pauses_expiring",
        "expires_at",
        postgresql_where=text("status = 'WAITING' and expires_at is not null"),
    ),
    Index(
        "ix_pauses_open",
        "workspace_id",
        "created_at",
        "flow_run_id",
        postgresql_where=text("status = 'WAITING'"),
    ),
)

run_inputs = Table(
    "run_inputs",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("flow_run_id", is_key=True),
    Column("sequence", number("sequence").type, primary_key=True),
    words("keyset"),
    words("message_id"),
    json("payload"),
    *actor("sent_by"),
    moment("sent_at", is_now=True),
    ForeignKeyConstraint(
        ["workspace_id", "flow_run_id"],
        ["flow_runs.workspace_id", "flow_runs.id"],
        ondelete="CASCADE",
    ),
    Index("ux_run_inputs_message", "workspace_id", "flow_run_id", "message_id", unique=True),
)
