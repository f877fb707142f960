"""Coming by the link of an invitation: as somebody new, with an account, with a provider."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain.permissions import BuiltinRole, Scope
from headgate_server.domain.roles import EVERYWHERE, Holder, HolderKind, builtin_role
from headgate_server.services import invitations, joining, members, roles
from tests.factories.invitations import GUEST, join_as_new, make_invitation, newcomer
from tests.factories.members import Member, everywhere, make_member
from tests.factories.people import PASSWORD, PEPPER, cheap_hasher, make_person
from tests.factories.tenants import Tenant
from tests.fixtures.installations import Installation
from tests.fixtures.provider_worlds import ProviderWorld
from tests.fixtures.sql import query
from tests.fixtures.visitors import Visitor, visit

COUNTS = "select (select count(*) from users) || '/' || (select count(*) from memberships)"
WHO = "{ viewer { user { email displayName } scopes } }"


@pytest.fixture
async def visitor(installation: Installation) -> AsyncGenerator[Visitor]:
    async with visit(installation.app) as visitor:
        yield visitor


@pytest.fixture
async def admin(installation: Installation, tenant: Tenant) -> Member:
    return await make_member(installation.database, tenant, everywhere(BuiltinRole.ADMIN))


async def test_link_shows_what_it_is_for(
    installation: Installation, visitor: Visitor, admin: Member
) -> None:
    _, token = await make_invitation(installation.database, admin)

    page = await visitor.get("/auth/invitation")
    told = (await visitor.post("/auth/invitation/look", token=token)).json()

    assert page.status_code == 200
    assert token not in page.text
    del told["expires"]
    assert told == {
        "organization": "Organization",
        "email": GUEST,
        "invitedBy": "Max",
        "roles": "Developer",
        "signedInAs": None,
    }


async def test_somebody_new_joins_and_signs_in(
    installation: Installation, visitor: Visitor, admin: Member
) -> None:
    _, token = await make_invitation(installation.database, admin)

    done = await visitor.post("/auth/invitation/new", **newcomer(token))
    page = await visitor.get("/auth/sign-in", came="invitation")
    signed_in = await visitor.post("/auth/sign-in", email=GUEST, password=PASSWORD)
    viewer = (await visitor.ask(WHO))["viewer"]

    assert done.json() == {"location": "/auth/sign-in?came=invitation"}
    assert "the password that you have just chosen" in page.text
    assert viewer["user"] == {"email": GUEST, "displayName": "Gus"}
    assert "FLOWS_WRITE" in viewer["scopes"]
    assert "MEMBERS_WRITE" not in viewer["scopes"]
    assert signed_in.status_code == 200


async def test_link_is_good_once(
    installation: Installation, visitor: Visitor, admin: Member, urls: DatabaseUrls
) -> None:
    _, token = await make_invitation(installation.database, admin)

    async def join() -> int:
        async with visit(installation.app) as other:
            return (await other.post("/auth/invitation/new", **newcomer(token))).status_code

    codes = await asyncio.gather(*(join() for _ in range(8)))
    looked = await visitor.post("/auth/invitation/look", token=token)

    assert sorted(codes) == [200] + [400] * 7, "who comes too late is told so, and nothing else"
    assert looked.status_code == 400
    count = "select count(*) from users where email = 'guest@example.com'"
    assert await query(urls.system, count) == 1


async def test_somebody_with_an_account_joins_with_it(
    installation: Installation, visitor: Visitor, admin: Member
) -> None:
    known = await make_person(installation.database, email=GUEST)
    _, token = await make_invitation(installation.database, admin)

    stranger = await visitor.post("/auth/invitation/join", token=token)
    await visitor.post("/auth/sign-in", email=known.email, password=known.password)
    told = (await visitor.post("/auth/invitation/look", token=token)).json()
    done = await visitor.post("/auth/invitation/join", token=token)

    assert stranger.status_code == 401
    assert told["signedInAs"] == GUEST
    assert done.status_code == 200
    assert "FLOWS_WRITE" in (await visitor.ask(WHO))["viewer"]["scopes"]


async def test_link_tells_nobody_whether_its_address_has_an_account(
    installation: Installation, visitor: Visitor, admin: Member
) -> None:
    await make_person(installation.database, email="eve@example.com")
    _, to_nobody = await make_invitation(installation.database, admin)
    _, to_eve = await make_invitation(installation.database, admin, email="eve@example.com")

    answers = [
        (await visitor.post(f"/auth/invitation/{path}", **newcomer(token)))
        for token in (to_nobody, to_eve)
        for path in ("new", "look")
    ]

    new, known = [
        [(one.status_code, one.text, sorted(one.headers)) for one in answers[start : start + 2]]
        for start in (0, 2)
    ]
    assert [status for status, _, _ in new] == [200, 400]
    assert new == known


async def test_who_has_an_account_is_mailed_another_link(
    installation: Installation, visitor: Visitor, admin: Member, urls: DatabaseUrls
) -> None:
    known = await make_person(installation.database, email=GUEST)
    _, token = await make_invitation(installation.database, admin)
    before = await query(urls.system, COUNTS)

    await visitor.post("/auth/invitation/new", **newcomer(token))
    letter = await installation.post_office.take()

    assert letter.recipients == (GUEST,)
    assert "Max invites you to Organization" in letter.text
    assert "nothing of it was changed" in letter.text
    assert letter.token not in {"", token}
    assert await query(urls.system, COUNTS) == before
    await visitor.post("/auth/sign-in", email=known.email, password=known.password)
    done = await visitor.post("/auth/invitation/join", token=letter.token)
    assert done.status_code == 200
    assert "FLOWS_WRITE" in (await visitor.ask(WHO))["viewer"]["scopes"]


async def test_link_stays_good_for_an_account_where_no_mail_is_sent(
    installation: Installation, visitor: Visitor, admin: Member
) -> None:
    await make_person(installation.database, email=GUEST)
    _, token = await make_invitation(installation.database, admin)

    redirected = await joining.join_as_new(
        installation.database,
        token=token,
        name="Gus",
        password=PASSWORD,
        hasher=cheap_hasher(),
        pepper=PEPPER,
        is_mailing=False,
    )

    assert redirected is None
    assert (await visitor.post("/auth/invitation/look", token=token)).status_code == 200


async def test_address_of_an_account_gives_nobody_that_account(
    installation: Installation, visitor: Visitor, admin: Member
) -> None:
    known = await make_person(installation.database, email=GUEST)
    _, token = await make_invitation(installation.database, admin)

    await visitor.post("/auth/invitation/new", **newcomer(token) | {"password": "mine it is now"})

    assert not visitor.is_signed_in
    wrong = await visitor.post("/auth/sign-in", email=GUEST, password="mine it is now")
    right = await visitor.post("/auth/sign-in", email=GUEST, password=known.password)
    assert (wrong.status_code, right.status_code) == (401, 200)


async def test_nobody_is_given_what_who_invited_them_lost(
    installation: Installation, visitor: Visitor, tenant: Tenant, admin: Member
) -> None:
    _, token = await make_invitation(installation.database, admin, role=BuiltinRole.ADMIN)
    async with installation.database.tenant(tenant.owner, None) as work:
        holder = Holder(HolderKind.MEMBERSHIP, admin.id)
        role_id = builtin_role(BuiltinRole.ADMIN).id
        await roles.unbind_role(
            work, granter=tenant.owner, holder=holder, role_id=role_id, place=EVERYWHERE
        )

    answer = await visitor.post("/auth/invitation/new", **newcomer(token))

    assert answer.status_code == 403
    assert not visitor.is_signed_in


async def test_owner_invites_who_may_reveal_secrets(
    installation: Installation, visitor: Visitor, tenant: Tenant
) -> None:
    owner = await make_member(installation.database, tenant, everywhere(BuiltinRole.OWNER))
    async with installation.database.tenant(owner.principal, None) as work:
        revealer = await roles.upsert_role(
            work, granter=owner.principal, name="Revealer", scopes=frozenset({Scope.BLOCKS_REVEAL})
        )
        _, token = await invitations.invite(
            work,
            granter=owner.principal,
            email=GUEST,
            role_ids=[revealer.id],
            place=EVERYWHERE,
            pepper=PEPPER,
        )

    await join_as_new(visitor, token)


async def test_nobody_joins_by_who_has_left(
    installation: Installation, visitor: Visitor, tenant: Tenant, admin: Member
) -> None:
    _, token = await make_invitation(installation.database, admin, role=BuiltinRole.VIEWER)
    async with installation.database.tenant(tenant.owner, None) as work:
        await members.remove_member(work, granter=tenant.owner, id_=admin.id)

    answer = await visitor.post("/auth/invitation/new", **newcomer(token))

    assert answer.status_code == 403


async def test_revoked_link_is_not_good(
    installation: Installation, visitor: Visitor, admin: Member
) -> None:
    id_, token = await make_invitation(installation.database, admin)
    async with installation.database.tenant(admin.principal, None) as work:
        await invitations.revoke(work, granter=admin.principal, id_=id_)

    answers = [
        await visitor.post("/auth/invitation/look", token=token),
        await visitor.post("/auth/invitation/new", **newcomer(token)),
    ]

    assert [one.status_code for one in answers] == [400, 400]


async def test_link_ends_after_seven_days(
    installation: Installation, visitor: Visitor, admin: Member, urls: DatabaseUrls
) -> None:
    _, token = await make_invitation(installation.database, admin)
    move = "update invitations set expires_at = expires_at - interval '7 days' returning 1"
    assert await query(urls.system, move) == 1

    answer = await visitor.post("/auth/invitation/new", **newcomer(token))

    assert answer.status_code == 400
    assert "expired" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("change", ["suspended_at = now()", "deleted_at = now()"])
async def test_nobody_joins_an_organization_that_is_closed(
    installation: Installation, visitor: Visitor, admin: Member, urls: DatabaseUrls, change: str
) -> None:
    _, token = await make_invitation(installation.database, admin)
    closed = f"update organizations set {change} returning 1"  # noqa: S608  two texts of ours
    assert await query(urls.system, closed) == 1

    answer = await visitor.post("/auth/invitation/new", **newcomer(token))

    assert answer.status_code == 400
    assert not visitor.is_signed_in


async def test_guesses_at_links_are_limited(visitor: Visitor) -> None:
    codes = [
        (await visitor.post("/auth/invitation/look", token=f"guess {n}")).status_code
        for n in range(21)
    ]

    assert codes == [400] * 20 + [429]


@pytest.mark.parametrize(
    "changed", [{"password": "short"}, {"name": ""}, {"name": "a\nb"}, {"password": GUEST}], ids=str
)
async def test_link_stays_good_after_bad_input(
    installation: Installation, visitor: Visitor, admin: Member, changed: dict[str, Any]
) -> None:
    _, token = await make_invitation(installation.database, admin)

    refused = await visitor.post("/auth/invitation/new", **newcomer(token) | changed)
    done = await visitor.post("/auth/invitation/new", **newcomer(token))

    assert (refused.status_code, done.status_code) == (400, 200)


async def test_somebody_joins_with_a_provider(provider_world: ProviderWorld) -> None:
    world = provider_world
    by = await make_member(world.installation.database, world.tenant, everywhere(BuiltinRole.ADMIN))
    _, token = await make_invitation(world.installation.database, by)
    world.other.subject, world.other.claims = "guest", {"email": GUEST}

    left = await world.leave(slug="other", token=token)
    world.other.nonce = left["nonce"]
    done = await world.come_back(slug="other", state=left["state"], code="good")

    assert done.status_code == 303
    assert "FLOWS_WRITE" in (await world.visitor.ask(WHO))["viewer"]["scopes"]
