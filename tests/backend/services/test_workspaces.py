"""Organizations, workspaces, service accounts and users on a real database."""

import asyncio
from uuid import UUID

import pytest

from headgate_server.database.work import Database
from headgate_server.domain.errors import (
    Conflict,
    InvalidInput,
    LimitExceeded,
    NotFound,
    VersionConflict,
)
from headgate_server.domain.filters import StringFilter, WorkspaceFilter
from headgate_server.domain.ids import new_id
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.service_accounts import ServiceAccount
from headgate_server.domain.workspaces import Workspace
from headgate_server.services import closing, organizations, service_accounts, users, workspaces
from tests.factories.tenants import Tenant, make_tenant


async def make_workspace(database: Database, tenant: Tenant, *, slug: str) -> Workspace:
    async with database.tenant(tenant.owner, None) as work:
        return await workspaces.create_workspace(
            work, organization_id=tenant.organization_id, slug=slug, name=slug.title()
        )


async def test_workspace_is_found_by_id_and_slug(database: Database) -> None:
    tenant = await make_tenant(database)
    made = await make_workspace(database, tenant, slug="staging")

    async with database.tenant(tenant.owner, None) as work:
        by_id = await workspaces.get_workspace(work, id_=made.id)
        by_slug = await workspaces.find_by_slug(
            work, organization_id=tenant.organization_id, slug="staging"
        )
        is_own = await workspaces.is_own_workspace(work, made.id)

    assert (made.name, made.version) == ("Staging", 1)
    assert by_id == by_slug == made
    assert is_own


async def test_update_changes_what_is_given_and_checks_the_version(database: Database) -> None:
    tenant = await make_tenant(database)
    made = await make_workspace(database, tenant, slug="staging")

    async with database.tenant(tenant.owner, made.id) as work:
        same = await workspaces.update_workspace(work, id_=made.id, name="Staging")
        renamed = await workspaces.update_workspace(
            work, id_=made.id, name="Stage", expected_version=1
        )
        with pytest.raises(VersionConflict) as conflict:
            await workspaces.update_workspace(work, id_=made.id, slug="x", expected_version=1)

    assert same == made
    assert (renamed.slug, renamed.name, renamed.version) == ("staging", "Stage", 2)
    assert conflict.value.current_version == 2


async def test_taken_slug_is_a_conflict_and_changes_nothing(database: Database) -> None:
    tenant = await make_tenant(database)
    made = await make_workspace(database, tenant, slug="staging")

    async with database.tenant(tenant.owner, None) as work:
        with pytest.raises(Conflict):
            await workspaces.update_workspace(work, id_=made.id, slug="main", name="Other")
        with pytest.raises(Conflict):
            await workspaces.create_workspace(
                work, organization_id=tenant.organization_id, slug="main", name="Main"
            )
        assert await workspaces.get_workspace(work, id_=made.id) == made


async def test_same_slug_made_twice_at_once_is_made_once(database: Database) -> None:
    tenant = await make_tenant(database)

    answers = await asyncio.gather(
        *(make_workspace(database, tenant, slug="new") for _ in range(5)), return_exceptions=True
    )

    assert len([answer for answer in answers if isinstance(answer, Workspace)]) == 1
    assert len([answer for answer in answers if isinstance(answer, Conflict)]) == 4


@pytest.mark.parametrize(("slug", "name"), [("Bad", "Name"), ("-a", "Name"), ("a", " "), ("a", "")])
async def test_bad_slug_or_name_is_refused(database: Database, slug: str, name: str) -> None:
    tenant = await make_tenant(database)

    async with database.tenant(tenant.owner, None) as work:
        with pytest.raises(InvalidInput):
            await workspaces.create_workspace(
                work, organization_id=tenant.organization_id, slug=slug, name=name
            )


async def test_workspaces_are_filtered_paged_and_counted(database: Database) -> None:
    tenant = await make_tenant(database)
    for slug in ("dev", "dev-2"):
        await make_workspace(database, tenant, slug=slug)
    filter_ = WorkspaceFilter(slug=StringFilter(starts_with="dev"))

    async with database.tenant(tenant.owner, None) as work:
        page = await workspaces.list_workspaces(
            work,
            organization_id=tenant.organization_id,
            page=PageRequest(size=1),
            filter=filter_,
        )
        count = await workspaces.count_workspaces(
            work, organization_id=tenant.organization_id, filter=filter_
        )
        everything = await workspaces.count_workspaces(work, organization_id=tenant.organization_id)

    assert [workspace.slug for workspace in page.items] == ["dev"]
    assert page.has_next
    assert (count, everything) == (2, 3)


