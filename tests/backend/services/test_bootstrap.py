"""The first tenant of an installation on one machine."""

import asyncio

from headgate_server.database.work import Database
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.permissions import OWNER_SCOPES
from headgate_server.services import api_keys, organizations, work_pools, workspaces
from headgate_server.services.bootstrap import bootstrap_dev

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
