"""The audit log: entries, the chain that seals them, and the checkpoints of the chain.

Nothing here refers to an organization's or a workspace's row: what was done outlives them.
"""

from sqlalchemy import Column, Index, Table
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.dialects.postgresql import BYTEA

from headgate_server.tables.metadata import actor, json, metadata, moment, number, uuid, words

audit_entries = Table(
    "audit_entries",
    metadata,
    uuid("organization_id", is_key=True),
    uuid("id", is_key=True),
    moment("at"),
    *actor("actor"),
    uuid("api_key_id", is_nullable=True),
    uuid("login_session_id", is_nullable=True),
    words("address", is_nullable=True),
    words("user_agent", is_nullable=True),
    words("request_id"),
    words("action"),
    words("target_kind"),
    uuid("target_id"),
    words("target_name"),
    uuid("workspace_id", is_nullable=True),
    json("diff", is_nullable=True),
    uuid("support_grant_id", is_nullable=True),
    Index("ix_audit_entries_at", "organization_id", "at", "id"),
    Index("ix_audit_entries_target", "organization_id", "target_id", "at", "id"),
    Index("ix_audit_entries_actor", "organization_id", "actor_id", "at", "id"),
    Index("ix_audit_entries_action", "organization_id", "action", "at", "id"),
    Index("ix_audit_entries_workspace", "organization_id", "workspace_id", "at", "id"),
)

audit_queue = Table(
    "audit_queue",
    metadata,
    uuid("organization_id", is_key=True),
    uuid("entry_id", is_key=True),
    moment("at"),
    postgresql_with={
        "autovacuum_vacuum_scale_factor": "0.02",
        "autovacuum_vacuum_threshold": "1000",
        "autovacuum_vacuum_cost_delay": "0",
    },
)
"""Entries that await their place in the chain."""

audit_seals = Table(
    "audit_seals",
    metadata,
    uuid("organization_id", is_key=True),
    Column("sequence", number("sequence").type, primary_key=True, autoincrement=False),
    uuid("entry_id"),
    Column("hash", BYTEA, nullable=False),
    moment("sealed_at", is_now=True),
    Unique("organization_id", "entry_id"),
)

audit_heads = Table(
    "audit_heads",
    metadata,
    uuid("organization_id", is_key=True),
    number("sequence"),
    Column("hash", BYTEA, nullable=False),
    number("checkpointed"),
    moment("checkpointed_at", is_nullable=True),
)
"""Where each chain ends: locked by whoever makes it longer."""

audit_checkpoints = Table(
    "audit_checkpoints",
    metadata,
    uuid("organization_id", is_key=True),
    Column("sequence", number("sequence").type, primary_key=True, autoincrement=False),
    Column("hash", BYTEA, nullable=False),
    moment("at"),
    Column("public_key", BYTEA, nullable=False),
    Column("signature", BYTEA, nullable=False),
)
