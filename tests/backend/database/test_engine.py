"""Which Postgres will do, and which of its roles."""

from collections.abc import Generator
from dataclasses import replace

import pytest
from anyio.from_thread import BlockingPortal
from sqlalchemy import make_url

from headgate_server.database.engine import check_server, check_version, make_engine
from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain.errors import ConfigurationError
from tests.fixtures.sql import query

ROLE, OVER, BETWEEN = "engine_app", "engine_over", "engine_between"


@pytest.fixture
def role(urls: DatabaseUrls, portal: BlockingPortal) -> Generator[DatabaseUrls]:
    """Addresses whose application role is one of this test alone; roles are a whole server's."""

    def drop() -> None:
        for name in (ROLE, BETWEEN, OVER):
            known = f"select 1 from pg_roles where rolname = '{name}'"  # noqa: S608  a name of this file
            if portal.call(query, urls.owner, known):
                portal.call(query, urls.owner, f"drop owned by {name} cascade")
                portal.call(query, urls.owner, f"drop role {name}")

    drop()
    portal.call(query, urls.owner, f"create role {ROLE} login password 'given'")
    portal.call(query, urls.owner, f"create role {OVER} superuser")
    own = make_url(urls.app).set(username=ROLE, password="given")
    yield replace(urls, app=own.render_as_string(hide_password=False))
    drop()


async def check(url: str) -> None:
    engine = make_engine(url, application_name="test", pool_size=1)
    try:
        await check_server(engine)
    finally:
        await engine.dispose()


@pytest.mark.parametrize("number", [150014, 150020, 160010, 170006, 180000, 190001])
def test_postgres_without_known_holes_will_do(number: int) -> None:
    check_version(number)


@pytest.mark.parametrize(
    ("number", "name"),
    [(140030, "14.30"), (150013, "15.13"), (160009, "16.9"), (170005, "17.5"), (90624, "9.624")],
)
def test_older_postgres_is_refused_with_what_it_takes(number: int, name: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        check_version(number)

    assert f"Postgres {name} is too old: Headgate needs 15.14, 16.10, 17.6" in str(refused.value)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("alter role {role} superuser", "is a superuser or bypasses row-level security"),
        ("alter role {role} bypassrls", "is a superuser or bypasses row-level security"),
        ("grant {over} to {role}", "is a member of one that is a superuser"),
        ("alter table flow_runs owner to {role}", "owns tables"),
        ("grant create on schema public to {role}", "may make tables"),
    ],
)
async def test_role_that_could_take_the_walls_away_is_refused(
    role: DatabaseUrls, urls: DatabaseUrls, given: str, told: str
) -> None:
    await check(role.app)
    await query(urls.owner, given.format(role=ROLE, over=OVER))

    with pytest.raises(ConfigurationError, match=f"The database role {ROLE} {told}"):
        await check(role.app)


async def test_member_of_the_owner_is_refused(role: DatabaseUrls, urls: DatabaseUrls) -> None:
    await query(urls.owner, f"create role {BETWEEN} noinherit")
    await query(urls.owner, f"alter table flow_runs owner to {BETWEEN}")
    await query(urls.owner, f"grant {BETWEEN} to {ROLE}")

    with pytest.raises(ConfigurationError, match="owns tables"):
        await check(role.app)
