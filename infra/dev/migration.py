"""Writes a new migration: what the tables say and the migrated database does not yet have."""

import asyncio
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from headgate_server.database.engine import make_engine
from headgate_server.database.migrate import MIGRATIONS, upgrade
from headgate_server.embedded.services import EmbeddedServices
from sqlalchemy.engine import Connection

USAGE = "usage: make migration NAME='add a column'"


def _revise(connection: Connection, message: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    config.attributes["role_prefix"] = "headgate"
    number = len(list((MIGRATIONS / "versions").glob("[0-9]*.py"))) + 1
    command.revision(config, message=message, autogenerate=True, rev_id=f"{number:04d}")


async def main(message: str) -> None:
    """Migrate a throw-away database to the head and write what the tables have besides."""
    with tempfile.TemporaryDirectory() as folder:
        async with EmbeddedServices(Path(folder) / "data", has_valkey=False) as services:
            await upgrade(services.postgres_url, secret_key="throw-away")  # noqa: S106  not kept
            engine = make_engine(services.postgres_url, application_name="migration")
            async with engine.connect() as connection:
                await connection.run_sync(_revise, message)
            await engine.dispose()


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].strip():
        sys.exit(USAGE)
    asyncio.run(main(sys.argv[1]))
