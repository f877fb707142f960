"""What operators asked of organizations, and what became of it."""

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Table, text

from headgate_server.tables.metadata import metadata, moment, number, uuid, words

support_grants = Table(
    "support_grants",
    metadata,
    uuid("organization_id", is_key=True),
    uuid("id", is_key=True),
    uuid("operator_id"),
    words("operator_name"),
    words("role"),
    words("reason"),
    number("duration_seconds"),
    moment("requested_at"),
    moment("approved_at", is_nullable=True),
    words("approved_by_kind", is_nullable=True),
    uuid("approved_by_id", is_nullable=True),
    words("approved_by_name", is_nullable=True),
    moment("expires_at", is_nullable=True),
    moment("ended_at", is_nullable=True),
    moment("settled_at", is_nullable=True),
    CheckConstraint("role in ('VIEWER', 'OPERATOR', 'DEVELOPER')", name="role"),
    CheckConstraint("(approved_at is null) = (expires_at is null)", name="approved"),
    ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE"),
    Index("ix_support_grants_operator", "operator_id", "organization_id"),
    Index(
        "ix_support_grants_over",
        "expires_at",
        postgresql_where=text("approved_at is not null and settled_at is null"),
    ),
)
