"""Organizations are archived and opened again with all their workspaces."""

import pytest

from headgate_server.domain.ids import Kind
from tests.backend.graphql.test_closing import DELETE_ALL, READ, UPSERT, told
from tests.factories.estates import Estate

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
