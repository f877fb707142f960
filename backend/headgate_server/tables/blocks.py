"""Block types, their schemas, documents, and which documents refer to which.

The secrets of documents lie sealed in ``block_secrets``, beside the keys of workspaces.
"""

from sqlalchemy import Column, ForeignKeyConstraint, Index, Table, Text
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.dialects.postgresql import ARRAY

from headgate_server.tables.metadata import json, metadata, moment, number, uuid, words

block_types = Table(
    "block_types",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    words("slug"),
    words("name"),
    words("logo_url", is_nullable=True),
    words("documentation_url", is_nullable=True),
    words("description", is_nullable=True),
    words("code_example", is_nullable=True),
    number("version", default=1),
    moment("created_at", is_now=True),
    moment("updated_at", is_now=True),
    Unique("workspace_id", "slug"),
    ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
)

block_schemas = Table(
    "block_schemas",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    uuid("block_type_id"),
    number("number"),
    words("checksum"),
    words("version_label", is_nullable=True),
    Column("capabilities", ARRAY(Text), nullable=False),
    json("fields"),
    Column("secret_paths", ARRAY(Text), nullable=False),
    moment("created_at", is_now=True),
    Unique("workspace_id", "block_type_id", "checksum"),
    Unique("workspace_id", "block_type_id", "number"),
    ForeignKeyConstraint(
        ["workspace_id", "block_type_id"],
        ["block_types.workspace_id", "block_types.id"],
        ondelete="CASCADE",
    ),
)

block_documents = Table(
    "block_documents",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    uuid("block_type_id"),
    uuid("block_schema_id"),
    words("name"),
    json("data"),
    number("version", default=1),
    moment("created_at", is_now=True),
    moment("updated_at", is_now=True),
    Unique("workspace_id", "block_type_id", "name"),
    ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
    ForeignKeyConstraint(
        ["workspace_id", "block_type_id"], ["block_types.workspace_id", "block_types.id"]
    ),
    ForeignKeyConstraint(
        ["workspace_id", "block_schema_id"], ["block_schemas.workspace_id", "block_schemas.id"]
    ),
    Index("ix_block_documents_name", "workspace_id", "name", "id"),
    Index("ix_block_documents_schema", "workspace_id", "block_schema_id"),
)

block_references = Table(
    "block_references",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("block_document_id", is_key=True),
    uuid("referred_id", is_key=True),
    ForeignKeyConstraint(
        ["workspace_id", "block_document_id"],
        ["block_documents.workspace_id", "block_documents.id"],
        ondelete="CASCADE",
    ),
    ForeignKeyConstraint(
        ["workspace_id", "referred_id"],
        ["block_documents.workspace_id", "block_documents.id"],
        name="fk_block_references_referred",
    ),
    Index("ix_block_references_referred", "workspace_id", "referred_id"),
)
