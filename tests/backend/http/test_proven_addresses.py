"""Addresses that nobody has proven: what an account that has one is kept from."""

from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain.permissions import BuiltinRole
from tests.factories.invitations import GUEST, join_as_new, make_invitation, newcomer
from tests.factories.members import Member, everywhere, make_member
from tests.factories.people import PASSWORD, make_person
from tests.factories.tenants import Tenant
from tests.fixtures.installations import Installation, replica
from tests.fixtures.provider_worlds import ProviderWorld
from tests.fixtures.sql import query
from tests.fixtures.visitors import Visitor, visit

WHO = "{ viewer { user { email isEmailVerified } scopes } }"
NEW = "a few other words"


@pytest.fixture
async def visitor(installation: Installation) -> AsyncGenerator[Visitor]:
    async with visit(installation.app) as visitor:
        yield visitor


@pytest.fixture
async def admin(installation: Installation, tenant: Tenant) -> Member:
    return await make_member(installation.database, tenant, everywhere(BuiltinRole.ADMIN))


@pytest.mark.parametrize("is_mailed", [True, False])
async def test_only_a_link_that_was_mailed_proves_an_address(
    installation: Installation,
    visitor: Visitor,
    admin: Member,
    *,
    is_mailed: bool,
) -> None:
    _, token = await make_invitation(installation.database, admin, is_mailed=is_mailed)

    await join_as_new(visitor, token)

    told = (await visitor.ask(WHO))["viewer"]["user"]
    assert told == {"email": GUEST, "isEmailVerified": is_mailed}


async def test_link_is_for_the_address_that_was_invited(
    installation: Installation, visitor: Visitor, admin: Member
) -> None:
    other = await make_person(installation.database, email="eve@example.com")
    await make_person(installation.database, email=GUEST)
    _, token = await make_invitation(installation.database, admin)
    await visitor.post("/auth/sign-in", email=other.email, password=other.password)

    refused = await visitor.post("/auth/invitation/join", token=token)
    await visitor.post("/auth/sign-in", email=GUEST, password=PASSWORD)
    done = await visitor.post("/auth/invitation/join", token=token)

    assert (refused.status_code, done.status_code) == (403, 200)
    assert "for another address" in refused.json()["errors"][0]["message"]


async def test_inviter_may_let_anybody_come(
    installation: Installation, visitor: Visitor, admin: Member
) -> None:
    other = await make_person(installation.database, email="eve@example.com")
    _, token = await make_invitation(installation.database, admin, is_for_anybody=True)
    await visitor.post("/auth/sign-in", email=other.email, password=other.password)

    done = await visitor.post("/auth/invitation/join", token=token)

    assert done.status_code == 200
    assert "FLOWS_WRITE" in (await visitor.ask(WHO))["viewer"]["scopes"]


async def test_link_is_for_no_other_address_of_a_provider(provider_world: ProviderWorld) -> None:
    world = provider_world
    by = await make_member(world.installation.database, world.tenant, everywhere(BuiltinRole.ADMIN))
    _, token = await make_invitation(world.installation.database, by)
    world.other.subject, world.other.claims = "eve", {"email": "eve@example.com"}

    left = await world.leave(slug="other", token=token)
    world.other.nonce = left["nonce"]
    answer = await world.come_back(slug="other", state=left["state"], code="good")

    assert answer.status_code == 400
    assert "for another address" in answer.text
    assert await query(world.urls.system, "select count(*) from identities") == 0


async def test_unproven_address_gets_nothing_of_who_owns_it(provider_world: ProviderWorld) -> None:
    world = provider_world
    database = world.installation.database
    by = await make_member(database, world.tenant, everywhere(BuiltinRole.ADMIN))
    _, token = await make_invitation(database, by, role=BuiltinRole.VIEWER)
    await join_as_new(world.visitor, token)
    world.issuer.claims = {"email": GUEST, "groups": ["admins"]}

    async with visit(world.installation.app) as owner:
        await replace(world, visitor=owner).sign_in()
        theirs = (await owner.ask(WHO))["viewer"]
    squatter = (await world.visitor.ask(WHO))["viewer"]

    assert "MEMBERS_WRITE" in theirs["scopes"]
    assert theirs["user"]["email"] is None
    assert squatter["user"] == {"email": GUEST, "isEmailVerified": False}
    assert "MEMBERS_WRITE" not in squatter["scopes"]


async def test_who_proves_an_address_first_is_rid_of_who_took_it_before(
    provider_world: ProviderWorld,
) -> None:
    world = provider_world
    database, office = world.installation.database, world.installation.post_office
    by = await make_member(database, world.tenant, everywhere(BuiltinRole.ADMIN))
    _, token = await make_invitation(database, by)
    squatter = world.visitor
    await join_as_new(squatter, token)
    await world.sign_in(slug="okta/link", back="okta")
    assert "Another way to sign in" in (await office.take()).text

    async with visit(world.installation.app) as owner:
        await owner.post("/auth/password/reset", email=GUEST)
        await owner.post("/auth/password/new", token=(await office.take()).token, password=NEW)
        told = await office.take()
        await owner.post("/auth/sign-in", email=GUEST, password=NEW)
        seen = (await owner.ask("{ viewer { user { id isEmailVerified } identities { id } } }"))[
            "viewer"
        ]
    await world.sign_in()
    found = (await squatter.ask("{ viewer { user { id } } }"))["viewer"]["user"]

    assert world.issuer.url in told.text
    assert (seen["user"]["isEmailVerified"], seen["identities"]) == (True, [])
    assert found["id"] != seen["user"]["id"]


async def test_link_that_was_printed_proves_no_address(
    installation: Installation, visitor: Visitor, admin: Member, urls: DatabaseUrls
) -> None:
    known = await make_person(installation.database, email=GUEST)
    await visitor.post("/auth/password/reset", email=known.email)
    token = (await installation.post_office.take()).token
    await query(urls.system, "update one_time_tokens set email = null")

    await visitor.post("/auth/password/new", token=token, password=NEW)

    count = "select count(*) from users where email_verified_at is not null"
    assert await query(urls.system, count) == 0


async def test_operator_lets_only_proven_addresses_have_accounts(
    urls: DatabaseUrls, redis_url: str
) -> None:
    async with (
        replica(urls, redis_url, is_proof_needed=True) as installation,
        visit(installation.app) as visitor,
    ):
        tenant = await installation.tenant()
        by = await make_member(installation.database, tenant, everywhere(BuiltinRole.ADMIN))
        _, told = await make_invitation(installation.database, by)
        refused = await visitor.post("/auth/invitation/new", **newcomer(told))
        _, mailed = await make_invitation(installation.database, by, is_mailed=True)
        done = await visitor.post("/auth/invitation/new", **newcomer(mailed))

    assert (refused.status_code, done.status_code) == (403, 200)
    assert "not mailed" in refused.json()["errors"][0]["message"]
