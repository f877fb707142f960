"""Invitations through the API: who may send them, what they give, and what becomes of them."""

from typing import Any

import pytest

from headgate_server.domain import ids
from headgate_server.domain.permissions import BuiltinRole, Scope
from headgate_server.domain.roles import builtin_role
from tests.factories.members import Held, everywhere, make_member, make_member_token
from tests.factories.people import Person, make_person
from tests.factories.tenants import Tenant
from tests.fixtures.api import ApiClient
from tests.fixtures.installations import PEPPER, Installation, shown

pytestmark = pytest.mark.anyio

INVITE = """
mutation ($input: MemberInviteInput!) {
  memberInvite(input: $input) {
    invitation { id email expiresAt revokedAt roles { name } invitedBy { displayName } }
    invitationUrl membership { id } errors { code message path }
  }
}
"""
REVOKE = """
mutation ($input: IdInput!) {
  invitationRevoke(input: $input) { invitation { revokedAt } errors { code message } }
}
"""
LIST = """
{ viewer { organizations { nodes { invitations { nodes { id email } } } } } }
"""
NODE = "query ($id: ID!) { node(id: $id) { ... on Invitation { anyAddress } } }"
GUEST = "guest@example.com"


async def invite(api: ApiClient, tenant: Tenant, *roles: BuiltinRole, **changed: Any) -> Any:
    given = {
        "organizationId": shown(ids.Kind.ORGANIZATION, tenant.organization_id),
        "email": GUEST,
        "roleIds": [shown(ids.Kind.ROLE, builtin_role(role).id) for role in roles],
        **changed,
    }
    return (await api.execute(INVITE, input=given)).data["memberInvite"]


async def member_client(installation: Installation, tenant: Tenant, *held: Held) -> ApiClient:
    member = await make_member(installation.database, tenant, *held)
    token = await make_member_token(installation.database, tenant, member, pepper=PEPPER)
    return installation.holding(token)


@pytest.fixture
async def owner(installation: Installation, tenant: Tenant) -> ApiClient:
    return await installation.client(tenant, is_bound=False)


async def test_invitation_is_mailed_and_listed(
    installation: Installation, tenant: Tenant, owner: ApiClient
) -> None:
    made = await invite(owner, tenant, BuiltinRole.DEVELOPER, email=" Guest@Example.com ")

    letter = await installation.post_office.take()
    listed = (await owner.execute(LIST)).data["viewer"]["organizations"]["nodes"][0]
    assert made["errors"] == []
    assert made["invitationUrl"] is None
    assert made["invitation"]["roles"] == [{"name": "Developer"}]
    assert made["invitation"]["invitedBy"] == {"displayName": "Olive"}
    assert letter.recipients == (GUEST,)
    assert "Olive invites you to Organization" in letter.text
    assert letter.link.startswith("https://headgate.test/auth/invitation#")
    assert listed["invitations"]["nodes"] == [{"id": made["invitation"]["id"], "email": GUEST}]


@pytest.mark.parametrize("given", [{}, {"anyAddress": True}])
async def test_inviter_chooses_whether_anybody_may_come(
    tenant: Tenant, owner: ApiClient, given: dict[str, bool]
) -> None:
    made = await invite(owner, tenant, BuiltinRole.VIEWER, **given)

    shown_as = await owner.execute(NODE, id=made["invitation"]["id"])
    assert shown_as.data["node"] == {"anyAddress": bool(given)}


async def test_second_invitation_of_an_address_takes_the_place_of_the_first(
    installation: Installation, tenant: Tenant, owner: ApiClient
) -> None:
    first = await invite(owner, tenant, BuiltinRole.VIEWER)
    second = await invite(owner, tenant, BuiltinRole.DEVELOPER)

    listed = (await owner.execute(LIST)).data["viewer"]["organizations"]["nodes"][0]
    assert first["invitation"]["id"] != second["invitation"]["id"]
    assert [one["id"] for one in listed["invitations"]["nodes"]] == [second["invitation"]["id"]]


