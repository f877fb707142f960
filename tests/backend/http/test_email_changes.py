"""Changing an address: only with the password, only by the link that the new address was mailed."""

from dataclasses import replace

import pytest

from headgate_server.database.urls import DatabaseUrls
from tests.factories.people import Person, code_of, enrol, make_person
from tests.fixtures.browsers import ORIGIN, Browser
from tests.fixtures.installations import Installation
from tests.fixtures.sql import query

VIEWER = "{ viewer { user { email isEmailVerified } } }"
NEW = "ada.lovelace@example.com"


async def test_link_that_was_mailed_gives_the_new_address(
    browser: Browser, installation: Installation, person: Person
) -> None:
    office, before = installation.post_office, person.email
    asked = await browser.send("/auth/email", {"email": NEW, "password": person.password})
    letter = await office.take()
    page, _, token = letter.link.partition("#")
    stranger = Browser(installation.app)

    done = await stranger.send("/auth/email/new", {"token": token})
    again = await stranger.send("/auth/email/new", {"token": token})
    notice = await office.take()

    assert (asked.status, letter.to, page) == (202, NEW, f"{ORIGIN}/auth/email/new")
    assert (done.status, again.status) == (200, 400)
    assert notice.to == before
    assert NEW in notice.text
    assert (await browser.ask(VIEWER)).status == 401
    assert (await Browser(installation.app).sign_in(person)).status == 401
    assert (await browser.sign_in(replace(person, email=NEW))).status == 200
    user = (await browser.ask(VIEWER)).json["data"]["viewer"]["user"]
    assert user == {"email": NEW, "isEmailVerified": True}


async def test_own_address_is_proven_by_its_mail_and_a_reset_leaves_the_second_factor_then(
    installation: Installation, person: Person
) -> None:
    office, database = installation.post_office, installation.database
    await enrol(database, person)
    assert person.totp is not None
    browser = Browser(installation.app)
    await browser.sign_in(person, code=await code_of(database, person.totp))
    asked = {"email": person.email, "password": person.password}

    await browser.send("/auth/email", asked)
    link = {"token": (await office.take()).token}
    by_mailbox_alone = await Browser(installation.app).send("/auth/email/new", link)
    proven = await browser.send("/auth/email/new", link)
    await office.take()
    await browser.send("/auth/password/reset", {"email": person.email})
    reset = {"token": (await office.take()).token, "password": "words of a better day"}
    await browser.send("/auth/password/new", reset)
    refused = await browser.sign_in(replace(person, password=reset["password"]))

    assert (by_mailbox_alone.status, proven.status) == (400, 200)
    assert refused.code == "CODE_NEEDED"


async def test_wrong_password_sends_no_mail(
    browser: Browser, installation: Installation, person: Person
) -> None:
    refused = await browser.send("/auth/email", {"email": NEW, "password": "another one"})
    unknown = await Browser(installation.app).send(
        "/auth/email", {"email": NEW, "password": person.password}
    )

    assert (refused.status, unknown.status) == (400, 401)
    assert installation.post_office.letters.empty()


async def test_address_of_somebody_else_is_answered_alike_and_gets_no_mail(
    browser: Browser, installation: Installation, person: Person
) -> None:
    other = await make_person(installation.database, email="eve@example.com")
    taken = await browser.send("/auth/email", {"email": other.email, "password": person.password})
    free = await browser.send("/auth/email", {"email": NEW, "password": person.password})
    letter = await installation.post_office.take()

    assert (taken.status, taken.body) == (free.status, free.body)
    assert letter.to == NEW
    assert installation.post_office.letters.empty()


async def test_address_that_was_taken_meanwhile_stays_whose_it_is(
    browser: Browser, installation: Installation, person: Person
) -> None:
    await browser.send("/auth/email", {"email": NEW, "password": person.password})
    token = (await installation.post_office.take()).token
    await make_person(installation.database, email=NEW)

    refused = await browser.send("/auth/email/new", {"token": token})

    assert refused.status == 400
    assert (await browser.ask(VIEWER)).json["data"]["viewer"]["user"]["email"] == person.email


async def test_only_the_last_link_is_good_and_old_links_of_the_password_are_not(
    browser: Browser, installation: Installation, person: Person, urls: DatabaseUrls
) -> None:
    office = installation.post_office
    await browser.send("/auth/password/reset", {"email": person.email})
    reset = (await office.take()).token
    given = {"password": person.password}
    await browser.send("/auth/email", {"email": "first@example.com", **given})
    first = (await office.take()).token
    await browser.send("/auth/email", {"email": NEW, **given})
    last = (await office.take()).token

    answers = [
        (await browser.send("/auth/email/new", {"token": token})).status for token in (first, last)
    ]
    late = await browser.send("/auth/password/new", {"token": reset, "password": "a" * 20})

    assert answers == [400, 200]
    assert late.status == 400
    told = "select count(*) from audit_entries where action = 'user.email_changed'"
    assert await query(urls.owner, told) == 1


@pytest.mark.parametrize("way", ["reset", "change", "everywhere"])
async def test_link_that_a_thief_was_mailed_is_void_once_its_person_shuts_them_out(
    browser: Browser, installation: Installation, person: Person, way: str
) -> None:
    office, thief = installation.post_office, Browser(installation.app)
    await thief.sign_in(person)
    given = {"email": "mallory@example.com", "password": person.password}
    await thief.send("/auth/email", given)
    link = (await office.take()).token

    new = "another tram shelter 77"
    match way:
        case "reset":
            await browser.send("/auth/password/reset", {"email": person.email})
            reset = (await office.take()).token
            done = await browser.send("/auth/password/new", {"token": reset, "password": new})
        case "change":
            given = {"current": person.password, "new": new}
            done = await browser.send("/auth/password", given)
        case _:
            done = await browser.send("/auth/sign-out", {"everywhere": True})
            new = person.password
    late = await thief.send("/auth/email/new", {"token": link})

    assert (done.status, late.status) == (200, 400)
    assert (await browser.sign_in(replace(person, password=new))).status == 200
    user = (await browser.ask(VIEWER)).json["data"]["viewer"]["user"]
    assert user["email"] == person.email
