"""Saved views."""

from sqlalchemy import Column, ForeignKeyConstraint, Index, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

from headgate_server.tables.metadata import actor, flag, json, metadata, moment, number, uuid, words

saved_views = Table(
    "saved_views",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    words("name"),
    words("page"),
    json("filter"),
    Column("columns", ARRAY(Text), nullable=True),
    flag("is_shared"),
    number("version", default=1),
    *actor("created_by"),
    moment("created_at", is_now=True),
    moment("updated_at", is_now=True),
    ForeignKeyConstraint(["workspace_id"], ["workspaces.id"]),
    Index("ix_saved_views_page", "workspace_id", "page", "name", "id"),
)
