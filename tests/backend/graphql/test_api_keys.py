"""Keys through the API: listed for who may see them, without their secrets."""

import pytest

from headgate_server.domain.ids import Kind
from headgate_server.domain.permissions import BuiltinRole, Scope
from headgate_server.domain.roles import BindingPlace
from headgate_server.services import members, organizations
from tests.factories.estates import Estate
from tests.factories.members import make_member, make_member_token
from tests.factories.mutations import mutate
from tests.factories.people import Person
from tests.factories.tenants import Tenant
from tests.fixtures.api import ApiClient
from tests.fixtures.browsers import Browser
from tests.fixtures.installations import PEPPER, Installation

pytestmark = pytest.mark.anyio

LISTED = """query ($slug: String!) { organization(slug: $slug) {
  apiKeys(first: 100) { nodes { name prefix owner { id } } totalCount { value } }
  serviceAccounts { nodes { id apiKeys { nodes { name } } } } } }"""
ARCHIVE = """mutation ($id: ID!) {
  workspaceArchive(input: {id: $id, archived: true}) { workspace { archivedAt } } }"""
REVOKE = "mutation ($id: ID!) { apiKeyRevoke(input: {id: $id}) { errors { code } } }"
TURN = "mutation ($id: ID!) { apiKeyRotate(input: {id: $id}) { secret errors { code } } }"
WHO = "{ viewer { scopes } }"
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


async def holding(installation: Installation, tenant: Tenant, role: BuiltinRole) -> ApiClient:
    """Return a client of a member who holds a role in the tenant's workspace alone."""
    member = await make_member(
        installation.database, tenant, (role, BindingPlace(tenant.workspace_id))
    )
    return installation.holding(
        await make_member_token(installation.database, tenant, member, pepper=PEPPER)
    )


@pytest.mark.parametrize("is_agents", [False, True], ids=["machine", "pool"])
async def test_key_of_an_archived_workspace_is_revoked_by_who_could_if_it_were_open(
    installation: Installation,
    estate: Estate,
    is_agents: bool,  # noqa: FBT001
) -> None:
    scopes = ["AGENTS_CONNECT"] if is_agents else ["RUNS_READ"]
    where = "workPoolId" if is_agents else "workspaceId"
    place = estate.ids[Kind.WORK_POOL if is_agents else Kind.WORKSPACE]
    given = {"name": "leaked", "ownerId": estate.ids[Kind.SERVICE_ACCOUNT], where: place}
    made = await mutate(estate.wide, "apiKeyCreate", "apiKey { id } secret", **given, scopes=scopes)
    id_, leaked = made["apiKey"]["id"], installation.holding(made["secret"])
    viewer, admin = [
        await holding(installation, estate.tenant, role)
        for role in (BuiltinRole.VIEWER, BuiltinRole.ADMIN)
    ]
    await estate.wide.execute(ARCHIVE, id=estate.ids[Kind.WORKSPACE])

    refused = (await viewer.execute(REVOKE, id=id_)).data["apiKeyRevoke"]
    turned = (await admin.execute(TURN, id=id_)).data["apiKeyRotate"]
    before = await leaked.execute(WHO)
    revoked = (await admin.execute(REVOKE, id=id_)).data["apiKeyRevoke"]
    after = await leaked.execute(WHO)

    assert refused["errors"] == [{"code": "FORBIDDEN"}]
    assert turned == {"secret": None, "errors": [{"code": "FORBIDDEN"}]}
    assert revoked["errors"] == []
    assert (before.status, after.status) == (200, 401)
