"""Flows, deployments, schedules, and the ledger of schedule fires."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Table,
    Text,
    text,
)
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.dialects.postgresql import ARRAY

from headgate_server.tables.metadata import actor, json, metadata, moment, number, uuid, words

FALSE, TRUE = text("false"), text("true")

flows = Table(
    "flows",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    words("name"),
    number("version", default=1),
    *actor("created_by"),
    moment("created_at", is_now=True),
    moment("updated_at", is_now=True),
    Unique("workspace_id", "name"),
    ForeignKeyConstraint(["workspace_id"], ["workspaces.id"]),
)

flow_tags = Table(
    "flow_tags",
    metadata,
    uuid("workspace_id", is_key=True),
    Column("tag", words("tag").type, primary_key=True),
    uuid("flow_id", is_key=True),
    ForeignKeyConstraint(
        ["workspace_id", "flow_id"], ["flows.workspace_id", "flows.id"], ondelete="CASCADE"
    ),
    Index("ix_flow_tags_flow", "workspace_id", "flow_id"),
)

deployments = Table(
    "deployments",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    uuid("flow_id"),
    words("name"),
    number("version", default=1),
    Column("is_paused", Boolean, nullable=False, server_default=FALSE),
    words("entrypoint", is_nullable=True),
    words("description", is_nullable=True),
    json("parameters", default="{}"),
    json("parameter_schema", is_nullable=True),
    Column("is_schema_enforced", Boolean, nullable=False, server_default=TRUE),
    uuid("work_pool_id", is_nullable=True),
    uuid("work_queue_id", is_nullable=True),
    json("job_variables", default="{}"),
    json("pull_steps", is_nullable=True),
    Column("block_references", ARRAY(Text), nullable=True),
    Column("start_references", ARRAY(Text), nullable=True),
    words("on_agent_lost"),
    number("abandon_after_ms"),
    number("fence_ms"),
    number("infrastructure_retries"),
    number("late_threshold_ms"),
    number("concurrency_limit", is_nullable=True),
    Column("on_collision", Text, nullable=False, server_default=text("'ENQUEUE'")),
    words("collision_parameter", is_nullable=True),
    uuid("current_version_id", is_nullable=True),
    *actor("created_by"),
    moment("created_at", is_now=True),
    moment("updated_at", is_now=True),
    Unique("workspace_id", "flow_id", "name"),
    CheckConstraint("concurrency_limit >= 0", name="concurrency_limit"),
    CheckConstraint(
        "on_collision in ('ENQUEUE', 'CANCEL_NEW', 'CANCEL_OLD', 'COALESCE')", name="on_collision"
    ),
    CheckConstraint("on_agent_lost in ('CRASH', 'RETRY')", name="on_agent_lost"),
    ForeignKeyConstraint(["workspace_id", "flow_id"], ["flows.workspace_id", "flows.id"]),
    ForeignKeyConstraint(
        ["workspace_id", "work_pool_id"], ["work_pools.workspace_id", "work_pools.id"]
    ),
    ForeignKeyConstraint(
        ["workspace_id", "work_queue_id"], ["work_queues.workspace_id", "work_queues.id"]
    ),
    Index("ix_deployments_name", "workspace_id", "name", "id"),
)

deployment_tags = Table(
    "deployment_tags",
    metadata,
    uuid("workspace_id", is_key=True),
    Column("tag", words("tag").type, primary_key=True),
    uuid("deployment_id", is_key=True),
    ForeignKeyConstraint(
        ["workspace_id", "deployment_id"],
        ["deployments.workspace_id", "deployments.id"],
        ondelete="CASCADE",
    ),
    Index("ix_deployment_tags_deployment", "workspace_id", "deployment_id"),
)

schedules = Table(
    "schedules",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    uuid("deployment_id"),
    words("slug"),
    Column("is_active", Boolean, nullable=False, server_default=TRUE),
    words("timezone"),
    json("spec"),
    json("parameters", is_nullable=True),
    words("catch_up_policy"),
    number("catch_up_max"),
    number("catch_up_window_ms"),
    number("generation", default=1),
    moment("next_fire_at", is_nullable=True),
    moment("held_fire_at", is_nullable=True),
    number("missed_count", default=0),
    number("episode_missed", default=0),
    moment("episode_started_at", is_nullable=True),
    number("version", default=1),
    moment("created_at", is_now=True),
    moment("updated_at", is_now=True),
    Unique("workspace_id", "deployment_id", "slug"),
    CheckConstraint("catch_up_policy in ('SKIP', 'LATEST', 'ALL')", name="catch_up_policy"),
    ForeignKeyConstraint(
        ["workspace_id", "deployment_id"],
        ["deployments.workspace_id", "deployments.id"],
        ondelete="CASCADE",
    ),
    Index("ix_schedules_next", "next_fire_at", postgresql_where=text("is_active")),
    postgresql_with={"fillfactor": "70", "autovacuum_vacuum_scale_factor": "0.05"},
)

schedule_fires = Table(
    "schedule_fires",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("schedule_id", is_key=True),
    Column("fire_at", moment("fire_at").type, primary_key=True),
    uuid("run_id", is_nullable=True),
    words("outcome"),
    words("tzdata", is_nullable=True),
    moment("created_at", is_now=True),
    CheckConstraint("outcome in ('CREATED', 'SKIPPED')", name="outcome"),
    CheckConstraint("(outcome = 'CREATED') = (run_id is not null)", name="run"),
    ForeignKeyConstraint(
        ["workspace_id", "schedule_id"],
        ["schedules.workspace_id", "schedules.id"],
        ondelete="CASCADE",
    ),
    Index(
        "ix_schedule_fires_run",
        "workspace_id",
        "run_id",
        postgresql_where=text("run_id is not null"),
    ),
    Index(
        "ix_schedule_fires_skipped",
        "workspace_id",
        "fire_at",
        postgresql_where=text("run_id is null"),
    ),
)
