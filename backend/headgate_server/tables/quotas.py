"""Quotas of organizations, and what they used: counted with the change, summed up by a loop."""

from sqlalchemy import CheckConstraint, Column, Date, ForeignKeyConstraint, Table, Text

from headgate_server.tables.metadata import metadata, moment, number, uuid

WHOLES = ("runs", "restarts", "run_bytes", "api_points", "log_bytes")
_VACUUMED_OFTEN = {
    "autovacuum_vacuum_scale_factor": "0.02",
    "autovacuum_vacuum_threshold": "1000",
    "autovacuum_vacuum_cost_delay": "0",
}

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
    postgresql_with=_VACUUMED_OFTEN,
)
"""What is not summed up yet. Rows are only added and taken, so that no two writers of an
organization wait for each other, and refer to none, so that they wait for nobody else."""

object_counts = Table(
    "object_counts",
    metadata,
    uuid("organization_id", is_key=True),
    Column("kind", Text, primary_key=True),
    number("amount"),
    moment("counted_at"),
    ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE"),
)
"""How many objects of a kind there are, as they were last counted."""

object_deltas = Table(
    "object_deltas",
    metadata,
    uuid("organization_id", is_key=True),
    Column("kind", Text, primary_key=True),
    uuid("id", is_key=True),
    number("amount"),
    postgresql_with=_VACUUMED_OFTEN,
)
"""What was made and deleted since, each in the transaction that did it."""

stored_sizes = Table(
    "stored_sizes",
    metadata,
    uuid("organization_id", is_key=True),
    Column("kind", Text, primary_key=True),
    number("size_bytes"),
    moment("sampled_at"),
    ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE"),
)
"""What is stored beside runs and logs, by the table it is in, as it was last sampled."""
