"""Alembic's entry: runs on the connection that the caller opened."""

import re

from alembic import context

from headgate_server.tables.registry import metadata

LOCK_TIMEOUT = "200ms"
"""Everybody who wants the table waits behind a migration that waits for it."""
PARTITION = re.compile(r"_(\d{8}|default)$")


def is_in_metadata(name: str | None, kind: str, _parents: object) -> bool:
    """Leave daily partitions out of comparisons: a loop makes them, no migration does."""
    return not (kind == "table" and PARTITION.search(name or ""))


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    compare_type=True,
    compare_server_default=True,
    include_name=is_in_metadata,
    transactional_ddl=True,
)
# nosemgrep: statements-are-whole - a constant of ours
connection.exec_driver_sql(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
context.run_migrations()
