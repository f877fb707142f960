"""Alembic's entry: runs on the connection that the caller opened."""

from alembic import context
from headgate_server.tables.registry import metadata

LOCK_TIMEOUT = "1s"

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    compare_type=True,
    compare_server_default=True,
    transactional_ddl=True,
)
connection.exec_driver_sql(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
context.run_migrations()
