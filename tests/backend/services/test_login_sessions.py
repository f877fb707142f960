"""Login sessions on a real database: whom a cookie speaks for, where, and for how long."""

from dataclasses import replace
from datetime import timedelta

import pytest

from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.domain import login_sessions as sessions
from headgate_server.domain.errors import Forbidden, Unauthenticated
from headgate_server.domain.ids import new_id
from headgate_server.domain.login_sessions import LoginCookie, parse_cookie
from headgate_server.domain.permissions import OWNER_SCOPES
from headgate_server.domain.tenancy import ActorKind
from headgate_server.services import login_sessions, members, organizations
from tests.factories.databases import shifted
from tests.factories.people import PEPPER, Person, make_person, sign_in, who
from tests.factories.tenants import Tenant, make_tenant
from tests.fixtures.sql import query


async def make_owner(database: Database) -> tuple[Tenant, Person]:
    tenant = await make_tenant(database)
    return tenant, await make_person(database, owns=tenant)


async def slug_of(database: Database, tenant: Tenant) -> str:
    async with database.system() as work:
        found = await organizations.find_organization(work, id_=tenant.organization_id)
    assert found is not None
    return found.slug


async def test_cookie_speaks_for_its_person_with_all_their_rights(database: Database) -> None:
    tenant, person = await make_owner(database)

    cookie = await sign_in(database, person)

    caller = await who(database, cookie)
    assert (caller.actor.kind, caller.actor.id) == (ActorKind.USER, person.id)
    assert caller.organization_id == tenant.organization_id
    assert caller.login_session_id == cookie.session_id
    assert caller.api_key_id is None
    assert caller.scopes == OWNER_SCOPES
    assert caller.scopes_in(tenant.workspace_id) == OWNER_SCOPES


async def test_one_statement_authenticates(database: Database, statements: list[str]) -> None:
    _, person = await make_owner(database)
    cookie = await sign_in(database, person)
    await who(database, cookie)
    statements.clear()

    await who(database, cookie)

    assert len([text for text in statements if "login_sessions" in text]) == 1


async def test_person_of_two_organizations_acts_in_the_one_they_name(database: Database) -> None:
    first, person = await make_owner(database)
    second = await make_tenant(database)
    async with database.system() as work:
        await members.add_owner(work, organization_id=second.organization_id, user_id=person.id)
    cookie = await sign_in(database, person)

    assert (await who(database, cookie)).organization_id == first.organization_id
    named = await who(database, cookie, organization=await slug_of(database, second))
    assert named.organization_id == second.organization_id
    assert (await who(database, cookie)).organization_id == second.organization_id


async def test_foreign_and_unknown_organizations_are_refused_alike(database: Database) -> None:
    _, person = await make_owner(database)
    foreign = await make_tenant(database)
    cookie = await sign_in(database, person)
    messages: set[str] = set()

    for slug in (await slug_of(database, foreign), "no-such-organization"):
        with pytest.raises(Forbidden) as refusal:
            await who(database, cookie, organization=slug)
        messages.add(refusal.value.message)

    assert messages == {login_sessions.OTHER_ORGANIZATION}


async def test_who_belongs_to_nothing_is_told_so(database: Database) -> None:
    person = await make_person(database)
    cookie = await sign_in(database, person)

    with pytest.raises(Forbidden, match="belong to no organization"):
        await who(database, cookie)

    assert (await login_sessions.find_session(database, cookie, pepper=PEPPER)).user_id == person.id


async def test_former_member_is_out_at_once(database: Database) -> None:
    tenant, person = await make_owner(database)
    cookie = await sign_in(database, person)
    async with database.tenant(tenant.owner, None) as work:
        membership = await members.find_by_user(work, user_id=person.id)
        assert membership is not None
        await members.remove_member(work, granter=tenant.owner, id_=membership.id)

    with pytest.raises(Forbidden):
        await who(database, cookie)


async def test_forged_cookies_are_refused(database: Database) -> None:
    _, person = await make_owner(database)
    cookie = await sign_in(database, person)
    other = await sign_in(database, person)
    forged = [
        replace(cookie, secret=sessions.new_secret()),
        replace(cookie, secret=other.secret),
        replace(cookie, session_id=new_id()),
        replace(cookie, secret=cookie.secret[:-1]),
    ]

    for one in forged:
        with pytest.raises(Unauthenticated):
            await who(database, one)


@pytest.mark.parametrize(
    "text", ["", ".", "x.y", "é.x", f"{'0' * 26}.", f"{'!' * 26}.x", f"{'0' * 26}.{'x' * 200}"]
)
def test_impossible_cookie_is_refused_without_a_query(text: str) -> None:
    with pytest.raises(Unauthenticated):
        parse_cookie(text)


async def test_cookie_survives_its_text(database: Database) -> None:
    _, person = await make_owner(database)
    cookie = await sign_in(database, person)

    assert parse_cookie(cookie.text) == cookie
    assert len(cookie.secret) == 43


