"""Organizations, workspaces, users, service accounts, API keys."""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Table, Text, text
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from headgate_server.tables.metadata import actor, flag, metadata, moment, number, uuid, words

KEPT_DAYS = {"runs_kept_days": 365, "logs_kept_days": 90, "events_kept_days": 90}
"""How long a new workspace keeps what."""

organizations = Table(
    "organizations",
    metadata,
    uuid("id", is_key=True),
    words("slug"),
    words("name"),
    number("version", default=1),
    moment("created_at", is_now=True),
    moment("updated_at", is_now=True),
    Column("allowed_networks", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("support_access", Text, nullable=False, server_default=text("'ON_REQUEST'")),
    moment("suspended_at", is_nullable=True),
    words("suspended_because", is_nullable=True),
    flag("requires_second_factor"),
    moment("deleted_at", is_nullable=True),
    Unique("slug"),
)

organization_slugs = Table(
    "organization_slugs",
    metadata,
    uuid("organization_id", is_key=True),
    Column("slug", Text, primary_key=True),
    Unique("slug"),
    ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE"),
)
"""The slugs that an organization has and had: no other one is ever reached by them."""

workspaces = Table(
    "workspaces",
    metadata,
    uuid("organization_id", is_key=True),
    uuid("id", is_key=True),
    words("slug"),
    words("name"),
    number("version", default=1),
    *(number(name, default=days) for name, days in KEPT_DAYS.items()),
    number("dropped_event", default=0),
    moment("created_at", is_now=True),
    moment("updated_at", is_now=True),
    moment("archived_at", is_nullable=True),
    moment("deleted_at", is_nullable=True),
    flag("is_stopped"),
    CheckConstraint("runs_kept_days between 1 and 3650", name="runs_kept"),
    CheckConstraint("logs_kept_days between 1 and runs_kept_days", name="logs_kept"),
    CheckConstraint("events_kept_days between 1 and 3650", name="events_kept"),
    Unique("id"),
    Unique("organization_id", "slug"),
    ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
    Index(
        "ix_workspaces_closed",
        "organization_id",
        postgresql_where=text("archived_at is not null or deleted_at is not null"),
    ),
    Index("ix_workspaces_deleted", "id", postgresql_where=text("deleted_at is not null")),
)

users = Table(
    "users",
    metadata,
    uuid("id", is_key=True),
    words("display_name"),
    words("email", is_nullable=True),
    words("avatar_url", is_nullable=True),
    moment("created_at", is_now=True),
    words("password_hash", is_nullable=True),
    moment("password_changed_at", is_nullable=True),
    Column("totp_secret", BYTEA, nullable=True),
    moment("totp_confirmed_at", is_nullable=True),
    number("totp_last_step", is_nullable=True),
    Column("recovery_hashes", ARRAY(BYTEA), nullable=False, server_default=text("'{}'")),
    flag("is_operator"),
    moment("suspended_at", is_nullable=True),
    moment("email_verified_at", is_nullable=True),
    moment("devices_forgotten_at", is_nullable=True),
    Unique("email"),
)

service_accounts = Table(
    "service_accounts",
    metadata,
    uuid("organization_id", is_key=True),
    uuid("id", is_key=True),
    words("display_name"),
    moment("created_at", is_now=True),
    ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
)

api_keys = Table(
    "api_keys",
    metadata,
    uuid("organization_id", is_key=True),
    uuid("id", is_key=True),
    words("kind"),
    words("name"),
    words("prefix"),
    Column("secret_hash", BYTEA, nullable=False),
    number("secret_number", default=1),
    Column("old_secret_hash", BYTEA, nullable=True),
    moment("old_secret_until", is_nullable=True),
    *actor("owner"),
    uuid("workspace_id", is_nullable=True),
    uuid("work_pool_id", is_nullable=True),
    Column("scopes", ARRAY(Text), nullable=False),
    moment("created_at", is_now=True),
    moment("expires_at", is_nullable=True),
    moment("last_used_at", is_nullable=True),
    moment("revoked_at", is_nullable=True),
    CheckConstraint("kind in ('key', 'agent')", name="kind"),
    CheckConstraint("kind <> 'agent' or work_pool_id is not null", name="agent_pool"),
    ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
    ForeignKeyConstraint(
        ["organization_id", "workspace_id"], ["workspaces.organization_id", "workspaces.id"]
    ),
    Index("ix_api_keys_id", "id", unique=True),
    Index("ix_api_keys_owner", "organization_id", "owner_id"),
)
