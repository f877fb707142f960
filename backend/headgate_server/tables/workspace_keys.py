"""The keys of workspaces, wrapped, and the values that are sealed under them."""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import BYTEA

from headgate_server.tables.metadata import metadata, moment, number, uuid, words

workspace_keys = Table(
    "workspace_keys",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    Column("wrapped", BYTEA, nullable=True),
    words("kek_provider"),
    words("kek_id"),
    words("kek_version"),
    words("status"),
    moment("created_at", is_now=True),
    moment("destroyed_at", is_nullable=True),
    CheckConstraint("status in ('ACTIVE', 'DECRYPT', 'DESTROYED')", name="status"),
    CheckConstraint(
        "(wrapped is null) = (status = 'DESTROYED') "
        "and (destroyed_at is null) = (wrapped is not null)",
        name="destroyed",
    ),
    ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
    Index(
        "ux_workspace_keys_active",
        "workspace_id",
        unique=True,
        postgresql_where=text("status = 'ACTIVE'"),
    ),
    Index("ix_workspace_keys_kek", "kek_provider", "kek_id", "kek_version", "workspace_id", "id"),
)

kek_checks = Table(
    "kek_checks",
    metadata,
    Column("kek_provider", Text, primary_key=True),
    Column("kek_id", Text, primary_key=True),
    Column("kek_version", Text, primary_key=True),
    Column("wrapped", BYTEA, nullable=False),
    moment("created_at", is_now=True),
)
"""What each version of the installation's key wrapped first: another key does not unwrap it."""

block_secrets = Table(
    "block_secrets",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("block_document_id", is_key=True),
    Column("path", Text, primary_key=True),
    number("version"),
    uuid("key_id"),
    Column("blob", BYTEA, nullable=False),
    words("fingerprint"),
    moment("updated_at", is_now=True),
    ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
    ForeignKeyConstraint(
        ["workspace_id", "block_document_id"],
        ["block_documents.workspace_id", "block_documents.id"],
        ondelete="CASCADE",
    ),
    ForeignKeyConstraint(
        ["workspace_id", "key_id"], ["workspace_keys.workspace_id", "workspace_keys.id"]
    ),
    Index("ix_block_secrets_key", "workspace_id", "key_id"),
)
