"""Identities and keys of a person through the API: taken away by who signed in a moment ago."""

from typing import Any

import pytest

from headgate_server.domain.ids import Kind
from headgate_server.domain.pagination import PageRequest
from headgate_server.services.audit_entries import read
from tests.factories.people import Person, make_person
from tests.factories.tenants import Tenant
from tests.fixtures.api import open_socket, serve
from tests.fixtures.browsers import COOKIE, Browser
from tests.fixtures.installations import Installation, shown
from tests.fixtures.provider_worlds import ProviderWorld
from tests.fixtures.sql import query
from tests.fixtures.visitors import Visitor, visit

LIST = "{ viewer { identities { id issuer lastUsedAt } } }"
UNLINK = 'mutation { identityUnlink(input: {id: "%s"}) { deletedId errors { code message } } }'
REVOKE_KEYS = "mutation { apiKeyRevokeAll { count errors { code } } }"
CREATE = """
mutation ($input: ApiKeyCreateInput!) { apiKeyCreate(input: $input) { secret errors { code } } }
"""
WHO = "{ viewer { user { id } scopes } }"
LONG_AGO = "update login_sessions set created_at = created_at - interval '11 minutes'"
NEW = "a few other words"


async def actions(installation: Installation, tenant: Tenant) -> list[str]:
    """Return what the audit log says was done."""
    async with installation.database.tenant(tenant.owner, None) as work:
        page = await read.list_entries(
            work, organization_id=tenant.organization_id, page=PageRequest(size=50)
        )
    return [one.action for one in page.items]


async def unlink(visitor: Visitor) -> Any:
    """Take the visitor's first identity away."""
    (first, *_) = (await visitor.ask(LIST))["viewer"]["identities"]
    return (await visitor.ask(UNLINK % first["id"]))["identityUnlink"]


@pytest.fixture
async def linked(provider_world: ProviderWorld) -> ProviderWorld:
    """A world whose visitor has a password, and an identity of a provider, linked by themselves."""
    world = provider_world
    person = await make_person(world.installation.database, owns=world.tenant)
    await world.visitor.post("/auth/sign-in", email=person.email, password=person.password)
    world.issuer.claims = {"groups": ["builders"]}
    await world.sign_in(slug="okta/link", back="okta")
    await world.installation.post_office.take()
    return world


async def test_person_unlinks_a_provider_and_nobody_signs_in_by_it(linked: ProviderWorld) -> None:
    world = linked
    async with visit(world.installation.app) as other:
        before = await _sign_in_at(world, other)
        done = await unlink(world.visitor)
        letter = await world.installation.post_office.take()
        ended = await other.post("/graphql", query=WHO)
        after = await _sign_in_at(world, other)
    own = (await world.visitor.ask(WHO))["viewer"]["user"]["id"]

    assert done["errors"] == []
    assert (before, after == own, ended.status_code) == (own, False, 401)
    assert letter.to == "ada@example.com"
    assert world.issuer.url in letter.text
    assert (await world.visitor.ask(LIST))["viewer"]["identities"] == []
    assert "user.identity_unlinked" in await actions(world.installation, world.tenant)


async def _sign_in_at(world: ProviderWorld, visitor: Visitor) -> str:
    """Sign in with the provider in another browser, and return as whom."""
    mine, world.visitor = world.visitor, visitor
    await world.sign_in()
    world.visitor = mine
    return str((await visitor.ask(WHO))["viewer"]["user"]["id"])


async def test_only_way_to_sign_in_stays(provider_world: ProviderWorld) -> None:
    world = provider_world
    await world.sign_in()

    done = await unlink(world.visitor)

    (error,) = done["errors"]
    assert (error["code"], "could not sign in" in error["message"]) == ("CONFLICT", True)
    assert len((await world.visitor.ask(LIST))["viewer"]["identities"]) == 1


async def test_unlinking_takes_a_fresh_sign_in(linked: ProviderWorld) -> None:
    await query(linked.urls.system, LONG_AGO)

    done = await unlink(linked.visitor)

    assert [error["code"] for error in done["errors"]] == ["FORBIDDEN"]
    assert len((await linked.visitor.ask(LIST))["viewer"]["identities"]) == 1


async def test_what_groups_gave_goes_with_the_identity(provider_world: ProviderWorld) -> None:
    world = provider_world
    world.issuer.claims = {"groups": ["admins"]}
    await world.sign_in()
    held = (await world.visitor.ask(WHO))["viewer"]
    hashed = "update users set password_hash = 'of nothing' where email = 'ada@example.com'"
    await query(world.urls.system, hashed)

    done = await unlink(world.visitor)

    assert done["errors"] == []
    assert "MEMBERS_WRITE" in held["scopes"]
    assert (await world.visitor.ask(WHO))["viewer"]["scopes"] == ["ORG_READ"]


