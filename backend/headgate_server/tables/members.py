"""Members of organizations, their teams, and who was invited."""

from sqlalchemy import Column, ForeignKeyConstraint, Index, Table, text
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.dialects.postgresql import BYTEA, JSONB

from headgate_server.tables.metadata import actor, flag, metadata, moment, number, uuid, words

memberships = Table(
    "memberships",
    metadata,
    uuid("organization_id", is_key=True),
    uuid("id", is_key=True),
    uuid("user_id"),
    *actor("invited_by"),
    moment("joined_at", is_now=True),
    Unique("organization_id", "user_id"),
    ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE"),
    ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
    Index("ix_memberships_user", "user_id"),
)

teams = Table(
    "teams",
    metadata,
    uuid("organization_id", is_key=True),
    uuid("id", is_key=True),
    words("name"),
    number("version", default=1),
    moment("created_at", is_now=True),
    moment("updated_at", is_now=True),
    Unique("organization_id", "name"),
    ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE"),
)

team_members = Table(
    "team_members",
    metadata,
    uuid("organization_id", is_key=True),
    uuid("team_id", is_key=True),
    uuid("membership_id", is_key=True),
    ForeignKeyConstraint(
        ["organization_id", "team_id"], ["teams.organization_id", "teams.id"], ondelete="CASCADE"
    ),
    ForeignKeyConstraint(
        ["organization_id", "membership_id"],
        ["memberships.organization_id", "memberships.id"],
        ondelete="CASCADE",
    ),
    Index("ix_team_members_membership", "organization_id", "membership_id"),
)

invitations = Table(
    "invitations",
    metadata,
    uuid("organization_id", is_key=True),
    uuid("id", is_key=True),
    words("email"),
    Column("token_hash", BYTEA, nullable=False),
    Column("grants", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    *actor("invited_by"),
    moment("created_at", is_now=True),
    moment("expires_at"),
    moment("accepted_at", is_nullable=True),
    moment("revoked_at", is_nullable=True),
    flag("is_mailed"),
    flag("is_for_anybody"),
    ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE"),
    Index("ix_invitations_id", "id", unique=True),
    Index(
        "ux_invitations_open",
        "organization_id",
        "email",
        unique=True,
        postgresql_where=text("accepted_at is null and revoked_at is null"),
    ),
)
