"""Sockets of browsers: let in by cookie and origin, closed as the session ends."""

import asyncio
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain import ids
from headgate_server.domain.permissions import BuiltinRole
from headgate_server.domain.roles import EVERYWHERE, Holder, HolderKind, builtin_role
from headgate_server.services import closing, login_sessions, members, organizations, roles
from tests.factories.people import Person, make_person
from tests.factories.tenants import Tenant
from tests.fixtures.api import open_socket, serve
from tests.fixtures.browsers import COOKIE, Browser
from tests.fixtures.events import Events, open_events
from tests.fixtures.installations import Installation, replica
from tests.fixtures.network import free_port

VIEWER = "{ viewer { user { email } } }"


async def test_socket_is_let_in_by_cookie_and_origin(
    browser: Browser, installation: Installation
) -> None:
    async with serve(installation.app) as address:
        cookie = f"{COOKIE}={browser.cookie}"
        async with open_socket(address, origin=f"http://{address}", cookie=cookie) as socket:
            assert (await socket.init(None))["type"] == "connection_ack"
            messages = await socket.run(VIEWER)

    assert messages[0]["payload"]["data"]["viewer"]["user"]["email"] == "ada@example.com"


@pytest.mark.parametrize("origin", ["https://evil.test", "null"])
async def test_socket_of_another_page_is_refused_before_it_is_accepted(
    browser: Browser, installation: Installation, origin: str
) -> None:
    async with serve(installation.app) as address:
        with pytest.raises(InvalidStatus) as refusal:
            async with open_socket(address, origin=origin, cookie=f"{COOKIE}={browser.cookie}"):
                pass

    assert refusal.value.response.status_code == 403


async def test_socket_with_a_forged_cookie_is_refused_before_it_is_accepted(
    browser: Browser, installation: Installation
) -> None:
    async with serve(installation.app) as address:
        with pytest.raises(InvalidStatus):
            async with open_socket(
                address, origin=f"http://{address}", cookie=f"{COOKIE}={browser.cookie}x"
            ):
                pass


async def test_cookie_alone_opens_no_socket(browser: Browser, installation: Installation) -> None:
    cookie = f"{COOKIE}={browser.cookie}"
    async with serve(installation.app) as address, open_socket(address, cookie=cookie) as socket:
        await socket.send({"type": "connection_init", "payload": {}})
        assert await socket.closed() == 4403


async def test_socket_closes_as_its_session_ends(
    browser: Browser, installation: Installation, person: Person
) -> None:
    async with serve(installation.app) as address:
        cookie = f"{COOKIE}={browser.cookie}"
        async with open_socket(address, origin=f"http://{address}", cookie=cookie) as socket:
            await socket.init(None)
            await socket.run(VIEWER)
            async with installation.database.system() as work:
                await login_sessions.revoke_all(work, user_id=person.id)
            assert await socket.closed() == 4403


async def test_socket_acts_in_the_organization_that_its_first_message_names(
    installation: Installation, browser: Browser, person: Person
) -> None:
    second = await installation.tenant()
    async with installation.database.system() as work:
        await members.add_owner(work, organization_id=second.organization_id, user_id=person.id)
        place = await organizations.get_organization(work, id_=second.organization_id)
    asked = "{ viewer { organizations { nodes { slug } } } }"
    cookie = f"{COOKIE}={browser.cookie}"

    async with serve(installation.app) as address:
        origin = f"http://{address}"
        async with open_socket(address, origin=origin, cookie=cookie) as socket:
            payload = {"organization": place.slug}
            await socket.send({"type": "connection_init", "payload": payload})
            assert (await socket.receive())["type"] == "connection_ack"
            (told, _) = await socket.run(asked)
        async with open_socket(address, origin=origin, cookie=cookie) as socket:
            payload = {"organization": "of-somebody-else"}
            await socket.send({"type": "connection_init", "payload": payload})
            code = await socket.closed()

    assert told["payload"]["data"]["viewer"]["organizations"]["nodes"] == [{"slug": place.slug}]
    assert code == 4403


async def test_socket_closes_within_five_seconds_without_redis(
    urls: DatabaseUrls,
) -> None:
    gone = f"redis://127.0.0.1:{free_port()}"
    async with replica(urls, gone) as here, replica(urls, gone) as there:
        person = await make_person(here.database, owns=await here.tenant())
        browser = Browser(here.app)
        await browser.sign_in(person)
        async with serve(here.app) as address:
            cookie = f"{COOKIE}={browser.cookie}"
            async with open_socket(address, origin=f"http://{address}", cookie=cookie) as socket:
                await socket.init(None)
                other = Browser(there.app, browser.cookie)
                await other.send("/auth/sign-out", {"everywhere": True})
                async with asyncio.timeout(5):
                    assert await socket.closed() == 4403


EVENTS = "subscription ($id: ID!) { workspaceEvents(workspaceId: $id) { cursor } }"


async def _lose(installation: Installation, tenant: Tenant, person: Person, *, how: str) -> None:
    """Take from a person what lets them into an organization."""
    if how == "suspended":
        async with installation.database.system() as work:
            await closing.suspend_organization(work, id_=tenant.organization_id, reason="unpaid")
        return
    async with installation.database.tenant(tenant.owner, None) as work:
        found = await members.find_by_user(work, user_id=person.id)
        assert found is not None
        if how == "removed":
            await members.remove_member(work, granter=tenant.owner, id_=found.id)
        else:
            await roles.unbind_role(
                work,
                granter=tenant.owner,
                holder=Holder(HolderKind.MEMBERSHIP, found.id),
                role_id=builtin_role(BuiltinRole.OWNER).id,
                place=EVERYWHERE,
            )


@pytest.mark.parametrize(
    ("how", "code", "why"),
    [
        ("removed", 4403, "Forbidden"),
        ("role taken", 1013, "Rights changed"),
        ("suspended", 4403, "unpaid"),
    ],
)
async def test_connections_that_name_no_organization_stay_in_the_one_they_were_let_into(
    installation: Installation,
    tenant: Tenant,
    browser: Browser,
    person: Person,
    how: str,
    code: int,
    why: str,
) -> None:
    assert (await browser.ask(VIEWER)).status == 200
    other = await installation.tenant()
    async with installation.database.system() as work:
        await members.add_owner(work, organization_id=other.organization_id, user_id=person.id)
    cookie = f"{COOKIE}={browser.cookie}"
    async with serve(installation.app) as address:
        origin = f"http://{address}"
        shown = {"cookie": cookie, "origin": origin, "x-headgate": "1"}
        id_ = ids.show(ids.Kind.WORKSPACE, tenant.workspace_id)
        async with (
            open_socket(address, origin=origin, cookie=cookie) as socket,
            open_events(address, EVENTS, token=None, headers=shown, id=id_) as events,
        ):
            await socket.init(None)
            assert "errors" not in ((await _next(events)) or {})
            await _lose(installation, tenant, person, how=how)

            assert await socket.closed() == code
            told = await events.rest()

    (error,) = (told[-2][1] or {})["errors"]
    assert why in error["message"]


async def _next(events: Events) -> dict[str, Any] | None:
    """Return what the next event says; comments say nothing."""
    name, said = await events.next()
    while not name:
        name, said = await events.next()
    return said