async def test_invitation_of_an_address_that_takes_no_mail_is_open_no_more(
    installation: Installation,
    tenant: Tenant,
    owner: ApiClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(installation.post_office, "recipient", "554 no")

    made = await invite(owner, tenant, BuiltinRole.ADMIN)

    listed = (await owner.execute(LIST)).data["viewer"]["organizations"]["nodes"][0]
    assert [error["code"] for error in made["errors"]] == ["INVALID"]
    assert listed["invitations"]["nodes"] == []


async def test_nobody_invites_beyond_their_own_rights(
    installation: Installation, tenant: Tenant
) -> None:
    admin = await member_client(installation, tenant, everywhere(BuiltinRole.ADMIN))

    refused = await invite(admin, tenant, BuiltinRole.OWNER)
    allowed = await invite(admin, tenant, BuiltinRole.ADMIN)

    assert refused["errors"][0]["code"] == "FORBIDDEN"
    assert refused["invitation"] is None
    assert allowed["errors"] == []
    assert (await installation.post_office.take()).recipients == (GUEST,)
    assert installation.post_office.letters.empty()


async def test_nobody_revokes_or_replaces_what_they_could_not_give(
    installation: Installation, tenant: Tenant, owner: ApiClient
) -> None:
    admin = await member_client(installation, tenant, everywhere(BuiltinRole.ADMIN))
    made = await invite(owner, tenant, BuiltinRole.OWNER)

    id_ = made["invitation"]["id"]
    revoked = (await admin.execute(REVOKE, input={"id": id_})).data["invitationRevoke"]
    replaced = await invite(admin, tenant, BuiltinRole.VIEWER)

    assert revoked["errors"][0]["code"] == "FORBIDDEN"
    assert replaced["errors"][0]["code"] == "FORBIDDEN"
    listed = (await owner.execute(LIST)).data["viewer"]["organizations"]["nodes"][0]
    assert [one["id"] for one in listed["invitations"]["nodes"]] == [id_]


@pytest.mark.parametrize("role", [BuiltinRole.DEVELOPER, BuiltinRole.VIEWER])
async def test_who_manages_no_members_invites_nobody(
    installation: Installation, tenant: Tenant, role: BuiltinRole
) -> None:
    member = await member_client(installation, tenant, everywhere(role))

    made = await invite(member, tenant, BuiltinRole.VIEWER)

    assert made["errors"][0]["code"] == "FORBIDDEN"
    assert installation.post_office.letters.empty()
    listed = (await member.execute(LIST)).json
    assert listed["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_address_with_an_account_elsewhere_is_answered_alike(
    installation: Installation, tenant: Tenant, owner: ApiClient
) -> None:
    elsewhere = await make_person(
        installation.database, owns=await installation.tenant(), email="known@example.com"
    )

    known = await invite(owner, tenant, email=elsewhere.email)
    unknown = await invite(owner, tenant, email="unknown@example.com")

    for one in (known, unknown):
        assert one["errors"] == []
        del one["invitation"]["id"], one["invitation"]["email"], one["invitation"]["expiresAt"]
    assert known == unknown


async def test_member_is_not_invited(
    installation: Installation, tenant: Tenant, owner: ApiClient, person: Person
) -> None:
    made = await invite(owner, tenant, email=person.email)

    assert made["errors"][0]["code"] == "CONFLICT"
    assert installation.post_office.letters.empty()


@pytest.mark.parametrize(
    "email",
    ["", "guest", "guest@", "a@b@c", "a@b.c,d@e.f", "a@b.c\r\nBcc: x@y.z", "<a@b.c>", "x" * 400],
)
async def test_bad_address_is_refused(tenant: Tenant, owner: ApiClient, email: str) -> None:
    made = await invite(owner, tenant, email=email)

    assert (made["errors"][0]["code"], made["errors"][0]["path"]) == ("INVALID", ["email"])


async def test_mail_server_that_refuses_is_told(
    installation: Installation, tenant: Tenant, owner: ApiClient
) -> None:
    installation.post_office.refusals = ["550 no"]
    given: dict[str, Any] = {
        "organizationId": shown(ids.Kind.ORGANIZATION, tenant.organization_id),
        "email": GUEST,
        "roleIds": [],
    }

    refused = await owner.execute(INVITE, input=given)
    again = await invite(owner, tenant)

    assert refused.code == "UNAVAILABLE"
    assert again["errors"] == []
    assert (await installation.post_office.take()).recipients == (GUEST,)


async def test_key_without_the_scope_invites_nobody(
    installation: Installation, tenant: Tenant
) -> None:
    api = await installation.client(tenant, scopes=[Scope.ORG_READ], is_bound=False)

    made = await invite(api, tenant)

    assert made["errors"][0]["code"] == "FORBIDDEN"
