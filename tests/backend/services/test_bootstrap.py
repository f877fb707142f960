"""The first tenant of an installation on one machine."""

import asyncio

import pytest

from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.domain.errors import Conflict, InvalidInput
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.permissions import OWNER_SCOPES
from headgate_server.domain.users import OWNER_EMAIL
from headgate_server.repositories import organizations as stored
from headgate_server.repositories import users
from headgate_server.services import (
    api_keys,
    members,
    organizations,
    people,
    work_pools,
    workspaces,
)
from headgate_server.services.bootstrap import (
    bootstrap_dev,
    bootstrap_owner,
    issue_owner_token,
)
from headgate_server.services.passwords import finish_reset
from tests.factories.people import PASSWORD, Person, cheap_hasher, make_person, sign_in, who
from tests.factories.people import PEPPER as SHARED
from tests.fixtures.sql import query

PEPPER = "the pepper of an installation"


async def test_bootstrap_makes_a_tenant_whose_key_owns_it(database: Database) -> None:
    made = await bootstrap_dev(database, pepper=PEPPER)

    principal = await api_keys.authenticate(database, made.secret, pepper=PEPPER)

    assert (made.organization.slug, made.workspace.slug) == ("default", "default")
    assert principal.organization_id == made.organization.id
    assert principal.workspace_id is None
    assert principal.scopes == OWNER_SCOPES
    async with database.tenant(principal, made.workspace.id) as work:
        pools = (await work_pools.list_work_pools(work, page=PageRequest())).items
    assert [(pool.name, pool.type) for pool in pools] == [("default", "process")]


async def test_bootstrap_again_finds_the_tenant_and_keeps_a_known_key(database: Database) -> None:
    first = await bootstrap_dev(database, pepper=PEPPER)

    second = await bootstrap_dev(database, pepper=PEPPER, key=first.secret)
    third = await bootstrap_dev(database, pepper=PEPPER)

    assert second == first
    assert (third.organization, third.workspace) == (first.organization, first.workspace)
    assert third.secret != first.secret
    for made in (first, third):
        await api_keys.authenticate(database, made.secret, pepper=PEPPER)


async def test_two_bootstraps_at_once_make_one_tenant(database: Database) -> None:
    made = await asyncio.gather(*(bootstrap_dev(database, pepper=PEPPER) for _ in range(4)))

    assert len({one.organization.id for one in made}) == 1
    assert len({one.workspace.id for one in made}) == 1
    async with database.system() as work:
        found = await organizations.list_organizations(work, page=PageRequest())
        count = await workspaces.count_workspaces(work, organization_id=made[0].organization.id)
    assert (len(found.items), count) == (1, 1)


async def choose(database: Database, token: str) -> None:
    await finish_reset(
        database, token=token, password=PASSWORD, hasher=cheap_hasher(), pepper=SHARED
    )


async def test_first_owner_chooses_a_password_and_owns_the_organization(
    database: Database,
) -> None:
    former = await bootstrap_owner(database, email="Olive@x.test", slug="acme", pepper=SHARED)
    token = await bootstrap_owner(database, email="olive@x.test", slug="acme", pepper=SHARED)

    with pytest.raises(InvalidInput):
        await choose(database, former)
    await choose(database, token)

    async with database.system() as work:
        acme = await stored.find_by_slug(work, slug="acme")
        owner = await users.find_by_email(work, email="olive@x.test")
    assert acme is not None
    assert owner is not None
    caller = await who(database, await sign_in(database, Person(owner.id, "olive@x.test")))
    assert (caller.organization_id, caller.scopes) == (acme.id, OWNER_SCOPES)


@pytest.mark.parametrize("email", ["eve@example.com", "nobody@example.com"])
async def test_nobody_else_becomes_an_owner_by_bootstrap(database: Database, email: str) -> None:
    await make_person(database, email="eve@example.com")
    await bootstrap_owner(database, email="olive@x.test", slug="acme", pepper=SHARED)

    with pytest.raises(Conflict):
        await bootstrap_owner(database, email=email, slug="acme", pepper=SHARED)


async def test_owner_of_dev_is_given_a_link_until_they_have_a_password(
    database: Database,
) -> None:
    await bootstrap_dev(database, pepper=SHARED)
    token = await issue_owner_token(database, pepper=SHARED)
    assert token is not None

    await choose(database, token)

    assert await issue_owner_token(database, pepper=SHARED) is None
    async with database.system() as work:
        owner = await users.find_by_email(work, email=OWNER_EMAIL)
    assert owner is not None
    caller = await who(database, await sign_in(database, Person(owner.id, OWNER_EMAIL)))
    assert caller.scopes == OWNER_SCOPES


async def test_starting_again_tells_and_counts_nobody_as_new(
    database: Database, urls: DatabaseUrls
) -> None:
    first = await bootstrap_dev(database, pepper=PEPPER)
    joined = "select count(*) from audit_entries where action = 'membership.added'"
    counted = "select sum(amount) from object_deltas where kind = 'MEMBERS'"
    before = await query(urls.system, joined), await query(urls.system, counted)
    async with database.system() as work:
        await people.set_operator(work, email=OWNER_EMAIL, is_operator=False)

    await bootstrap_dev(database, pepper=PEPPER, key=first.secret)
    async with database.system() as work:
        owner = await users.find_by_email(work, email=OWNER_EMAIL)
        assert owner is not None
        await members.add_owner(work, organization_id=first.organization.id, user_id=owner.id)

    assert before == (1, 1)
    assert (await query(urls.system, joined), await query(urls.system, counted)) == before
    operators = "select count(*) from users where is_operator"
    assert await query(urls.system, operators) == 0, "who took it away meant it"
