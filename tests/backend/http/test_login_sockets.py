"""Sockets of browsers: let in by cookie and origin, closed as the session ends."""

import asyncio

import pytest
from websockets.exceptions import InvalidStatus

from headgate_server.database.urls import DatabaseUrls
from headgate_server.services import login_sessions, members, organizations
from tests.factories.people import Person, make_person
from tests.fixtures.api import open_socket, serve
from tests.fixtures.browsers import COOKIE, Browser
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
