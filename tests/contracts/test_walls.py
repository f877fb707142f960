"""Row-level security, table by table, as the role of the application: the second wall.

The tables come from the database's own catalogue, so a new one falls under it. The first wall, the
queries that name their workspace, is not in play: each statement here asks for everything.
"""

from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Executable, TableClause, column, delete, func, select, table, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from headgate_server.database.engine import make_engine
from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import bind_tenant
from tests.factories.estates import Estate
from tests.factories.tenants import Tenant
from tests.fixtures.installations import Installation

pytestmark = pytest.mark.anyio

OPEN_TABLES = {"alembic_version", "control_plane", "kek_checks", "quota_defaults"}
"""What belongs to the installation and holds nothing of a tenant."""
CLOSED_TABLES = {
    "audit_heads",
    "audit_queue",
    "cli_logins",
    "erasures",
    "identities",
    "login_sessions",
    "one_time_tokens",
}
"""What comes before or behind any tenant: the role of the application does not read it at all."""
PLACES = ("organization_id", "workspace_id")
OWN_COLUMNS = {"organizations": "id", "users": "id"}
SEEN_BY_COLLEAGUES = {"users"}
FEWEST_WITH_ROWS = 20
REFUSED, FORBIDDEN = "row-level security", "permission denied"

TABLES = text("""
select c.relname as name, has_any_column_privilege(c.oid, 'select') as is_readable,
  c.relrowsecurity and c.relforcerowsecurity as is_walled,
  array(select attname::text from pg_attribute where attrelid = c.oid and attnum > 0) as columns
from pg_class c where c.relnamespace = 'public'::regnamespace
  and c.relkind in ('r', 'p') and not c.relispartition order by c.relname
""")


@pytest.fixture
async def tenants(
    installation: Installation, estate: Estate, other_estate: Estate
) -> tuple[Tenant, Tenant]:
    mine, theirs = estate, other_estate
    return mine.tenant, theirs.tenant


@pytest.fixture
async def app(urls: DatabaseUrls) -> AsyncGenerator[AsyncEngine]:
    engine = make_engine(urls.app, application_name="test-walls", pool_size=1)
    yield engine
    await engine.dispose()


async def walled(app: AsyncEngine) -> dict[str, TableClause]:
    """Return every table of tenants, each with the one column that says whose a row is."""
    async with app.connect() as connection:
        rows = (await connection.execute(TABLES)).all()
    found: dict[str, TableClause] = {}
    for row in rows:
        if row.name in OPEN_TABLES:
            continue
        assert row.is_walled, f"{row.name} has no forced row-level security"
        placed = [place for place in PLACES if place in row.columns]
        assert row.is_readable == (row.name not in CLOSED_TABLES), row.name
        if row.name in CLOSED_TABLES:
            continue
        found[row.name] = table(row.name, column(OWN_COLUMNS.get(row.name) or placed[0]))
    return found


def place_of(one: TableClause) -> Any:
    (place,) = one.c
    return place


def own(tenant: Tenant, one: TableClause) -> UUID:
    if one.name == "users":
        assert tenant.owner.actor.id is not None
        return tenant.owner.actor.id
    is_inside = place_of(one).name == "workspace_id"
    return tenant.workspace_id if is_inside else tenant.organization_id


async def rows_of(app: AsyncEngine, tenant: Tenant | None, statement: Executable) -> int:
    """Return how many rows a count or a change reaches for a tenant; nothing is kept."""
    async with app.connect() as connection:
        if tenant is not None:
            actor_id = tenant.owner.actor.id
            await bind_tenant(connection, tenant.workspace_id, tenant.organization_id, actor_id)
        result: Any = await connection.execute(statement)
        return int(result.scalar_one() if result.returns_rows else result.rowcount)


async def reached(app: AsyncEngine, tenant: Tenant, change: Executable) -> int:
    """Return how many rows a change reaches; none where the role may not make such changes."""
    try:
        return await rows_of(app, tenant, change)
    except DBAPIError as error:
        if FORBIDDEN not in str(error):
            raise
        return 0


def counted(one: TableClause) -> Any:
    return select(func.count()).select_from(one)


async def test_every_table_shows_and_yields_its_own_tenants_rows_only(
    tenants: tuple[Tenant, Tenant], app: AsyncEngine
) -> None:
    mine, theirs = tenants
    with_rows: set[str] = set()

    for name, one in (await walled(app)).items():
        place = place_of(one)
        is_ours, is_theirs = place == own(mine, one), place == own(theirs, one)
        if await rows_of(app, mine, counted(one).where(is_ours)):
            with_rows.add(name)
        others = await rows_of(app, mine, counted(one).where(~is_ours))
        seen = await rows_of(app, mine, counted(one).where(is_theirs))
        changed = await reached(app, mine, update(one).values({place: place}).where(is_theirs))
        gone = await reached(app, mine, delete(one).where(is_theirs))

        assert (name, seen, changed, gone) == (name, 0, 0, 0)
        assert others == 0 or name in SEEN_BY_COLLEAGUES

    assert len(with_rows) >= FEWEST_WITH_ROWS, with_rows


async def test_no_table_shows_anything_without_a_tenant(
    tenants: tuple[Tenant, Tenant], app: AsyncEngine
) -> None:
    assert len(tenants) == 2
    for name, one in (await walled(app)).items():
        try:
            found = await rows_of(app, None, counted(one))
        except DBAPIError:
            found = 0

        assert (name, found) == (name, 0)


async def test_no_row_is_moved_to_another_tenant(
    tenants: tuple[Tenant, Tenant], app: AsyncEngine
) -> None:
    mine, theirs = tenants
    moved: list[str] = []
    for name, one in (await walled(app)).items():
        if name == "users" or not await rows_of(app, mine, counted(one)):
            continue
        statement = update(one).values({place_of(one): own(theirs, one)})

        with pytest.raises(DBAPIError, match=f"{REFUSED}|{FORBIDDEN}"):
            await rows_of(app, mine, statement)
        moved.append(name)

    assert len(moved) >= FEWEST_WITH_ROWS


async def test_opened_wall_is_noticed(
    urls: DatabaseUrls, tenants: tuple[Tenant, Tenant], app: AsyncEngine
) -> None:
    mine, theirs = tenants
    flows = (await walled(app))["flows"]
    owner = make_engine(urls.owner, application_name="test-walls", pool_size=1)
    async with owner.begin() as connection:
        await connection.execute(text("drop policy tenant on flows"))
        await connection.execute(text("create policy tenant on flows using (true)"))
    await owner.dispose()

    is_theirs = place_of(flows) == own(theirs, flows)
    assert await rows_of(app, mine, counted(flows).where(is_theirs)) > 0
