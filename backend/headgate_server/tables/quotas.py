"""Quotas of organizations, and what they used: counted with the change, summed up by a loop."""

from sqlalchemy import CheckConstraint, Column, Date, ForeignKeyConstraint, Table, Text

from headgate_server.tables.metadata import metadata, moment, number, uuid

WHOLES = ("runs", "run_bytes", "api_points", "log_bytes")

quotas = Table(
    "quotas",
    metadata,
    uuid("organization_id", is_key=True),
    Column("kind", Text, primary_key=True),
    number("most"),
    moment("updated_at", is_now=True),
    CheckConstraint("most >= 0", name="most"),
    ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE"),
)

quota_defaults = Table(
    "quota_defaults",
    metadata,
    Column("kind", Text, primary_key=True),
    number("most"),
)
"""The installation's: of an organization that has none of its own. No tenant's at all."""

quota_warnings = Table(
    "quota_warnings",
    metadata,
    uuid("organization_id", is_key=True),
    Column("kind", Text, primary_key=True),
    Column("period", Date, primary_key=True),
    Column("percent", number("percent").type, primary_key=True, autoincrement=False),
    ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE"),
)
"""Which warnings were given: one for each quota, period and percentage."""

usage_days = Table(
    "usage_days",
    metadata,
    uuid("organization_id", is_key=True),
    Column("day", Date, primary_key=True),
    *(number(name, default=0) for name in WHOLES),
    ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE"),
)

usage_deltas = Table(
    "usage_deltas",
    metadata,
    uuid("organization_id", is_key=True),
    uuid("id", is_key=True),
    Column("day", Date, nullable=False),
    *(number(name, default=0) for name in WHOLES),
    postgresql_with={
        "autovacuum_vacuum_scale_factor": "0.02",
        "autovacuum_vacuum_threshold": "1000",
        "autovacuum_vacuum_cost_delay": "0",
    },
)
"""What is not summed up yet. Rows are only added and taken, so that no two writers of an
organization wait for each other, and refer to none, so that they wait for nobody else."""
