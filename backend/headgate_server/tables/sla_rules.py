"""SLA rules, and when they were broken."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Table,
    text,
)
from sqlalchemy import UniqueConstraint as Unique

from headgate_server.tables.metadata import actor, metadata, moment, number, uuid, words

sla_rules = Table(
    "sla_rules",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    words("name"),
    words("kind"),
    number("within_ms"),
    uuid("deployment_id", is_nullable=True),
    uuid("flow_id", is_nullable=True),
    Column("is_enabled", Boolean, nullable=False, server_default=text("true")),
    moment("judged_at"),
    moment("waiting_from", is_nullable=True),
    moment("due_at", is_nullable=True),
    moment("counted_at", is_nullable=True),
    uuid("counted_run_id", is_nullable=True),
    number("version", default=1),
    *actor("created_by"),
    moment("created_at", is_now=True),
    moment("updated_at", is_now=True),
    Unique("workspace_id", "name"),
    CheckConstraint("kind in ('LATENESS', 'DURATION', 'FREQUENCY', 'FRESHNESS')", name="kind"),
    CheckConstraint("within_ms >= 1000", name="within"),
    CheckConstraint("(deployment_id is null) <> (flow_id is null)", name="owner"),
    CheckConstraint("is_enabled = (due_at is not null)", name="due"),
    ForeignKeyConstraint(
        ["workspace_id", "deployment_id"],
        ["deployments.workspace_id", "deployments.id"],
        ondelete="CASCADE",
    ),
    ForeignKeyConstraint(
        ["workspace_id", "flow_id"], ["flows.workspace_id", "flows.id"], ondelete="CASCADE"
    ),
    Index("ix_sla_rules_due", "due_at", postgresql_where=text("due_at is not null")),
    Index("ix_sla_rules_deployment", "workspace_id", "deployment_id", "name"),
    Index("ix_sla_rules_flow", "workspace_id", "flow_id", "name"),
    postgresql_with={"fillfactor": "70"},
)

sla_violations = Table(
    "sla_violations",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    uuid("rule_id"),
    words("key"),
    uuid("flow_run_id", is_nullable=True),
    moment("since"),
    moment("violated_at"),
    moment("found_at"),
    moment("ended_at", is_nullable=True),
    Unique("workspace_id", "rule_id", "key"),
    ForeignKeyConstraint(
        ["workspace_id", "rule_id"],
        ["sla_rules.workspace_id", "sla_rules.id"],
        ondelete="CASCADE",
    ),
    Index("ix_sla_violations_latest", "workspace_id", "violated_at", "id"),
    Index("ix_sla_violations_rule", "workspace_id", "rule_id", "violated_at", "id"),
    Index(
        "ix_sla_violations_open",
        "workspace_id",
        "rule_id",
        postgresql_where=text("ended_at is null"),
    ),
)
