"""Deleting one's own account: only in a session, only with what proves the person."""

import pytest

from headgate_server.database.urls import DatabaseUrls
from tests.factories.people import Person, code_of, enrol, make_person
from tests.factories.tenants import Tenant
from tests.fixtures.api import ApiClient
from tests.fixtures.browsers import Browser
from tests.fixtures.installations import Installation
from tests.fixtures.sql import query

DELETE = "/auth/account/delete"
VIEWER = "{ viewer { user { email } } }"
COUNT = "select count(*) from users where email = 'ada@example.com'"
NO_PASSWORD = "update users set password_hash = null where email = 'ada@example.com'"
ALONE = """
delete from memberships where user_id <> (select id from users where email = 'ada@example.com')
"""
AGED = "update login_sessions set created_at = created_at - interval '11 minutes'"


async def count(urls: DatabaseUrls) -> int:
    return await query(urls.owner, COUNT)


async def test_person_deletes_their_account_and_is_told_by_mail(
    browser: Browser, installation: Installation, person: Person, urls: DatabaseUrls
) -> None:
    other = Browser(installation.app)
    await other.sign_in(person)
    page = ApiClient(installation.app, path="/auth/account")
    shown = await page.request("GET", headers={"cookie": f"__Host-headgate={browser.cookie}"})

    done = await browser.send(DELETE, {"password": person.password})
    letter = await installation.post_office.take()

    assert DELETE in shown.body.decode()
    assert (done.status, done.json, browser.cookie) == (200, {"status": "deleted"}, None)
    assert (letter.to, "deleted" in letter.text) == (person.email, True)
    assert (await other.ask(VIEWER)).status == 401
    assert (await browser.sign_in(person)).status == 401
    assert await count(urls) == 0


@pytest.mark.parametrize(
    ("given", "status"), [({"password": "another one"}, 400), ({}, 400)], ids=["wrong", "none"]
)
async def test_account_stays_without_the_password(
    browser: Browser,
    installation: Installation,
    person: Person,
    urls: DatabaseUrls,
    given: dict[str, str],
    status: int,
) -> None:
    refused = await browser.send(DELETE, given)
    unknown = await Browser(installation.app).send(DELETE, {"password": person.password})
    foreign = await browser.send(
        DELETE, {"password": person.password}, origin="https://evil.example"
    )

    assert (refused.status, unknown.status, foreign.status) == (status, 401, 403)
    assert await count(urls) == 1
    assert (await browser.ask(VIEWER)).status == 200


async def test_second_factor_is_asked_for_where_one_is_on(
    installation: Installation, person: Person, urls: DatabaseUrls
) -> None:
    await enrol(installation.database, person)
    assert person.totp is not None
    browser = Browser(installation.app)
    code = await code_of(installation.database, person.totp)
    assert (await browser.sign_in(person, code=code)).status == 200

    missing = await browser.send(DELETE, {"password": person.password})
    used = await browser.send(DELETE, {"password": person.password, "code": code})
    stays = await count(urls)
    done = await browser.send(
        DELETE, {"password": person.password, "code": person.recovery_codes[0]}
    )

    assert (missing.status, used.status, stays, done.status) == (400, 400, 1, 200)
    assert await count(urls) == 0


async def test_who_has_no_password_signs_in_again_first(
    browser: Browser, person: Person, urls: DatabaseUrls
) -> None:
    await query(urls.owner, NO_PASSWORD)
    await query(urls.owner, AGED)
    late = await browser.send(DELETE, {})
    await query(urls.owner, AGED.replace("-", "+"))
    soon = await browser.send(DELETE, {})

    assert (late.status, "Sign in again" in late.body.decode(), soon.status) == (403, True, 200)
    assert await count(urls) == 0


async def test_only_owner_is_told_what_to_do(
    installation: Installation, tenant: Tenant, urls: DatabaseUrls
) -> None:
    person = await make_person(installation.database, owns=tenant)
    browser = Browser(installation.app)
    await browser.sign_in(person)
    await query(urls.owner, ALONE)

    refused = await browser.send(DELETE, {"password": person.password})

    assert refused.status == 409
    assert "Name another owner" in refused.json["errors"][0]["message"]
    assert (await browser.ask(VIEWER)).status == 200
