"""The dialect of the engines: asyncpg's, with statements that are compiled once a process.

SQLAlchemy keeps what it compiled by the statement and by the dialect, and every engine has one of
its own: that of the tenants and that of the system would each compile what both run.
"""

from typing import Any, cast

from sqlalchemy import util
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from headgate_server.database.urls import DIALECT

MOST_COMPILED = 2_000

compiled_cache: Any = cast("Any", util.LRUCache)(MOST_COMPILED)
"""What every engine of this process has compiled: the ``compiled_cache`` of its executions."""


class SharedDialect(PGDialect_asyncpg):
    """As asyncpg's; all that speak to servers of one version count as the same."""

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, SharedDialect)
            and self.server_version_info == other.server_version_info
        )

    def __hash__(self) -> int:
        return hash(SharedDialect)


registry.register(f"postgresql.{DIALECT}", __name__, SharedDialect.__name__)
