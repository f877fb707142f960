"""Groups of runs that failed alike, which failures are in them, and those that are in none yet."""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Table, Text
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from headgate_server.tables.metadata import metadata, moment, number, uuid, words

failure_groups = Table(
    "failure_groups",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    uuid("flow_id"),
    words("fingerprint"),
    words("exception_type"),
    words("message"),
    Column("frames", ARRAY(Text), nullable=False),
    words("status"),
    number("version", default=1),
    moment("first_seen_at"),
    moment("last_seen_at"),
    number("failure_count"),
    number("run_count"),
    number("regression_count", default=0),
    uuid("first_version_id", is_nullable=True),
    uuid("last_version_id", is_nullable=True),
    moment("resolved_at", is_nullable=True),
    Column("resolved_versions", ARRAY(UUID(as_uuid=True)), nullable=True),
    moment("regressed_at", is_nullable=True),
    words("changed_by_kind", is_nullable=True),
    uuid("changed_by_id", is_nullable=True),
    words("changed_by_name", is_nullable=True),
    moment("updated_at", is_now=True),
    Unique("workspace_id", "flow_id", "fingerprint"),
    CheckConstraint("status in ('OPEN', 'MUTED', 'RESOLVED', 'REGRESSED')", name="status"),
    ForeignKeyConstraint(
        ["workspace_id", "flow_id"], ["flows.workspace_id", "flows.id"], ondelete="CASCADE"
    ),
    Index("ix_failure_groups_latest", "workspace_id", "last_seen_at", "id"),
    postgresql_with={"fillfactor": "80"},
)

failures = Table(
    "failures",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("flow_run_id", is_key=True),
    Column("sequence", number("sequence").type, primary_key=True),
    uuid("group_id"),
    moment("failed_at"),
    uuid("refused_version_id", is_nullable=True),
    ForeignKeyConstraint(
        ["workspace_id", "flow_run_id"],
        ["flow_runs.workspace_id", "flow_runs.id"],
        ondelete="CASCADE",
    ),
    ForeignKeyConstraint(
        ["workspace_id", "group_id"],
        ["failure_groups.workspace_id", "failure_groups.id"],
        ondelete="CASCADE",
    ),
    Index("ix_failures_group", "workspace_id", "group_id", "flow_run_id"),
)

ungrouped_failures = Table(
    "ungrouped_failures",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("flow_run_id", is_key=True),
    Column("sequence", number("sequence").type, primary_key=True),
    uuid("deployment_version_id", is_nullable=True),
    moment("failed_at"),
    ForeignKeyConstraint(
        ["workspace_id", "flow_run_id"],
        ["flow_runs.workspace_id", "flow_runs.id"],
        ondelete="CASCADE",
    ),
    Index("ix_ungrouped_failures_oldest", "failed_at"),
    postgresql_with={"autovacuum_vacuum_scale_factor": "0.05", "autovacuum_vacuum_cost_delay": "1"},
)
