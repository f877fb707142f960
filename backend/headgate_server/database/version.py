"""Whether a database has the schema that this code needs."""

from functools import cache
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from headgate_server.database.work import Database
from headgate_server.domain.errors import ConfigurationError, HeadgateError

_READ = text("select version_num from alembic_version")
_VERSIONS = Path(__file__).parent / "migrations" / "versions"


@cache
def newest() -> str:
    """Return the number of the newest migration."""
    return max(path.name[:4] for path in _VERSIONS.glob("[0-9][0-9][0-9][0-9]_*.py"))


async def check_migrated(engine: AsyncEngine) -> None:
    """Refuse a database without the tables this code needs; a newer one will do.

    Raises:
        ConfigurationError: the database was never migrated, or not far enough.
    """
    try:
        async with engine.connect() as connection:
            result = await connection.execute(_READ)
            version = str(result.scalar_one_or_none() or "")
    except DBAPIError:
        version = ""
    if version < newest():
        raise ConfigurationError(
            f"The database is at migration {version or 'nothing'}, this server needs {newest()}: "
            "run `headgate-server migrate` first."
        )


async def why_unusable(database: Database) -> str | None:
    """Return why a database will not do just now; None where it answers and is migrated."""
    try:
        async with database.glance() as work:
            version = str((await work.execute(_READ)).scalar_one_or_none() or "")
    except HeadgateError:
        return "The database cannot be reached."
    except DBAPIError:
        version = ""
    if version < newest():
        return f"The database is at migration {version or 'nothing'}, not at {newest()}."
    return None