async def test_database_holds_no_secret_of_a_session(
    database: Database, urls: DatabaseUrls
) -> None:
    _, person = await make_owner(database)
    cookie = await sign_in(database, person)

    kept = await query(
        urls.system,
        "SELECT jsonb_build_array(to_jsonb(login_sessions), secret_hash::text)::text "
        "FROM login_sessions",
    )

    assert cookie.secret not in str(kept)
    assert cookie.secret.encode().hex() not in str(kept)


async def test_idle_session_ends(database: Database, urls: DatabaseUrls) -> None:
    _, person = await make_owner(database)
    cookie = await sign_in(database, person)

    async with shifted(urls, by=sessions.IDLE_LIFETIME - timedelta(minutes=1)) as nearly:
        await login_sessions.authenticate(
            nearly, cookie, organization=None, pepper=PEPPER, is_use=False
        )
    async with shifted(urls, by=sessions.IDLE_LIFETIME) as later:
        with pytest.raises(Unauthenticated):
            await who(later, cookie)


async def test_use_keeps_a_session_up_to_its_absolute_end(
    database: Database, urls: DatabaseUrls
) -> None:
    _, person = await make_owner(database)
    cookie = await sign_in(database, person)
    step = sessions.IDLE_LIFETIME - timedelta(minutes=1)
    shift = timedelta(0)
    caller = await who(database, cookie)

    while shift + step < sessions.ABSOLUTE_LIFETIME:
        shift += step
        async with shifted(urls, by=shift) as later:
            caller = await who(later, cookie)

    assert caller.login_session_id == cookie.session_id
    async with shifted(urls, by=sessions.ABSOLUTE_LIFETIME) as over:
        with pytest.raises(Unauthenticated):
            await who(over, cookie)


async def test_every_sign_in_has_an_id_of_its_own_and_ends_the_former(database: Database) -> None:
    _, person = await make_owner(database)
    first = await sign_in(database, person)

    second = await sign_in(database, person, former=first)

    assert (second.session_id, second.secret) != (first.session_id, first.secret)
    with pytest.raises(Unauthenticated):
        await who(database, first)
    await who(database, second)


async def test_sign_out_ends_one_session_and_everywhere_ends_all(database: Database) -> None:
    _, person = await make_owner(database)
    cookies = [await sign_in(database, person) for _ in range(3)]

    async with database.system() as work:
        assert await login_sessions.revoke(work, user_id=person.id, id_=cookies[0].session_id)
    async with database.system() as work:
        left = await login_sessions.list_sessions(work, user_id=person.id)
    assert {one.id for one in left} == {one.session_id for one in cookies[1:]}
    async with database.system() as work:
        assert await login_sessions.revoke_all(work, user_id=person.id) == 2

    for cookie in cookies:
        with pytest.raises(Unauthenticated):
            await who(database, cookie)


async def test_nobody_ends_the_session_of_another(database: Database) -> None:
    _, person = await make_owner(database)
    other = await make_person(database, email="eve@example.com")
    cookie = await sign_in(database, person)

    async with database.system() as work:
        assert not await login_sessions.revoke(work, user_id=other.id, id_=cookie.session_id)

    await who(database, cookie)


async def test_suspended_person_is_out_at_once(database: Database, urls: DatabaseUrls) -> None:
    _, person = await make_owner(database)
    cookie = await sign_in(database, person)
    await query(urls.system, "UPDATE users SET suspended_at = now()")

    with pytest.raises(Unauthenticated):
        await who(database, cookie)
    with pytest.raises(Unauthenticated):
        await sign_in(database, person)


async def test_ended_sessions_are_forgotten(database: Database, urls: DatabaseUrls) -> None:
    _, person = await make_owner(database)
    await sign_in(database, person)

    async with database.system() as work:
        assert await login_sessions.delete_ended(work) == 0
    async with (
        shifted(urls, by=sessions.ABSOLUTE_LIFETIME) as later,
        later.system() as work,
    ):
        assert await login_sessions.delete_ended(work) == 1


@pytest.mark.parametrize("table", ["login_sessions", "identities", "one_time_tokens"])
async def test_application_role_reads_nothing_of_sign_ins(urls: DatabaseUrls, table: str) -> None:
    with pytest.raises(Exception, match="permission denied"):
        await query(urls.app, f"TABLE {table}")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT password_hash FROM users",
        "SELECT totp_secret FROM users",
        "SELECT recovery_hashes FROM users",
        "UPDATE users SET email = 'mine@example.com'",
        "DELETE FROM users",
    ],
)
async def test_application_role_reads_no_secret_of_people(
    urls: DatabaseUrls, statement: str
) -> None:
    with pytest.raises(Exception, match="permission denied"):
        await query(urls.app, statement)


def test_cookies_differ() -> None:
    made = {sessions.new_cookie() for _ in range(1000)}

    assert len({one.secret for one in made}) == 1000
    assert isinstance(next(iter(made)), LoginCookie)
