"""The transactional outbox, the published events, and idempotency keys."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Identity,
    Index,
    PrimaryKeyConstraint,
    Sequence,
    Table,
)

from headgate_server.tables.metadata import json, metadata, moment, number, uuid, words

event_sequence = Sequence("event_sequence", metadata=metadata)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    uuid("workspace_id"),
    uuid("event_id"),
    moment("occurred_at", is_now=True),
    words("name"),
    words("resource_id"),
    json("resource"),
    json("payload"),
    json("related", default="[]"),
    moment("run_hour", is_nullable=True),
    uuid("follows", is_nullable=True),
    moment("entered_at", is_now=True),
    ForeignKeyConstraint(["workspace_id"], ["workspaces.id"]),
    postgresql_with={
        "autovacuum_vacuum_scale_factor": "0.02",
        "autovacuum_vacuum_threshold": "1000",
        "autovacuum_vacuum_cost_delay": "0",
        "autovacuum_vacuum_insert_scale_factor": "0.2",
    },
)

events = Table(
    "events",
    metadata,
    uuid("workspace_id"),
    number("sequence"),
    moment("occurred_at"),
    moment("received_at", is_now=True),
    uuid("id"),
    words("name"),
    words("resource_id"),
    json("resource"),
    json("payload"),
    json("related", default="[]"),
    uuid("follows", is_nullable=True),
    PrimaryKeyConstraint("workspace_id", "sequence", "occurred_at"),
    Index("ix_events_occurred", "workspace_id", "occurred_at", "sequence"),
    Index("ix_events_id", "workspace_id", "id"),
    postgresql_partition_by="RANGE (occurred_at)",
)

emitted_events = Table(
    "emitted_events",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("event_id", is_key=True),
    moment("emitted_at", is_now=True),
    ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
    Index("ix_emitted_events_age", "workspace_id", "emitted_at"),
)
"""Which events programs have emitted of late, so that none is taken twice."""

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    uuid("workspace_id", is_key=True),
    Column("actor", words("actor").type, primary_key=True),
    Column("operation", words("operation").type, primary_key=True),
    Column("key", words("key").type, primary_key=True),
    words("input_hash"),
    json("answer"),
    moment("expires_at"),
    ForeignKeyConstraint(["workspace_id"], ["workspaces.id"]),
    Index("ix_idempotency_keys_expiry", "expires_at"),
)

control_plane = Table(
    "control_plane",
    metadata,
    Column("id", BigInteger, primary_key=True),
    uuid("generation"),
    moment("last_tick_at"),
    moment("last_served_at"),
)
