"""What the audit log of an organization says of how its people sign in."""

from dataclasses import replace
from typing import Any

from headgate_server.domain import ids
from headgate_server.domain.pagination import PageRequest
from headgate_server.services import login_sessions
from headgate_server.services.audit_entries import read
from tests.factories.people import Person, enrol
from tests.factories.tenants import Tenant
from tests.fixtures.browsers import Browser
from tests.fixtures.deadlines import eventually
from tests.fixtures.installations import Installation
from tests.fixtures.provider_worlds import ProviderWorld


async def entries(installation: Installation, tenant: Tenant) -> list[Any]:
    """Return the entries about people, the latest first."""
    async with installation.database.tenant(tenant.owner, None) as work:
        page = await read.list_entries(
            work, organization_id=tenant.organization_id, page=PageRequest(size=50)
        )
    return [one for one in page.items if one.target.kind == "user"]


async def test_sign_ins_and_outs_are_written_down(
    installation: Installation, tenant: Tenant, person: Person
) -> None:
    browser = Browser(installation.app)
    await browser.sign_in(person)
    await browser.send("/auth/sign-out", {"everywhere": True})

    out, in_ = await entries(installation, tenant)

    assert (in_.action, out.action) == ("user.signed_in", "user.signed_out")
    assert in_.actor.id == in_.target.id == person.id
    assert in_.origin.address == "127.0.0.1"
    assert in_.origin.login_session_id == out.origin.login_session_id


async def test_what_people_do_on_the_pages_says_from_where(
    installation: Installation, tenant: Tenant, person: Person
) -> None:
    browser, other = Browser(installation.app), Browser(installation.app)
    for one in (browser, other):
        await one.sign_in(person)
    async with installation.database.system() as work:
        open_ = await login_sessions.list_sessions(work, user_id=person.id)
    (ended,) = [one.id for one in open_ if str(other.cookie).startswith(ids.encode_word(one.id))]
    await browser.send("/auth/sessions/end", {"id": ids.show(ids.Kind.LOGIN_SESSION, ended)})
    changed = {"current": person.password, "new": "a few other words"}
    answer = await browser.send("/auth/password", changed)

    found = await entries(installation, tenant)

    actions = ["user.password_changed", "user.signed_out", "user.signed_in", "user.signed_in"]
    assert [one.action for one in found] == actions
    assert {one.origin.address for one in found} == {"127.0.0.1"}
    assert all(one.origin.login_session_id for one in found)
    assert len({one.origin.request_id for one in found}) == 4
    assert found[0].origin.request_id == answer.headers["x-request-id"]


async def test_failures_at_known_accounts_are_written_down(
    installation: Installation, tenant: Tenant, person: Person
) -> None:
    browser = Browser(installation.app)
    await browser.sign_in(replace(person, email="nobody@example.com"))
    await browser.sign_in(replace(person, password="another password"))

    async def found() -> list[Any]:
        return await entries(installation, tenant)

    (entry,) = await eventually(found, what="The entry")
    assert (entry.action, entry.target.id) == ("user.sign_in_failed", person.id)
    assert "another password" not in repr(entry)


async def test_asking_for_a_code_is_no_failure(
    installation: Installation, tenant: Tenant, person: Person
) -> None:
    await enrol(installation.database, person)

    asked = await Browser(installation.app).sign_in(person)

    assert asked.code == "CODE_NEEDED"
    actions = [one.action for one in await entries(installation, tenant)]
    assert actions == ["user.second_factor_turned_on", "user.signed_in"]


async def test_provider_is_named(provider_world: ProviderWorld) -> None:
    await provider_world.sign_in()

    (entry,) = await entries(provider_world.installation, provider_world.tenant)
    assert entry.action == "user.signed_in"
    assert entry.diff["after"] == {"provider": "okta"}
