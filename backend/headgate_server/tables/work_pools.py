"""Work pools, work queues, agents, agent sessions, and the hot work items."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Table,
    Text,
    literal_column,
    text,
)
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from headgate_server.tables.metadata import json, metadata, moment, number, uuid, words

FALSE = text("false")

work_pools = Table(
    "work_pools",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    words("name"),
    words("type"),
    Column("is_paused", Boolean, nullable=False, server_default=FALSE),
    number("concurrency_limit", is_nullable=True),
    json("base_job_template", default="{}"),
    number("version", default=1),
    moment("created_at", is_now=True),
    moment("updated_at", is_now=True),
    Unique("workspace_id", "name"),
    CheckConstraint("concurrency_limit >= 0", name="concurrency_limit"),
    ForeignKeyConstraint(["workspace_id"], ["workspaces.id"]),
)

work_queues = Table(
    "work_queues",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    uuid("work_pool_id"),
    words("name"),
    number("priority"),
    Column("is_paused", Boolean, nullable=False, server_default=FALSE),
    number("concurrency_limit", is_nullable=True),
    number("version", default=1),
    moment("created_at", is_now=True),
    moment("updated_at", is_now=True),
    Unique("workspace_id", "work_pool_id", "name"),
    CheckConstraint("concurrency_limit >= 0", name="concurrency_limit"),
    ForeignKeyConstraint(
        ["workspace_id", "work_pool_id"],
        ["work_pools.workspace_id", "work_pools.id"],
        ondelete="CASCADE",
    ),
)

agents = Table(
    "agents",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    uuid("work_pool_id"),
    words("name"),
    moment("created_at", is_now=True),
    Unique("workspace_id", "work_pool_id", "name"),
    ForeignKeyConstraint(
        ["workspace_id", "work_pool_id"],
        ["work_pools.workspace_id", "work_pools.id"],
        ondelete="CASCADE",
    ),
)

agent_sessions = Table(
    "agent_sessions",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    uuid("agent_id"),
    uuid("work_pool_id"),
    Column("queue_ids", ARRAY(UUID(as_uuid=True)), nullable=True),
    uuid("instance_id"),
    uuid("api_key_id", is_nullable=True),
    number("secret_number", default=1),
    number("capacity"),
    json("labels", default="{}"),
    words("sdk_version"),
    words("host", is_nullable=True),
    words("state"),
    words("state_reason", is_nullable=True),
    number("known_pool_version", is_nullable=True),
    number("stream_epoch", default=0),
    uuid("stream_replica_id", is_nullable=True),
    number("expired_offers", default=0),
    moment("connected_at", is_now=True),
    moment("last_seen_at", is_now=True),
    moment("ended_at", is_nullable=True),
    Unique("workspace_id", "agent_id", "instance_id"),
    CheckConstraint("state in ('ONLINE', 'PAUSED', 'DRAINING', 'OFFLINE', 'LOST')", name="state"),
    ForeignKeyConstraint(
        ["workspace_id", "agent_id"], ["agents.workspace_id", "agents.id"], ondelete="CASCADE"
    ),
    Index("ix_agent_sessions_id", "id", unique=True),
    Index("ix_agent_sessions_agent", "workspace_id", "agent_id", "id"),
    Index("ix_agent_sessions_live", "last_seen_at", postgresql_where=text("ended_at is null")),
    Index(
        "ix_agent_sessions_pool",
        "work_pool_id",
        postgresql_where=text("ended_at is null"),
    ),
    postgresql_with={
        "fillfactor": "60",
        "autovacuum_vacuum_scale_factor": "0.02",
        "autovacuum_vacuum_cost_delay": "0",
    },
)

READY = literal_column("'READY'", Text)
"""The phase of what waits, written out: a plan that is kept can use the indexes of a phase then."""

work_items = Table(
    "work_items",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("run_id", is_key=True),
    uuid("work_pool_id", is_nullable=True),
    uuid("work_queue_id", is_nullable=True),
    uuid("deployment_id", is_nullable=True),
    number("queue_priority"),
    number("priority"),
    moment("due_at"),
    words("phase"),
    Column("is_held", Boolean, nullable=False, server_default=FALSE),
    Column("is_limited", Boolean, nullable=False, server_default=FALSE),
    Column("is_counted", Boolean, nullable=False, server_default=FALSE),
    words("collision_key", is_nullable=True),
    moment("collides_at", is_nullable=True),
    uuid("session_id", is_nullable=True),
    uuid("token", is_nullable=True),
    number("epoch", default=0),
    moment("fence_until", is_nullable=True),
    moment("last_seen_at", is_nullable=True),
    moment("unresponsive_at", is_nullable=True),
    moment("offered_at", is_nullable=True),
    moment("claimed_at", is_nullable=True),
    number("deliveries", default=0),
    number("declines", default=0),
    moment("late_due_at", is_nullable=True),
    number("late_threshold_ms"),
    words("on_agent_lost"),
    number("abandon_after_ms"),
    number("fence_ms"),
    number("infrastructure_retries"),
    moment("cancel_requested_at", is_nullable=True),
    words("cancel_reason", is_nullable=True),
    number("cancel_grace_seconds", is_nullable=True),
    words("pause_key", is_nullable=True),
    words("pause_kind", is_nullable=True),
    CheckConstraint("phase in ('READY', 'OFFERED', 'CLAIMED', 'RUNNING')", name="phase"),
    CheckConstraint("(phase = 'READY') = (token is null)", name="token"),
    CheckConstraint("(phase = 'READY') = (fence_until is null)", name="fence"),
    ForeignKeyConstraint(
        ["workspace_id", "run_id"],
        ["flow_runs.workspace_id", "flow_runs.id"],
        ondelete="CASCADE",
    ),
    ForeignKeyConstraint(
        ["workspace_id", "deployment_id"], ["deployments.workspace_id", "deployments.id"]
    ),
    ForeignKeyConstraint(
        ["workspace_id", "work_pool_id"], ["work_pools.workspace_id", "work_pools.id"]
    ),
    ForeignKeyConstraint(
        ["workspace_id", "work_queue_id"], ["work_queues.workspace_id", "work_queues.id"]
    ),
    Index(
        "ix_work_items_ready",
        "work_queue_id",
        text("priority desc"),
        "due_at",
        "run_id",
        postgresql_where=text("phase = 'READY' and not is_held and not is_limited"),
    ),
    Index(
        "ix_work_items_limited",
        "work_queue_id",
        "deployment_id",
        text("priority desc"),
        "due_at",
        "run_id",
        postgresql_where=text("phase = 'READY' and not is_held and is_limited"),
    ),
    Index(
        "ix_work_items_waiting",
        "deployment_id",
        "due_at",
        "run_id",
        postgresql_where=text("phase = 'READY' and is_limited"),
    ),
    Index(
        "ix_work_items_slots",
        "deployment_id",
        postgresql_where=text("phase <> 'READY' and is_limited"),
    ),
    Index(
        "ix_work_items_collision",
        "collides_at",
        postgresql_where=text("phase = 'READY' and collides_at is not null"),
    ),
    Index(
        "ix_work_items_due",
        "work_pool_id",
        "due_at",
        postgresql_where=text("phase = 'READY' and not is_held"),
    ),
    Index(
        "ix_work_items_session",
        "session_id",
        "offered_at",
        postgresql_where=text("phase <> 'READY'"),
    ),
    Index(
        "ix_work_items_offers",
        "session_id",
        "fence_until",
        postgresql_where=text("phase = 'OFFERED'"),
    ),
    Index(
        "ix_work_items_requests",
        "session_id",
        postgresql_where=text(
            "phase <> 'READY' and (cancel_requested_at is not null or pause_key is not null)"
        ),
    ),
    Index(
        "ix_work_items_pool",
        "work_pool_id",
        "offered_at",
        postgresql_where=text("phase <> 'READY'"),
    ),
    Index("ix_work_items_fence", "fence_until", postgresql_where=text("phase <> 'READY'")),
    Index(
        "ix_work_items_late",
        "late_due_at",
        postgresql_where=text("phase = 'READY' and late_due_at is not null"),
    ),
    Index(
        "ix_work_items_cancelling",
        "cancel_requested_at",
        postgresql_where=text("cancel_requested_at is not null"),
    ),
    Index(
        "ix_work_items_silent",
        "last_seen_at",
        postgresql_where=text("phase = 'RUNNING' and unresponsive_at is null"),
    ),
    postgresql_with={
        "fillfactor": "60",
        "autovacuum_vacuum_scale_factor": "0.02",
        "autovacuum_vacuum_cost_delay": "0",
        "autovacuum_analyze_scale_factor": "0.05",
    },
)
