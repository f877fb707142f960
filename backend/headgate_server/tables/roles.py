"""Roles that organizations made, and who holds which role where."""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Table, Text
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.dialects.postgresql import ARRAY

from headgate_server.tables.metadata import actor, metadata, moment, number, uuid, words

roles = Table(
    "roles",
    metadata,
    uuid("organization_id", is_key=True),
    uuid("id", is_key=True),
    words("name"),
    Column("scopes", ARRAY(Text), nullable=False),
    number("version", default=1),
    moment("created_at", is_now=True),
    moment("updated_at", is_now=True),
    Unique("organization_id", "name"),
    ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE"),
)

HOLDERS = ("membership_id", "service_account_id", "team_id")

role_bindings = Table(
    "role_bindings",
    metadata,
    uuid("organization_id", is_key=True),
    uuid("id", is_key=True),
    uuid("membership_id", is_nullable=True),
    uuid("service_account_id", is_nullable=True),
    uuid("team_id", is_nullable=True),
    words("builtin_role", is_nullable=True),
    uuid("role_id", is_nullable=True),
    uuid("workspace_id", is_nullable=True),
    words("object_kind", is_nullable=True),
    uuid("object_id", is_nullable=True),
    *actor("granted_by"),
    Column("also_granted_by", ARRAY(Text), nullable=False, server_default="{}"),
    moment("created_at", is_now=True),
    CheckConstraint(f"num_nonnulls({', '.join(HOLDERS)}) = 1", name="one_holder"),
    CheckConstraint("num_nonnulls(builtin_role, role_id) = 1", name="one_role"),
    CheckConstraint(
        "builtin_role in ('Owner', 'Admin', 'Developer', 'Operator', 'Viewer', 'Agent')",
        name="builtin_role",
    ),
    CheckConstraint("object_id is null or workspace_id is not null", name="object_place"),
    CheckConstraint("(object_id is null) = (object_kind is null)", name="object_whole"),
    CheckConstraint(
        "object_kind in ('deployment', 'work_pool', 'block_document')", name="object_kind"
    ),
    Unique(
        "organization_id",
        *HOLDERS,
        "builtin_role",
        "role_id",
        "workspace_id",
        "object_id",
        name="uq_role_bindings_all",
        postgresql_nulls_not_distinct=True,
    ),
    ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE"),
    ForeignKeyConstraint(
        ["organization_id", "membership_id"],
        ["memberships.organization_id", "memberships.id"],
        ondelete="CASCADE",
    ),
    ForeignKeyConstraint(
        ["organization_id", "service_account_id"],
        ["service_accounts.organization_id", "service_accounts.id"],
        ondelete="CASCADE",
    ),
    ForeignKeyConstraint(
        ["organization_id", "team_id"], ["teams.organization_id", "teams.id"], ondelete="CASCADE"
    ),
    ForeignKeyConstraint(["organization_id", "role_id"], ["roles.organization_id", "roles.id"]),
    ForeignKeyConstraint(
        ["organization_id", "workspace_id"],
        ["workspaces.organization_id", "workspaces.id"],
        ondelete="CASCADE",
    ),
    Index("ix_role_bindings_membership", "organization_id", "membership_id"),
    Index("ix_role_bindings_service_account", "organization_id", "service_account_id"),
    Index("ix_role_bindings_team", "organization_id", "team_id"),
    Index("ix_role_bindings_role", "organization_id", "role_id"),
    Index("ix_role_bindings_workspace", "organization_id", "workspace_id"),
)
