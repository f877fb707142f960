"""Migrations beside those who use the tables: they give way, come again, and keep what is done."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from typing import Any, cast

import asyncpg
import pytest
from anyio.from_thread import BlockingPortal
from sqlalchemy import text

from headgate_server.database.migrate import upgrade
from headgate_server.database.urls import APP, DatabaseUrls, on_database, role_password
from headgate_server.database.work import Database
from headgate_server.domain.errors import ConfigurationError, Unavailable
from headgate_server.embedded.services import EmbeddedServices
from tests.fixtures.databases import SECRET_KEY
from tests.fixtures.deadlines import eventually
from tests.fixtures.sql import query

pytestmark = pytest.mark.anyio

OLDER, BEFORE, AFTER = "0014", "0016", "0017"
"""The last of these changes the organizations, those between do not."""
VERSION = "select version_num from alembic_version"
WAITING = """
select count(*) from pg_stat_activity where datname = current_database()
  and application_name = 'headgate-migrate' and wait_event_type = 'Lock'
"""

_numbers = count(1)


@pytest.fixture
def owner(servers: EmbeddedServices, portal: BlockingPortal) -> Generator[str]:
    """An empty database of this test alone."""
    name = f"older_{next(_numbers)}"
    portal.call(query, servers.postgres_url, f"create database {name}")
    yield on_database(servers.postgres_url, name)
    portal.call(query, servers.postgres_url, f"drop database {name} with (force)")


@asynccontextmanager
async def in_use(url: str, table: str) -> AsyncGenerator[None]:
    """Read a table and stay in the transaction."""
    connecting = asyncpg.connect(url, timeout=10)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - it ships no types
    connection = await cast("Any", connecting)
    try:
        async with connection.transaction():
            await connection.execute(f"select from {table}")
            yield
    finally:
        await connection.close()


async def test_migration_gives_way_to_others_and_comes_again(owner: str) -> None:
    migrate = partial(upgrade, owner, secret_key=SECRET_KEY)
    await migrate(revision=BEFORE)

    async with asyncio.TaskGroup() as tasks:
        async with in_use(owner, "organizations"):
            migrating = tasks.create_task(migrate(revision=AFTER))
            await eventually(partial(query, owner, WAITING), what="A migration that waits")
            async with asyncio.timeout(5):
                await query(owner, "select count(*) from organizations")
            await eventually(partial(query, owner, WAITING), what="Its next try")
            version = await query(owner, VERSION)

        assert version == BEFORE
        assert not migrating.done()

    assert await query(owner, VERSION) == AFTER


async def test_migration_that_never_gets_its_tables_says_so_and_keeps_what_is_done(
    owner: str,
) -> None:
    migrate = partial(upgrade, owner, secret_key=SECRET_KEY)
    await migrate(revision=OLDER)

    async with in_use(owner, "organizations"):
        with pytest.raises(ConfigurationError, match="pg_stat_activity"):
            await migrate(revision=AFTER, patience_seconds=0)

    assert await query(owner, VERSION) == BEFORE
    await migrate(revision=AFTER)
    assert await query(owner, VERSION) == AFTER


async def test_older_revision_than_the_database_changes_nothing(owner: str) -> None:
    await upgrade(owner, secret_key=SECRET_KEY, revision=AFTER)

    await upgrade(owner, secret_key=SECRET_KEY, revision=OLDER)

    assert await query(owner, VERSION) == AFTER


async def test_statement_whose_columns_a_migration_changed_may_be_tried_again(
    database: Database, urls: DatabaseUrls
) -> None:
    async def read() -> int:
        async with database.system() as work:
            return len((await work.execute(text("select * from control_plane"))).all())

    assert await read() == 1
    await query(urls.owner, "alter table control_plane add column later bigint")

    with pytest.raises(Unavailable):
        await read()
    assert await read() == 1


async def test_statements_that_the_server_remembers_tell_no_password_of_a_role(
    urls: DatabaseUrls,
) -> None:
    name = urls.owner.rpartition("/")[2].partition("?")[0]
    await query(urls.owner, f"alter database {name} set pg_stat_statements.track = 'all'")

    await upgrade(urls.owner, secret_key=SECRET_KEY)
    await query(urls.owner, "create extension pg_stat_statements")
    remembered = await query(urls.owner, "select string_agg(query, '|') from pg_stat_statements")

    assert "alter role" in remembered
    assert role_password(SECRET_KEY, APP) not in remembered
    assert await query(urls.app, "select 1") == 1
