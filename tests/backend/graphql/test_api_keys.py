"""Keys through the API: listed for who may see them, without their secrets."""

import pytest

from headgate_server.domain.ids import Kind
from headgate_server.domain.permissions import Scope
from headgate_server.services import members, organizations
from tests.factories.estates import Estate
from tests.factories.mutations import mutate
from tests.factories.people import Person
from tests.factories.tenants import Tenant
from tests.fixtures.browsers import Browser
from tests.fixtures.installations import Installation

pytestmark = pytest.mark.anyio

LISTED = """query ($slug: String!) { organization(slug: $slug) {
  apiKeys(first: 100) { nodes { name prefix owner { id } } totalCount { value } }
  serviceAccounts { nodes { id apiKeys { nodes { name } } } } } }"""
OWN = "{ viewer { memberOf { slug name } apiKeys { name } } }"


async def test_keys_of_an_organization_are_listed_for_its_administrators(
    installation: Installation, estate: Estate
) -> None:
    account = estate.ids[Kind.SERVICE_ACCOUNT]
    made = await mutate(
        estate.wide,
        "apiKeyCreate",
        "apiKey { id prefix } secret",
        ownerId=account,
        name="of the machine",
        scopes=["ORG_READ"],
    )
    slug = (await estate.wide.execute("{ viewer { organizations { nodes { slug } } } }")).data[
        "viewer"
    ]["organizations"]["nodes"][0]["slug"]
    reader = await installation.client(estate.tenant, scopes=[Scope.ORG_READ], is_bound=False)

    answer = await estate.wide.execute(LISTED, slug=slug)
    denied = await reader.execute(LISTED, slug=slug)

    listed = answer.data["organization"]
    (own,) = [one for one in listed["apiKeys"]["nodes"] if one["name"] == "of the machine"]
    assert (own["prefix"], own["owner"]["id"]) == (made["apiKey"]["prefix"], account)
    assert len(listed["apiKeys"]["nodes"]) == listed["apiKeys"]["totalCount"]["value"] > 1
    machines = {one["id"]: one["apiKeys"]["nodes"] for one in listed["serviceAccounts"]["nodes"]}
    assert {"name": "of the machine"} in machines[account]
    assert made["secret"] not in answer.body.decode()
    assert "ORG_ADMIN" in denied.body.decode()


async def test_person_sees_own_keys_and_every_organization_of_theirs(
    installation: Installation, person: Person, browser: Browser, tenant: Tenant
) -> None:
    async with installation.database.system() as work:
        other = await organizations.create_organization(work, slug="second-one", name="Second")
        await members.add_owner(work, organization_id=other.id, user_id=person.id)
        first = await organizations.find_organization(work, id_=tenant.organization_id)
    key = await installation.client(tenant)

    answer = await browser.ask(OWN)
    by_key = await key.execute(OWN)

    assert first is not None
    told = answer.data["viewer"]
    assert told["memberOf"] == sorted(
        [{"slug": first.slug, "name": first.name}, {"slug": "second-one", "name": "Second"}],
        key=lambda one: one["slug"],
    )
    assert told["apiKeys"] == []
    assert by_key.data["viewer"]["memberOf"] == []
