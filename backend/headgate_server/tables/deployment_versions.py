"""Every version of a deployment: what it was, as one document, with its label and git metadata."""

from sqlalchemy import ForeignKeyConstraint, Table
from sqlalchemy import UniqueConstraint as Unique

from headgate_server.tables.metadata import actor, json, metadata, moment, number, uuid, words

deployment_versions = Table(
    "deployment_versions",
    metadata,
    uuid("workspace_id", is_key=True),
    uuid("id", is_key=True),
    uuid("deployment_id"),
    number("number"),
    words("label", is_nullable=True),
    json("git", is_nullable=True),
    json("content"),
    # What its runs might read and start as another came into its place; null while it is current.
    json("named", is_nullable=True),
    # Which one was current before it, always one below; null where it was not noted.
    number("replaced_number", is_nullable=True),
    *actor("created_by"),
    moment("created_at", is_now=True),
    Unique("workspace_id", "deployment_id", "number"),
    ForeignKeyConstraint(
        ["workspace_id", "deployment_id"],
        ["deployments.workspace_id", "deployments.id"],
        ondelete="CASCADE",
    ),
)
