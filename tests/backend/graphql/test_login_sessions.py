"""Login sessions through the API: the person's own, and nobody else's."""

from headgate_server.domain.pagination import PageRequest
from headgate_server.services.audit_entries import read
from tests.factories.people import Person, make_person
from tests.factories.tenants import Tenant
from tests.fixtures.api import open_socket, serve
from tests.fixtures.browsers import COOKIE, Browser
from tests.fixtures.installations import Installation

LIST = "{ viewer { loginSessions { id isCurrent ip userAgent createdAt lastSeenAt expiresAt } } }"
REVOKE = 'mutation { loginSessionRevoke(input: {id: "%s"}) { deletedId errors { code } } }'
REVOKE_ALL = """
mutation { loginSessionRevokeAll(input: {keepCurrent: %s}) { count errors { code } } }
"""
VIEWER = "{ viewer { user { id } } }"


async def other_browser(installation: Installation, person: Person) -> Browser:
    found = Browser(installation.app)
    assert (await found.sign_in(person)).status == 200
    return found


async def actions(installation: Installation, tenant: Tenant) -> list[str]:
    """Return what the audit log says was done."""
    async with installation.database.tenant(tenant.owner, None) as work:
        page = await read.list_entries(
            work, organization_id=tenant.organization_id, page=PageRequest(size=50)
        )
    return [one.action for one in page.items]


async def test_person_sees_their_sessions_and_ends_one(
    installation: Installation, browser: Browser, person: Person
) -> None:
    other = await other_browser(installation, person)

    sessions = (await browser.ask(LIST)).data["viewer"]["loginSessions"]
    (there,) = [one["id"] for one in sessions if not one["isCurrent"]]
    ended = (await browser.ask(REVOKE % there)).data["loginSessionRevoke"]

    assert len(sessions) == 2
    assert sessions[0]["ip"] == "127.0.0.1"
    assert ended == {"deletedId": there, "errors": []}
    assert (await other.ask(VIEWER)).status == 401
    assert (await browser.ask(VIEWER)).status == 200


async def test_everywhere_else_and_everywhere(
    installation: Installation, browser: Browser, person: Person, tenant: Tenant
) -> None:
    others = [await other_browser(installation, person) for _ in range(2)]

    elsewhere = (await browser.ask(REVOKE_ALL % "true")).data["loginSessionRevokeAll"]
    codes = [(await one.ask(VIEWER)).status for one in others]
    everywhere = (await browser.ask(REVOKE_ALL % "false")).data["loginSessionRevokeAll"]

    assert elsewhere == {"count": 2, "errors": []}
    assert "user.signed_out" in await actions(installation, tenant)
    assert codes == [401, 401]
    assert everywhere["count"] == 1
    assert (await browser.ask(VIEWER)).status == 401


async def test_sessions_of_others_are_not_there(
    installation: Installation, browser: Browser, tenant: Tenant
) -> None:
    eve = await make_person(installation.database, owns=tenant, email="eve@example.com")
    theirs = await other_browser(installation, eve)
    (mine,) = (await browser.ask(LIST)).data["viewer"]["loginSessions"]

    (seen,) = (await theirs.ask(LIST)).data["viewer"]["loginSessions"]
    refused = (await theirs.ask(REVOKE % mine["id"])).data["loginSessionRevoke"]

    assert seen["id"] != mine["id"]
    assert refused["errors"] == [{"code": "NOT_FOUND"}]
    assert (await browser.ask(VIEWER)).status == 200


async def test_key_of_the_person_looks_after_no_sessions(
    installation: Installation, browser: Browser, tenant: Tenant
) -> None:
    (mine,) = (await browser.ask(LIST)).data["viewer"]["loginSessions"]
    api = await installation.client(tenant)

    listed = (await api.execute(LIST)).data["viewer"]["loginSessions"]
    one = (await api.execute(REVOKE % mine["id"])).data["loginSessionRevoke"]
    all_ = (await api.execute(REVOKE_ALL % "false")).data["loginSessionRevokeAll"]

    assert listed == []
    assert one["errors"] == all_["errors"] == [{"code": "FORBIDDEN"}]


async def test_socket_of_the_session_that_was_ended_closes(
    installation: Installation, browser: Browser, person: Person
) -> None:
    other = await other_browser(installation, person)
    async with serve(installation.app) as address:
        cookie = f"{COOKIE}={other.cookie}"
        async with open_socket(address, origin=f"http://{address}", cookie=cookie) as socket:
            await socket.init(None)
            await browser.ask(REVOKE_ALL % "true")

            assert await socket.closed() == 4403
