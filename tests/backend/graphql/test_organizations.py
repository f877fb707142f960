"""Organizations are founded by people, and archived and opened with all their workspaces."""

import pytest
from sqlalchemy import text

from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain.ids import Kind
from headgate_server.services import closing, workspaces
from tests.backend.graphql.test_closing import DELETE_ALL, READ, UPSERT, signed_in, told
from tests.factories.estates import Estate
from tests.fixtures.api import ApiClient
from tests.fixtures.installations import Installation, replica

pytestmark = pytest.mark.anyio

ARCHIVE_ALL = """mutation ($id: ID!, $archived: Boolean!) {
  organizationArchive(input: {id: $id, archived: $archived}) {
    organization { slug } errors { code message } } }"""


async def test_organization_is_archived_and_opened_in_one_go(
    estate: Estate, other_estate: Estate
) -> None:
    other = other_estate
    place = {"id": estate.ids[Kind.ORGANIZATION]}

    archived = await told(estate, ARCHIVE_ALL, "organizationArchive", **place, archived=True)
    refused = await told(estate, UPSERT, "flowUpsert", id=estate.ids[Kind.WORKSPACE])
    theirs = await told(other, UPSERT, "flowUpsert", id=other.ids[Kind.WORKSPACE])
    read = await estate.wide.execute(READ, id=estate.ids[Kind.WORKSPACE])
    await told(estate, ARCHIVE_ALL, "organizationArchive", **place, archived=False)
    done = await told(estate, UPSERT, "flowUpsert", id=estate.ids[Kind.WORKSPACE])
    again = await told(estate, ARCHIVE_ALL, "organizationArchive", **place, archived=True)
    deleted = await told(estate, DELETE_ALL, "organizationDelete", **place)

    assert archived["errors"] == again["errors"] == []
    assert refused["errors"][0]["code"] == "FORBIDDEN"
    assert theirs["flow"]
    assert read.data["node"]["flows"]["nodes"]
    assert done["flow"]
    assert deleted["deletedId"] == place["id"]


async def test_everybody_who_is_signed_in_may_found_and_no_key_of_theirs(
    urls: DatabaseUrls, redis_url: str, estate: Estate
) -> None:
    found = (
        'mutation { organizationCreate(input: {slug: "second", name: "Second"}) '
        "{ organization { slug } errors { code } } }"
    )
    async with replica(urls, redis_url, may_people_found=True) as opened:
        person = await signed_in(opened, estate, email="ada@example.com", is_operator=False)
        keys = [ApiClient(opened.app, token=key.token) for key in (estate.wide, estate.agent)]
        refused = [(await key.execute(found)).data["organizationCreate"] for key in keys]
        made = (await person.execute(found)).data["organizationCreate"]

    assert refused == [{"organization": None, "errors": [{"code": "FORBIDDEN"}]}] * 2
    assert made == {"organization": {"slug": "second"}, "errors": []}


async def test_workspace_that_is_opened_or_made_in_a_suspended_organization_starts_nothing(
    installation: Installation, estate: Estate
) -> None:
    here = text("select is_stopped from workspaces where organization_id = :id")
    armed = text("select count(next_fire_at) from schedules where workspace_id = :id")
    place, own = {"id": estate.tenant.organization_id}, {"id": estate.tenant.workspace_id}
    owner = estate.tenant.owner
    given = {"id": estate.ids[Kind.ORGANIZATION], "archived": True}
    await told(estate, ARCHIVE_ALL, "organizationArchive", **given)
    async with installation.database.system() as work:
        await closing.suspend_organization(work, id_=estate.tenant.organization_id, reason="Unpaid")

    async with installation.database.tenant(owner, estate.tenant.workspace_id) as work:
        await closing.archive_workspace(work, id_=estate.tenant.workspace_id, is_archived=False)
        await workspaces.create_workspace(
            work, organization_id=estate.tenant.organization_id, slug="fresh", name="Fresh"
        )
    async with installation.database.system() as work:
        stopped = (await work.execute(here, place)).scalars().all()
        during = (await work.execute(armed, own)).scalar_one()
        await closing.resume_organization(work, id_=estate.tenant.organization_id)
        going = (await work.execute(here, place)).scalars().all()
        after = (await work.execute(armed, own)).scalar_one()

    assert set(stopped) == {True}
    assert (during, after > 0) == (0, True)
    assert going.count(False) == 2, "what stays archived starts nothing"
