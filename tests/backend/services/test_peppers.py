"""The key before the one of now: it opens what it made, which is then under the one of now."""

import pytest
from pyotp.totp import TOTP

from headgate_server.database.work import Database
from headgate_server.domain.api_keys import NewApiKey
from headgate_server.domain.errors import ConfigurationError, InvalidInput, Unauthenticated
from headgate_server.domain.peppers import Pepper
from headgate_server.domain.permissions import Scope
from headgate_server.installation import check_secret
from headgate_server.services import (
    api_keys,
    email_changes,
    login_sessions,
    passwords,
    sign_ins,
    work_pools,
)
from headgate_server.services.sign_ins import Attempt, WrongCode
from headgate_server.settings import Settings
from tests.factories.agents import make_session
from tests.factories.people import (
    BROWSER,
    PEPPER,
    Person,
    cheap_hasher,
    code_of,
    enrol,
    make_person,
    sign_in,
)
from tests.factories.run_tokens import make_session_token
from tests.factories.tenants import make_tenant

NEW = "another pepper that only tests use"
BOTH = Pepper(NEW, previous=PEPPER)


async def sign_in_with(database: Database, person: Person, *, code: str, pepper: str) -> None:
    attempt = Attempt(person.email, person.password, code, BROWSER, None)
    await sign_ins.sign_in(database, attempt, hasher=cheap_hasher(), pepper=pepper)


async def test_key_of_before_is_under_the_new_one_once_it_was_used(database: Database) -> None:
    tenant = await make_tenant(database)
    new = NewApiKey(name="k", owner=tenant.owner.actor, scopes=frozenset({Scope.RUNS_READ}))
    async with database.tenant(tenant.owner, None) as work:
        key, token = await api_keys.create_key(work, granter=tenant.owner, new=new, pepper=PEPPER)
    with pytest.raises(Unauthenticated):
        await api_keys.authenticate(database, token, pepper=NEW)

    await api_keys.authenticate(database, token, pepper=BOTH)

    assert (await api_keys.authenticate(database, token, pepper=NEW)).api_key_id == key.id
    with pytest.raises(Unauthenticated):
        await api_keys.authenticate(database, token, pepper=PEPPER)


async def test_secret_that_a_rotation_replaced_is_carried_over_too(database: Database) -> None:
    tenant = await make_tenant(database)
    new = NewApiKey(name="k", owner=tenant.owner.actor, scopes=frozenset({Scope.RUNS_READ}))
    async with database.tenant(tenant.owner, None) as work:
        key, old = await api_keys.create_key(work, granter=tenant.owner, new=new, pepper=PEPPER)
    async with database.tenant(tenant.owner, None) as work:
        _, token = await api_keys.rotate_key(
            work, granter=tenant.owner, id_=key.id, pepper=BOTH, overlap=api_keys.keys.MAX_OVERLAP
        )

    numbers = [
        (await api_keys.authenticate(database, one, pepper=pepper)).secret_number
        for pepper in (BOTH, NEW)
        for one in (old, token)
    ]

    assert numbers == [1, 2, 1, 2]


async def test_agent_goes_on_until_its_session_ends(database: Database) -> None:
    tenant = await make_tenant(database)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        pool, _ = await work_pools.upsert_work_pool(work, name="p", type_="process")
    session_id = await make_session(database, tenant, work_pool_id=pool.id)
    token = await make_session_token(database, tenant, session_id)

    found = await api_keys.authenticate(database, token, pepper=BOTH)

    assert found.agent_session_id == session_id
    with pytest.raises(Unauthenticated):
        await api_keys.authenticate(database, token, pepper=NEW)


async def test_second_factor_and_its_recovery_codes_open_under_both(database: Database) -> None:
    person = await make_person(database, owns=await make_tenant(database))
    await enrol(database, person)
    totp = person.totp or TOTP("")

    await sign_in_with(database, person, code=await code_of(database, totp), pepper=BOTH)
    await sign_in_with(database, person, code=await code_of(database, totp, steps=1), pepper=NEW)
    with pytest.raises(WrongCode):
        await sign_in_with(database, person, code=person.recovery_codes[0], pepper=NEW)
    await sign_in_with(database, person, code=person.recovery_codes[0], pepper=BOTH)


async def test_links_that_were_mailed_before_are_good_once(database: Database) -> None:
    person = await make_person(database)
    hasher, password = cheap_hasher(), "another four words make sense"
    session = await login_sessions.find_session(
        database, await sign_in(database, person), pepper=PEPPER
    )
    async with database.system() as work:
        mailed = await email_changes.begin(work, session, email="new@example.com", pepper=PEPPER)
        assert mailed is not None
    async with database.system() as work:
        await email_changes.finish(work, token=mailed, pepper=BOTH)
    begun = await passwords.begin_reset(database, email="new@example.com", pepper=PEPPER)
    assert begun is not None

    await passwords.finish_reset(
        database, token=begun[1], password=password, hasher=hasher, pepper=BOTH
    )

    with pytest.raises(InvalidInput):
        await passwords.finish_reset(
            database, token=begun[1], password=password, hasher=hasher, pepper=BOTH
        )


async def test_session_of_before_is_under_the_new_one_once_it_was_used(
    database: Database,
) -> None:
    person = await make_person(database, owns=await make_tenant(database))
    cookie = await sign_in(database, person)

    await login_sessions.find_session(database, cookie, pepper=BOTH)

    assert (await login_sessions.find_session(database, cookie, pepper=NEW)).user_id == person.id
    with pytest.raises(Unauthenticated):
        await login_sessions.find_session(database, cookie, pepper=PEPPER)


@pytest.mark.parametrize("previous", ["short", "a" * 40])
def test_key_before_that_is_none_is_refused(previous: str) -> None:
    with pytest.raises(ConfigurationError, match="HEADGATE_SECRET_KEY_PREVIOUS"):
        check_secret(Settings(secret_key="a" * 40, secret_key_previous=previous))
