"""Support access: asked for, approved, seen in the audit log, ended; and what it never opens."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from headgate_server.domain.ids import Kind
from headgate_server.services.audit_entries import seal, verify
from headgate_server.tables.organizations import organizations
from headgate_server.tables.support_grants import support_grants
from tests.backend.graphql.test_closing import signed_in
from tests.factories.estates import Estate, make_estate
from tests.fixtures.api import Answer, open_socket, serve
from tests.fixtures.browsers import COOKIE, Browser
from tests.fixtures.installations import Installation

pytestmark = pytest.mark.anyio

REQUEST = """mutation ($id: ID!, $role: SupportRole!, $hours: Int!) { supportGrantRequest(input: {
  organizationId: $id, role: $role, hours: $hours, reason: "Runs hang since noon."}) {
  supportGrant { id state expiresAt role } errors { code message } } }"""
APPROVE = """mutation ($id: ID!) { supportGrantApprove(input: {id: $id}) {
  supportGrant { state approvedByName expiresAt } errors { code message } } }"""
END = """mutation ($id: ID!) { supportGrantEnd(input: {id: $id}) {
  supportGrant { state } errors { code } } }"""
ACCESS = """mutation ($id: ID!, $access: SupportAccess!) {
  organizationSupportAccessUpdate(input: {id: $id, access: $access}) {
    organization { supportAccess } errors { code } } }"""
LOG = """query ($id: ID!) { node(id: $id) { ... on Organization {
  supportGrants(first: 1) { nodes { state operatorName reason hours } }
  auditLog(first: 5) { nodes { action actor { displayName } supportGrantId diff } } } } }"""
READ = "query ($id: ID!) { node(id: $id) { ... on Workspace { flows { nodes { name } } } } }"
UPSERT = """mutation ($id: ID!) {
  flowUpsert(input: {workspaceId: $id, name: "later"}) { flow { id } errors { code } } }"""
REVEAL = "mutation ($id: ID!) { blockDocumentReveal(input: {id: $id}) { data errors { code } } }"
MAKE_KEY = """mutation ($owner: ID!) {
  apiKeyCreate(input: {name: "mine", ownerId: $owner, scopes: [FLOWS_READ]}) {
    secret errors { code } } }"""
VIEWER = "{ viewer { organizations { nodes { slug } } } }"


@pytest.fixture
async def operator(installation: Installation, other_estate: Estate) -> Browser:
    operators = other_estate
    return await signed_in(installation, operators, email="op@example.com", is_operator=True)


async def ask_for(
    operator: Browser, estate: Estate, *, role: str = "VIEWER", hours: int = 4
) -> Any:
    id_ = estate.ids[Kind.ORGANIZATION]
    answer = await operator.execute(REQUEST, id=id_, role=role, hours=hours)
    return answer.data["supportGrantRequest"]


async def told(estate: Estate, document: str, field: str, **given: Any) -> Any:
    return (await estate.wide.execute(document, **given)).data[field]


async def slug_of(estate: Estate) -> str:
    viewer = (await estate.wide.execute(VIEWER)).data["viewer"]
    return viewer["organizations"]["nodes"][0]["slug"]


async def within(operator: Browser, slug: str, document: str, **variables: Any) -> Answer:
    body = {"query": document, "variables": variables}
    return await operator.send("/graphql", body, x_headgate_organization=slug)


async def log_of(estate: Estate) -> Any:
    return (await estate.wide.execute(LOG, id=estate.ids[Kind.ORGANIZATION])).data["node"]


async def test_operator_gets_in_once_an_owner_approves_and_all_of_it_is_seen(
    estate: Estate, operator: Browser
) -> None:
    slug, place = await slug_of(estate), {"id": estate.ids[Kind.WORKSPACE]}
    before = await within(operator, slug, READ, **place)
    asked = await ask_for(operator, estate)
    waiting = await within(operator, slug, READ, **place)
    id_ = asked["supportGrant"]["id"]
    approved = await told(estate, APPROVE, "supportGrantApprove", id=id_)
    read = await within(operator, slug, READ, **place)
    written = await within(operator, slug, UPSERT, **place)

    found = await log_of(estate)

    assert (before.status, waiting.status) == (403, 403)
    assert asked["supportGrant"]["state"] == "REQUESTED"
    assert approved["supportGrant"]["state"] == "ACTIVE"
    assert read.data["node"]["flows"]["nodes"]
    assert written.data["flowUpsert"]["errors"][0]["code"] == "FORBIDDEN"
    assert found["supportGrants"]["nodes"] == [
        {
            "state": "ACTIVE",
            "operatorName": "Ada",
            "reason": "Runs hang since noon.",
            "hours": 4,
        }
    ]
    entries = found["auditLog"]["nodes"][:4]
    assert [(entry["action"], entry["supportGrantId"]) for entry in entries] == [
        ("support_grant.used", id_),
        ("support_grant.used", id_),
        ("support_grant.approved", None),
        ("support_grant.requested", None),
    ]
    fields = [entry["diff"]["after"]["fields"] for entry in entries[:2]]
    assert fields == [["flowUpsert"], ["node"]]
    objects = [entry["diff"]["after"]["objects"] for entry in entries[:2]]
    assert objects == [[f"WORKSPACE {estate.ids[Kind.WORKSPACE]}"]] * 2


async def test_what_support_changes_is_marked_and_the_chain_holds(
    installation: Installation, estate: Estate, operator: Browser
) -> None:
    slug = await slug_of(estate)
    asked = await ask_for(operator, estate, role="DEVELOPER")
    id_ = asked["supportGrant"]["id"]
    await told(estate, APPROVE, "supportGrantApprove", id=id_)

    done = await within(operator, slug, UPSERT, id=estate.ids[Kind.WORKSPACE])

    entries = (await log_of(estate))["auditLog"]["nodes"][:2]
    assert done.data["flowUpsert"]["errors"] == []
    assert [entry["action"] for entry in entries] == ["flow.created", "support_grant.used"]
    assert {entry["supportGrantId"] for entry in entries} == {id_}
    await seal.seal_waiting(installation.database)
    async with installation.database.system() as work:
        verdict = await verify.verify_chain(work, organization_id=estate.tenant.organization_id)
    assert verdict.problem is None


async def test_support_never_sees_secrets_and_leaves_nothing_that_outlasts_it(
    estate: Estate, operator: Browser
) -> None:
    slug = await slug_of(estate)
    asked = await ask_for(operator, estate, role="DEVELOPER")
    await told(estate, APPROVE, "supportGrantApprove", id=asked["supportGrant"]["id"])

    revealed = await within(operator, slug, REVEAL, id=estate.ids[Kind.BLOCK_DOCUMENT])
    ended = await within(operator, slug, END, id=asked["supportGrant"]["id"])
    approved = await within(operator, slug, APPROVE, id=asked["supportGrant"]["id"])

    for answer, field in (
        (revealed, "blockDocumentReveal"),
        (ended, "supportGrantEnd"),
        (approved, "supportGrantApprove"),
    ):
        assert [one["code"] for one in answer.data[field]["errors"]] == ["FORBIDDEN"], field


async def test_only_operators_ask_and_a_closed_organization_is_not_asked(
    installation: Installation, estate: Estate, operator: Browser
) -> None:
    other = await make_estate(installation)
    member = await signed_in(installation, other, email="eve@example.com", is_operator=False)
    by_member = await ask_for(member, estate)
    set_ = await told(
        estate,
        ACCESS,
        "organizationSupportAccessUpdate",
        id=estate.ids[Kind.ORGANIZATION],
        access="DISABLED",
    )
    refused = await ask_for(operator, estate)
    too_long = await ask_for(operator, other, hours=73)

    assert by_member["errors"][0]["code"] == "FORBIDDEN"
    assert set_["organization"]["supportAccess"] == "DISABLED"
    assert refused["errors"][0]["code"] == "FORBIDDEN"
    assert "lets no support in" in refused["errors"][0]["message"]
    assert too_long["errors"][0]["code"] == "INVALID"


async def test_organization_that_allows_it_is_looked_into_at_once(
    estate: Estate, operator: Browser
) -> None:
    place = {"id": estate.ids[Kind.ORGANIZATION], "access": "ALLOWED"}
    await told(estate, ACCESS, "organizationSupportAccessUpdate", **place)

    asked = await ask_for(operator, estate)

    read = await within(operator, await slug_of(estate), READ, id=estate.ids[Kind.WORKSPACE])
    assert asked["supportGrant"]["state"] == "ACTIVE"
    assert read.data["node"]


async def test_ended_support_loses_its_socket_and_gets_in_no_more(
    installation: Installation, estate: Estate, operator: Browser
) -> None:
    slug = await slug_of(estate)
    id_ = (await ask_for(operator, estate))["supportGrant"]["id"]
    await told(estate, APPROVE, "supportGrantApprove", id=id_)
    cookie = f"{COOKIE}={operator.cookie}"

    async with (
        serve(installation.app) as address,
        open_socket(address, cookie=cookie, origin=f"http://{address}") as socket,
    ):
        await socket.send({"type": "connection_init", "payload": {"organization": slug}})
        assert (await socket.receive())["type"] == "connection_ack"
        ended = await told(estate, END, "supportGrantEnd", id=id_)
        code = await socket.closed()

    assert ended["supportGrant"]["state"] == "ENDED"
    assert code == 4403
    assert (await within(operator, slug, VIEWER)).status == 403
    again = await told(estate, APPROVE, "supportGrantApprove", id=id_)
    assert again["errors"][0]["code"] == "CONFLICT"


async def test_support_expires_by_itself(
    installation: Installation, estate: Estate, operator: Browser
) -> None:
    slug = await slug_of(estate)
    id_ = (await ask_for(operator, estate, hours=1))["supportGrant"]["id"]
    await told(estate, APPROVE, "supportGrantApprove", id=id_)
    first = await within(operator, slug, VIEWER)
    async with installation.database.system() as work:
        await work.execute(
            update(support_grants)
            .where(support_grants.c.expires_at.is_not(None))
            .values(expires_at=support_grants.c.expires_at - timedelta(hours=1))
        )

    last = await within(operator, slug, VIEWER)

    assert (first.status, last.status) == (200, 403)
    assert (await log_of(estate))["supportGrants"]["nodes"][0]["state"] == "EXPIRED"


async def test_support_makes_no_key_of_its_own(estate: Estate, operator: Browser) -> None:
    slug = await slug_of(estate)
    asked = await ask_for(operator, estate, role="DEVELOPER")
    await told(estate, APPROVE, "supportGrantApprove", id=asked["supportGrant"]["id"])
    me = await within(operator, slug, "{ viewer { actor { id } } }")
    owner = me.data["viewer"]["actor"]["id"]

    done = await within(operator, slug, MAKE_KEY, owner=owner)

    assert done.data["apiKeyCreate"]["errors"][0]["code"] == "FORBIDDEN"


async def test_organization_that_demands_a_second_factor_demands_it_of_support(
    installation: Installation, estate: Estate, operator: Browser
) -> None:
    slug, place = await slug_of(estate), {"id": estate.ids[Kind.WORKSPACE]}
    asked = await ask_for(operator, estate)
    await told(estate, APPROVE, "supportGrantApprove", id=asked["supportGrant"]["id"])
    before = await within(operator, slug, READ, **place)

    async with installation.database.system() as work:
        await work.execute(update(organizations).values(requires_second_factor=True))
    after = await within(operator, slug, READ, **place)

    assert (before.status, after.status) == (200, 403)
