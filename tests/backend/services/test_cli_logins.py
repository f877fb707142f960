"""What ends the logins of terminals that somebody allowed: theirs that have no key, no other."""

from datetime import datetime

import pytest
from sqlalchemy import select, update

from headgate_server.database.work import Database
from headgate_server.domain.cli_logins import CliLoginRefused, CodeExpired, Wish
from headgate_server.domain.errors import Unauthenticated
from headgate_server.domain.login_sessions import LoginCookie
from headgate_server.services import api_keys, cli_logins, login_sessions
from headgate_server.tables.login_sessions import cli_logins as rows
from headgate_server.tables.organizations import organizations
from tests.factories.people import PEPPER, Person, enrol, make_person, sign_in
from tests.factories.tenants import Tenant, make_tenant


async def begin(database: Database) -> cli_logins.Codes:
    """Have a terminal ask for a login."""
    async with database.system() as work:
        return await cli_logins.begin_device(work, wish=Wish("headgate"), pepper=PEPPER)


async def allow(
    database: Database, person: Person, tenant: Tenant, *, cookie: LoginCookie | None = None
) -> str:
    """Have a person allow a terminal's login, and return what it shows for its key."""
    cookie = cookie or await sign_in(database, person)
    session = await login_sessions.find_session(database, cookie, pepper=PEPPER)
    begun = await begin(database)
    async with database.system() as work:
        await cli_logins.decide(
            work,
            user_code=begun.user_code,
            session=session,
            organization_id=tenant.organization_id,
            pepper=PEPPER,
        )
    return begun.device_code


async def redeem(database: Database, device_code: str) -> cli_logins.Granted:
    return await cli_logins.redeem_device(database, device_code=device_code, pepper=PEPPER)


async def void(database: Database, person: Person) -> None:
    async with database.system() as work:
        await login_sessions.void_begun(work, user_id=person.id)


async def used_at(database: Database) -> datetime:
    async with database.system() as work:
        found = await work.execute(select(rows.c.used_at).where(rows.c.used_at.is_not(None)))
        return found.scalar_one()


async def test_login_that_was_allowed_gets_no_key_and_that_of_another_person_does(
    database: Database,
) -> None:
    tenant = await make_tenant(database)
    person = await make_person(database, owns=tenant)
    other = await make_person(database, owns=tenant, email="eve@example.com")
    theirs = await allow(database, person, tenant)
    others = await allow(database, other, tenant)

    await void(database, person)

    with pytest.raises(CodeExpired):
        await redeem(database, theirs)
    granted = await redeem(database, others)
    assert granted.key.owner.id == other.id


async def test_login_that_has_its_key_stays_as_it_was(database: Database) -> None:
    tenant = await make_tenant(database)
    person = await make_person(database, owns=tenant)
    granted = await redeem(database, await allow(database, person, tenant))
    before = await used_at(database)

    await void(database, person)

    assert await used_at(database) == before
    found = await api_keys.authenticate(database, granted.token, pepper=PEPPER)
    assert found.actor.id == person.id


async def test_key_that_nobody_used_ends_as_its_code_is_shown_again(database: Database) -> None:
    tenant = await make_tenant(database)
    person = await make_person(database, owns=tenant)
    lost, had = await allow(database, person, tenant), await allow(database, person, tenant)
    unused, used = await redeem(database, lost), await redeem(database, had)
    await api_keys.authenticate(database, used.token, pepper=PEPPER)

    for code in (lost, had):
        with pytest.raises(CodeExpired):
            await redeem(database, code)

    with pytest.raises(Unauthenticated):
        await api_keys.authenticate(database, unused.token, pepper=PEPPER)
    found = await api_keys.authenticate(database, used.token, pepper=PEPPER)
    assert found.actor.id == person.id


async def test_login_that_nobody_answered_yet_stays_open(database: Database) -> None:
    tenant = await make_tenant(database)
    person = await make_person(database, owns=tenant)
    begun = await begin(database)

    await void(database, person)

    async with database.system() as work:
        found = await cli_logins.look(work, user_code=begun.user_code, pepper=PEPPER)
    assert found.decided_at is None


async def test_login_that_was_allowed_without_a_second_factor_gets_no_key_once_one_is_demanded(
    database: Database,
) -> None:
    tenant = await make_tenant(database)
    person = await make_person(database, owns=tenant)
    without = await allow(database, person, tenant)
    proven = await allow(database, person, tenant, cookie=await enrol(database, person))
    async with database.system() as work:
        await work.execute(
            update(organizations)
            .where(organizations.c.id == tenant.organization_id)
            .values(requires_second_factor=True)
        )

    with pytest.raises(CliLoginRefused, match="second factor"):
        await redeem(database, without)

    assert (await redeem(database, proven)).token
