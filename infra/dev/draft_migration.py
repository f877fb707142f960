"""Draft a migration: what the tables in the code have that a migrated database has not.

Run by ``migration.sh NAME``. The draft is a start: read it, split it, give it its lock timeout.
"""

import asyncio
import functools
import re
import secrets
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from headgate_server.database.engine import make_engine
from headgate_server.database.migrate import MIGRATIONS, upgrade
from headgate_server.embedded.services import EmbeddedServices

ROLE_PREFIX = "headgate"


def draft(connection: Connection, *, name: str) -> None:
    """Write the next numbered revision into the migrations' folder."""
    config = Config(attributes={"connection": connection, "role_prefix": ROLE_PREFIX})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    number = 1 + len(list((MIGRATIONS / "versions").glob("[0-9]*.py")))
    command.revision(config, message=name, autogenerate=True, rev_id=f"{number:04d}")


async def main(name: str) -> None:
    """Migrate a database of its own and compare it with the tables."""
    with tempfile.TemporaryDirectory(prefix="headgate-migration-") as folder:
        async with EmbeddedServices(Path(folder), has_valkey=False) as services:
            await upgrade(
                services.postgres_url, secret_key=secrets.token_hex(), role_prefix=ROLE_PREFIX
            )
            engine = make_engine(services.postgres_url, application_name="draft", pool_size=1)
            async with engine.connect() as connection:
                await connection.run_sync(functools.partial(draft, name=name))
            await engine.dispose()


if __name__ == "__main__":
    if len(sys.argv) != 2 or not re.fullmatch(r"[a-z][a-z0-9_]+", sys.argv[1]):
        sys.exit("Name the migration in words with underscores: make migration NAME=add_webhooks")
    asyncio.run(main(sys.argv[1]))