async def test_identity_of_another_is_not_there(linked: ProviderWorld) -> None:
    world = linked
    (mine,) = (await world.visitor.ask(LIST))["viewer"]["identities"]
    eve = await make_person(world.installation.database, owns=world.tenant, email="eve@example.com")
    browser = Browser(world.installation.app)
    await browser.sign_in(eve)
    key = await world.installation.client(world.tenant)

    theirs = (await browser.ask(UNLINK % mine["id"])).data["identityUnlink"]
    keys = (await key.execute(UNLINK % mine["id"])).data["identityUnlink"]

    assert [error["code"] for error in theirs["errors"]] == ["NOT_FOUND"]
    assert [error["code"] for error in keys["errors"]] == ["FORBIDDEN"]
    assert len((await world.visitor.ask(LIST))["viewer"]["identities"]) == 1


async def test_account_page_lists_and_unlinks(linked: ProviderWorld) -> None:
    world = linked
    (mine,) = (await world.visitor.ask(LIST))["viewer"]["identities"]

    page = (await world.visitor.get("/auth/account")).text
    done = await world.visitor.post("/auth/identities/unlink", id=mine["id"])

    assert mine["id"] in page
    assert done.status_code == 200
    assert mine["id"] not in (await world.visitor.get("/auth/account")).text


async def make_key(browser: Browser, person: Person) -> str:
    """Make a key of a person who is signed in, and return its token."""
    given = {"ownerId": shown(Kind.USER, person.id), "name": "laptop", "scopes": ["RUNS_READ"]}
    made = (await browser.execute(CREATE, input=given)).data["apiKeyCreate"]
    assert made["errors"] == []
    return str(made["secret"])


async def test_person_revokes_all_of_their_keys_and_their_sockets_close(
    installation: Installation, browser: Browser, person: Person, tenant: Tenant
) -> None:
    token = await make_key(browser, person)
    machine = await installation.client(tenant)
    async with serve(installation.app) as address, open_socket(address, token=token) as socket:
        done = (await browser.ask(REVOKE_KEYS)).data["apiKeyRevokeAll"]

        assert await socket.closed() == 4403
    refused = await installation.holding(token).execute(WHO)
    again = (await browser.ask(REVOKE_KEYS)).data["apiKeyRevokeAll"]
    by_key = (await machine.execute(REVOKE_KEYS)).data["apiKeyRevokeAll"]

    assert done == {"count": 1, "errors": []}
    assert again["count"] == 0
    assert refused.status == 401
    assert by_key["errors"] == [{"code": "FORBIDDEN"}]
    assert "api_key.revoked" in await actions(installation, tenant)


@pytest.mark.parametrize("choice", [{}, {"revokeKeys": True}])
async def test_reset_tells_of_keys_and_revokes_them_if_asked(
    installation: Installation, browser: Browser, person: Person, choice: dict[str, bool]
) -> None:
    token = await make_key(browser, person)
    stranger = Browser(installation.app)
    await stranger.send("/auth/password/reset", {"email": person.email})
    link = (await installation.post_office.take()).token

    await stranger.send("/auth/password/new", {"token": link, "password": NEW, **choice})
    told = (await installation.post_office.take()).text

    is_revoked = bool(choice)
    assert (await browser.ask(WHO)).status == 401
    assert (await installation.holding(token).execute(WHO)).status == (401 if is_revoked else 200)
    assert ("laptop" in told, "were revoked" in told) == (not is_revoked, is_revoked)
    assert token not in told


async def test_change_of_a_password_is_told_and_ends_other_sockets(
    installation: Installation, browser: Browser, person: Person
) -> None:
    other = Browser(installation.app)
    await other.sign_in(person)
    change = {"current": person.password, "new": NEW}
    async with serve(installation.app) as address:
        cookie = f"{COOKIE}={other.cookie}"
        async with open_socket(address, origin=f"http://{address}", cookie=cookie) as socket:
            await socket.init(None)
            done = await browser.send("/auth/password", change)

            assert await socket.closed() == 4403
    letter = await installation.post_office.take()

    assert done.status == 200
    assert (letter.to, "password was changed" in letter.text) == (person.email, True)
    assert (await browser.ask(WHO)).status == 200
