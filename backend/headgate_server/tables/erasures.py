"""People who had their account deleted, until their name is gone from what they made."""

from sqlalchemy import Column, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

from headgate_server.tables.metadata import metadata, moment, uuid, words

erasures = Table(
    "erasures",
    metadata,
    uuid("user_id", is_key=True),
    moment("deleted_at"),
    words("table_name", is_nullable=True),
    Column("after_key", ARRAY(Text), nullable=True),
)
"""``table_name`` is the table that is gone through, ``after_key`` the last row's key of it."""
