"""Signing in on a real database: passwords, second factors, resets; and what nobody learns."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta
from math import log2
from statistics import median

import pytest

from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.domain.errors import Conflict, InvalidInput, Unauthenticated
from headgate_server.domain.login_sessions import LIFETIMES, Purpose
from headgate_server.domain.passwords import check_password
from headgate_server.domain.second_factors import hash_recovery
from headgate_server.repositories import users as stored
from headgate_server.services import passwords, second_factors
from headgate_server.services.passwords import Hasher
from headgate_server.services.sign_ins import REFUSED, Attempt, CodeNeeded
from headgate_server.services.sign_ins import sign_in as sign_in_with
from tests.factories.databases import shifted
from tests.factories.people import (
    PASSWORD,
    PEPPER,
    Person,
    cheap_hasher,
    code_of,
    enrol,
    make_person,
    sign_in,
    who,
)
from tests.factories.tenants import make_tenant
from tests.fixtures.sql import query

NEW = "a few other words"
HASH_OF_ADA = "SELECT password_hash FROM users WHERE email = 'ada@example.com'"
SEALED_OF_ADA = "SELECT totp_secret FROM users WHERE email = 'ada@example.com'"
COPY_FROM_ADA_TO_EVE = """
UPDATE users SET totp_secret = (SELECT totp_secret FROM users WHERE email = 'ada@example.com')
WHERE email = 'eve@example.com'
"""


@pytest.fixture
async def person(database: Database) -> Person:
    return await make_person(database, owns=await make_tenant(database))


async def refusal_of(database: Database, person: Person, *, code: str | None = None) -> str:
    with pytest.raises(Unauthenticated) as refusal:
        await sign_in(database, person, code=code)
    return refusal.value.message


async def test_address_is_compared_as_people_type_it(database: Database, person: Person) -> None:
    typed = replace(person, email=" ADA@Example.com ")

    assert (await who(database, await sign_in(database, typed))).actor.id == person.id


async def test_every_refusal_reads_alike(
    database: Database, person: Person, urls: DatabaseUrls
) -> None:
    bare = await make_person(database, email="bare@example.com")
    await query(urls.system, "UPDATE users SET password_hash = null WHERE email like 'bare%'")
    tried = [
        replace(person, password="another password"),
        replace(person, password=""),
        replace(person, password="x" * 100_000),
        replace(person, email="nobody@example.com"),
        replace(person, email="no address"),
        replace(person, email="\x00@example.com"),
        bare,
    ]

    assert {await refusal_of(database, one) for one in tried} == {REFUSED}


async def test_unknown_people_take_as_long_as_known_ones(
    database: Database, person: Person
) -> None:
    hasher = Hasher()
    password_hash = await hasher.hash(PASSWORD)
    async with database.system() as work:
        await passwords.users.set_password(work, id_=person.id, password_hash=password_hash)

    async def took(email: str) -> float:
        started_at = time.perf_counter()
        with pytest.raises(Unauthenticated):
            await sign_in_with(
                database,
                Attempt(email, "a wrong password"),
                hasher=hasher,
                pepper=PEPPER,
            )
        return time.perf_counter() - started_at

    known = median([await took(person.email) for _ in range(7)])
    unknown = median([await took("nobody@example.com") for _ in range(7)])
    malformed = median([await took("nobody") for _ in range(7)])

    assert 0.4 < known / unknown < 2.5
    assert 0.4 < known / malformed < 2.5


async def test_hash_of_other_parameters_is_replaced(
    database: Database, person: Person, urls: DatabaseUrls
) -> None:
    before = await query(urls.system, HASH_OF_ADA)

    await sign_in_with(
        database,
        Attempt(person.email, PASSWORD),
        hasher=Hasher(memory_kib=16),
        pepper=PEPPER,
    )

    after = await query(urls.system, HASH_OF_ADA)
    assert "m=8," in str(before)
    assert "m=16," in str(after)
    assert str(after).startswith("$argon2id$")


@pytest.mark.parametrize("bad", ["", "short", "x" * 257, "aaaabbbbaaaabbbb", "ADA@example.com"])
def test_bad_passwords_are_refused(bad: str) -> None:
    with pytest.raises(InvalidInput):
        check_password(bad, email="ada@example.com")


async def test_second_factor_is_asked_for_after_the_password_only(
    database: Database, person: Person
) -> None:
    await enrol(database, person)
    assert person.totp is not None

    with pytest.raises(CodeNeeded):
        await sign_in(database, person)
    wrong = replace(person, password="a wrong password")
    assert await refusal_of(database, wrong) == REFUSED
    assert await refusal_of(database, person, code="000000") == REFUSED
    assert await refusal_of(database, person, code="no code") == REFUSED

    await who(database, await sign_in(database, person, code=await code_of(database, person.totp)))


async def test_code_opens_once_and_no_earlier_one_after_it(
    database: Database, person: Person
) -> None:
    await enrol(database, person)
    assert person.totp is not None
    now = await code_of(database, person.totp)
    before = await code_of(database, person.totp, steps=-1)
    await sign_in(database, person, code=now)

    assert await refusal_of(database, person, code=now) == REFUSED
    assert await refusal_of(database, person, code=before) == REFUSED


async def test_one_code_at_the_same_moment_opens_one_session(
    database: Database, person: Person
) -> None:
    await enrol(database, person)
    assert person.totp is not None
    code = await code_of(database, person.totp)

    async def attempt() -> bool:
        try:
            await sign_in(database, person, code=code)
        except Unauthenticated:
            return False
        return True

    assert sum(await asyncio.gather(*(attempt() for _ in range(4)))) == 1


@pytest.mark.parametrize("steps", [-2, 2, 100])
async def test_codes_of_other_times_are_refused(
    database: Database, person: Person, steps: int
) -> None:
    await enrol(database, person)
    assert person.totp is not None

    # The step may turn meanwhile: two before may become three before, two after become one after.
    code = await code_of(database, person.totp, steps=steps + (steps > 0))
    assert await refusal_of(database, person, code=code) == REFUSED


async def test_recovery_code_opens_once_however_it_is_typed(
    database: Database, person: Person
) -> None:
    await enrol(database, person)
    first, second = person.recovery_codes[:2]

    await sign_in(database, person, code=first)
    assert await refusal_of(database, person, code=first) == REFUSED
    await sign_in(database, person, code=f" {second.upper().replace('-', ' ')} ")
    assert len(set(person.recovery_codes)) == 10


async def test_recovery_codes_have_114_bits_and_shorter_ones_of_before_open_once(
    database: Database, person: Person
) -> None:
    await enrol(database, person)
    before = "2345-6789-bcdf-ghjk"
    hashes = [hash_recovery(before, pepper=PEPPER)]
    async with database.system() as work:
        await stored.confirm_totp(work, id_=person.id, recovery_hashes=hashes)

    await sign_in(database, person, code=before)

    assert await refusal_of(database, person, code=before) == REFUSED
    plain = [code.replace("-", "") for code in person.recovery_codes]
    assert {len(code) for code in plain} == {24}
    assert 24 * log2(27) > 112
    assert set("".join(plain)) <= set("23456789bcdfghjkmnpqrstvwxz")


async def test_turning_a_second_factor_on_ends_every_other_session(
    database: Database, person: Person
) -> None:
    before = await sign_in(database, person)

    cookie = await enrol(database, person)

    with pytest.raises(Unauthenticated):
        await who(database, before)
    await who(database, cookie)
    async with database.system() as work:
        with pytest.raises(Conflict):
            await second_factors.begin_enrolment(work, user_id=person.id, pepper=PEPPER)


async def test_second_factor_goes_with_a_code_only(database: Database, person: Person) -> None:
    cookie = await enrol(database, person)

    async def end(code: str) -> None:
        async with database.system() as work:
            await second_factors.end_enrolment(
                work,
                user_id=person.id,
                session_id=cookie.session_id,
                code=code,
                pepper=PEPPER,
            )

    with pytest.raises(InvalidInput):
        await end("000000")
    await end(person.recovery_codes[0])

    await sign_in(database, person)


async def test_secret_of_a_second_factor_is_sealed_to_its_person(
    database: Database, person: Person, urls: DatabaseUrls
) -> None:
    await enrol(database, person)
    other = await make_person(database, email="eve@example.com")
    await enrol(database, other)
    assert person.totp is not None
    kept = await query(urls.system, SEALED_OF_ADA)
    assert isinstance(kept, bytes)
    assert person.totp.secret.encode() not in kept

    await query(urls.system, COPY_FROM_ADA_TO_EVE)

    with pytest.raises(Exception, match="sealed under another"):
        await sign_in(database, other, code=await code_of(database, person.totp))


async def test_reset_sets_a_password_once_and_ends_all_sessions(
    database: Database, person: Person
) -> None:
    cookie = await sign_in(database, person)
    begun = await passwords.begin_reset(database, email=person.email, pepper=PEPPER)
    assert begun is not None
    _, token = begun

    await finish(database, token, NEW)

    with pytest.raises(Unauthenticated):
        await who(database, cookie)
    assert await refusal_of(database, person) == REFUSED
    await sign_in(database, replace(person, password=NEW))
    with pytest.raises(InvalidInput, match="This link was used"):
        await finish(database, token, "yet another password")


async def finish(database: Database, token: str, password: str) -> None:
    await passwords.finish_reset(
        database, token=token, password=password, hasher=cheap_hasher(), pepper=PEPPER
    )


async def test_reset_leaves_the_second_factor_of_a_proven_address(
    database: Database, person: Person
) -> None:
    await enrol(database, person)
    async with database.system() as work:
        await stored.set_email_verified(work, id_=person.id, email=person.email)
    begun = await passwords.begin_reset(database, email=person.email, pepper=PEPPER)
    assert begun is not None
    await finish(database, begun[1], NEW)

    with pytest.raises(CodeNeeded):
        await sign_in(database, replace(person, password=NEW))


async def test_first_proof_of_an_address_ends_a_second_factor_of_before(
    database: Database, person: Person
) -> None:
    await enrol(database, person)
    begun = await passwords.begin_reset(database, email=person.email, pepper=PEPPER)
    assert begun is not None
    await finish(database, begun[1], NEW)

    await sign_in(database, replace(person, password=NEW))
    async with database.system() as work:
        found = await stored.lock_credentials(work, id_=person.id)
    assert found is not None
    assert (found.totp_secret, found.recovery_count) == (None, 0)


async def test_bad_password_leaves_the_link_good(database: Database, person: Person) -> None:
    begun = await passwords.begin_reset(database, email=person.email, pepper=PEPPER)
    assert begun is not None

    for bad in ("short", person.email):
        with pytest.raises(InvalidInput):
            await finish(database, begun[1], bad)

    await finish(database, begun[1], NEW)


async def test_link_ends_by_time_and_as_another_is_used(
    database: Database, person: Person, urls: DatabaseUrls
) -> None:
    first = await passwords.begin_reset(database, email=person.email, pepper=PEPPER)
    second = await passwords.begin_reset(database, email=person.email, pepper=PEPPER)
    assert first is not None
    assert second is not None

    async with shifted(urls, by=LIFETIMES[Purpose.RESET] + timedelta(seconds=1)) as later:
        with pytest.raises(InvalidInput):
            await finish(later, second[1], NEW)

    await finish(database, first[1], NEW)
    with pytest.raises(InvalidInput):
        await finish(database, second[1], NEW)


async def test_nobody_is_sent_a_link_who_is_not_known(database: Database, person: Person) -> None:
    assert await passwords.begin_reset(database, email="x@example.com", pepper=PEPPER) is None
    assert await passwords.begin_reset(database, email="nonsense", pepper=PEPPER) is None


async def test_changed_password_ends_every_other_session(
    database: Database, person: Person
) -> None:
    cookie = await sign_in(database, person)
    other = await sign_in(database, person)

    async def change(current: str) -> passwords.LoginCookie:
        return await passwords.change_password(
            database,
            session_id=cookie.session_id,
            user_id=person.id,
            current=current,
            new=NEW,
            hasher=cheap_hasher(),
            pepper=PEPPER,
        )

    with pytest.raises(InvalidInput, match="current password is wrong"):
        await change("a wrong password")
    fresh = await change(PASSWORD)

    await who(database, fresh)
    for old in (cookie, other):
        with pytest.raises(Unauthenticated):
            await who(database, old)
    await sign_in(database, replace(person, password=NEW))