async def test_another_organization_is_invisible(database: Database) -> None:
    tenant, other = await make_tenant(database), await make_tenant(database)

    async with database.tenant(tenant.owner, None) as work:
        assert await organizations.find_organization(work, id_=other.organization_id) is None
        assert await organizations.get_many_organizations(work, [other.organization_id]) == {}
        own = await organizations.get_organization(work, id_=tenant.organization_id)
        listed = await organizations.list_organizations(work, page=PageRequest())
        assert listed.items == [own]
        assert await organizations.find_by_slug(work, slug=own.slug) == own
        assert await workspaces.find_workspace(work, id_=other.workspace_id) is None
        assert await workspaces.get_many_workspaces(work, [other.workspace_id]) == {}
        assert not await workspaces.is_own_workspace(work, other.workspace_id)
        with pytest.raises(NotFound):
            await workspaces.update_workspace(work, id_=other.workspace_id, name="Mine")
        with pytest.raises(NotFound):
            await workspaces.create_workspace(
                work, organization_id=other.organization_id, slug="x", name="X"
            )
        with pytest.raises(NotFound):
            await service_accounts.create_service_account(
                work, organization_id=other.organization_id, name="x"
            )


async def test_taken_slug_of_an_organization_is_a_conflict(database: Database) -> None:
    async with database.system() as work:
        await organizations.create_organization(work, slug="acme", name="Acme")
        with pytest.raises(Conflict):
            await organizations.create_organization(work, slug="acme", name="Other")
        assert await organizations.find_by_slug(work, slug="other") is None


async def test_organization_keeps_the_slugs_that_it_had(database: Database) -> None:
    mine, other = await make_tenant(database), await make_tenant(database)
    async with database.system() as work:
        before = await organizations.get_organization(work, id_=mine.organization_id)

    async with database.tenant(mine.owner, None) as work:
        await organizations.update_organization(work, id_=mine.organization_id, slug="renamed")
        found = await organizations.find_by_slug(work, slug=before.slug)
        assert found is not None
        assert (found.id, found.slug) == (mine.organization_id, "renamed")

    async with database.tenant(other.owner, None) as work:
        assert await organizations.find_by_slug(work, slug=before.slug) is None
        for slug in (before.slug, "renamed"):
            with pytest.raises(Conflict):
                await organizations.update_organization(work, id_=other.organization_id, slug=slug)
    async with database.system() as work:
        with pytest.raises(Conflict):
            await organizations.create_organization(work, slug=before.slug, name="Taker")
    async with database.tenant(mine.owner, None) as work:
        back = await organizations.update_organization(
            work, id_=mine.organization_id, slug=before.slug
        )
    assert back.slug == before.slug


async def test_organization_keeps_twenty_slugs_and_goes_back_to_any(database: Database) -> None:
    tenant = await make_tenant(database)
    async with database.tenant(tenant.owner, None) as work:
        for number in range(19):
            await organizations.update_organization(
                work, id_=tenant.organization_id, slug=f"slug-{number}"
            )
        with pytest.raises(LimitExceeded):
            await organizations.update_organization(
                work, id_=tenant.organization_id, slug="one-more"
            )
        back = await organizations.update_organization(
            work, id_=tenant.organization_id, slug="slug-3"
        )

    assert back.slug == "slug-3"


async def test_slugs_of_a_deleted_organization_are_free(database: Database) -> None:
    tenant = await make_tenant(database)
    async with database.system() as work:
        await organizations.update_organization(work, id_=tenant.organization_id, slug="had")
        await organizations.update_organization(work, id_=tenant.organization_id, slug="has")
        await closing.archive_organization(work, id_=tenant.organization_id, is_archived=True)
        await closing.delete_organization(work, id_=tenant.organization_id)

        made = [
            await organizations.create_organization(work, slug=slug, name="New")
            for slug in ("had", "has")
        ]

    assert [one.slug for one in made] == ["had", "has"]


async def test_service_accounts_are_listed_and_kept_apart(database: Database) -> None:
    tenant, other = await make_tenant(database), await make_tenant(database)
    made: dict[UUID, ServiceAccount] = {}
    for one in (tenant, other):
        async with database.tenant(one.owner, None) as work:
            made[one.organization_id] = await service_accounts.create_service_account(
                work, organization_id=one.organization_id, name="ci"
            )
    own, foreign = made[tenant.organization_id], made[other.organization_id]

    async with database.tenant(tenant.owner, None) as work:
        page = await service_accounts.list_service_accounts(
            work, organization_id=tenant.organization_id, page=PageRequest()
        )
        found = await service_accounts.get_many_service_accounts(work, [own.id, foreign.id])
        assert await service_accounts.find_service_account(work, id_=foreign.id) is None

    assert page.items == [own]
    assert found == {own.id: own}


async def test_user_sees_themselves_only(database: Database) -> None:
    tenant, other = await make_tenant(database), await make_tenant(database)
    own, foreign = tenant.owner.actor.id, other.owner.actor.id
    assert own is not None
    assert foreign is not None

    async with database.tenant(tenant.owner, None) as work:
        found = await users.get_many_users(work, [own, foreign])
        assert await users.find_user(work, id_=foreign) is None

    assert [user.display_name for user in found.values()] == ["Olive"]
    assert set(found) == {own}


async def test_address_is_one_users_only_whatever_its_case(database: Database) -> None:
    async with database.system() as work:
        user = await users.create_user(work, display_name="Ann", email=" Ann@Example.com")
        with pytest.raises(Conflict):
            await users.create_user(work, display_name="Ann", email="ann@example.COM")
        with pytest.raises(InvalidInput):
            await users.create_user(work, display_name="Ann", email="ann")
        assert await users.find_user(work, id_=new_id()) is None

    assert user.email == "ann@example.com"
