"""Assets, their materializations, and the edges of their lineage."""

from sqlalchemy import ForeignKeyConstraint, Index, Table
from sqlalchemy import UniqueConstraint as Unique

from headgate_server.tables.metadata import flag, json, metadata, moment, number, uuid, words

assets = Table(
    "assets",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    words("key"),
    words("name", is_nullable=True),
    words("description", is_nullable=True),
    json("owners", default="[]"),
    words("url", is_nullable=True),
    number("fresh_seconds", is_nullable=True),
    moment("materialized_at", is_nullable=True),
    number("version", default=1),
    moment("created_at", is_now=True),
    moment("updated_at", is_now=True),
    Unique("workspace_id", "key"),
    ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
)

asset_materializations = Table(
    "asset_materializations",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    uuid("asset_id"),
    uuid("flow_run_id", is_nullable=True),
    uuid("task_run_id", is_nullable=True),
    flag("is_success"),
    words("made_by", is_nullable=True),
    json("metadata", default="{}"),
    moment("made_at", is_now=True),
    ForeignKeyConstraint(
        ["workspace_id", "asset_id"], ["assets.workspace_id", "assets.id"], ondelete="CASCADE"
    ),
    Index("ix_asset_materializations_asset", "workspace_id", "asset_id", "made_at", "id"),
    Index("ix_asset_materializations_age", "workspace_id", "made_at"),
)

asset_edges = Table(
    "asset_edges",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("downstream_id", is_key=True),
    uuid("upstream_id", is_key=True),
    moment("seen_at", is_now=True),
    ForeignKeyConstraint(
        ["workspace_id", "downstream_id"],
        ["assets.workspace_id", "assets.id"],
        name="fk_asset_edges_downstream",
        ondelete="CASCADE",
    ),
    ForeignKeyConstraint(
        ["workspace_id", "upstream_id"],
        ["assets.workspace_id", "assets.id"],
        name="fk_asset_edges_upstream",
        ondelete="CASCADE",
    ),
    Index("ix_asset_edges_upstream", "workspace_id", "upstream_id", "downstream_id"),
)
