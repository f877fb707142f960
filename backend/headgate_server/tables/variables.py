"""Variables, their tags, and the values they had before."""

from sqlalchemy import Column, ForeignKeyConstraint, Index, Table
from sqlalchemy import UniqueConstraint as Unique

from headgate_server.tables.metadata import actor, json, metadata, moment, number, uuid, words

variables = Table(
    "variables",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    words("name"),
    json("value"),
    number("version", default=1),
    moment("created_at", is_now=True),
    moment("updated_at", is_now=True),
    Unique("workspace_id", "name"),
    ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
)

variable_tags = Table(
    "variable_tags",
    metadata,
    uuid("workspace_id", is_key=True),
    Column("tag", words("tag").type, primary_key=True),
    uuid("variable_id", is_key=True),
    ForeignKeyConstraint(
        ["workspace_id", "variable_id"],
        ["variables.workspace_id", "variables.id"],
        ondelete="CASCADE",
    ),
    Index("ix_variable_tags_variable", "workspace_id", "variable_id"),
)

variable_versions = Table(
    "variable_versions",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("variable_id", is_key=True),
    Column("version", number("version").type, primary_key=True),
    json("value"),
    json("tags"),
    *actor("changed_by"),
    moment("changed_at", is_now=True),
    ForeignKeyConstraint(
        ["workspace_id", "variable_id"],
        ["variables.workspace_id", "variables.id"],
        ondelete="CASCADE",
    ),
)
