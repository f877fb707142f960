"""Whether a database has the schema that this code needs."""

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from headgate_server.domain.errors import ConfigurationError

_VERSIONS = Path(__file__).parent / "migrations" / "versions"


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
            result = await connection.execute(text("select version_num from alembic_version"))
            version = str(result.scalar_one_or_none() or "")
    except DBAPIError:
        version = ""
    if version < newest():
        raise ConfigurationError(
            f"The database is at migration {version or 'nothing'}, this server needs {newest()}: "
            "run `headgate-server migrate` first."
        )
