"""The page of an account: who sees it, what it shows, and what it ends."""

import re

from tests.factories.people import Person, make_person
from tests.fixtures.api import Answer, ApiClient
from tests.fixtures.browsers import COOKIE, Browser
from tests.fixtures.installations import Installation

VIEWER = "{ viewer { user { email } } }"


async def open_page(browser: Browser) -> Answer:
    cookie = f"{COOKIE}={browser.cookie}" if browser.cookie else "none=1"
    return await ApiClient(browser.app, path="/auth/account").request(
        "GET", headers={"cookie": cookie}
    )


async def signed_in(installation: Installation, person: Person) -> Browser:
    browser = Browser(installation.app)
    assert (await browser.sign_in(person)).status == 200
    return browser


async def test_stranger_is_led_to_the_sign_in_page(installation: Installation) -> None:
    answer = await open_page(Browser(installation.app))

    assert (answer.status, answer.headers["location"]) == (
        303,
        "/auth/sign-in?next=/auth/account",
    )


async def test_page_shows_the_sessions_and_ends_one(
    installation: Installation, person: Person
) -> None:
    here, there = await signed_in(installation, person), await signed_in(installation, person)

    page = (await open_page(here)).body.decode()
    (shown,) = re.findall(r'data-set-id="&quot;(login_\w+)&quot;"', page)
    ended = await here.send("/auth/sessions/end", {"id": shown})

    assert page.count("This browser") == 1
    assert ended.status == 200
    assert (await there.ask(VIEWER)).status == 401
    assert (await here.ask(VIEWER)).status == 200


async def test_nobody_ends_the_session_of_another(
    installation: Installation, person: Person
) -> None:
    mine = await signed_in(installation, person)
    page = (await open_page(mine)).body.decode()
    other = await make_person(installation.database, email="eve@example.com")
    theirs = await signed_in(installation, other)
    also_mine = await signed_in(installation, person)
    page = (await open_page(also_mine)).body.decode()
    (shown,) = re.findall(r'data-set-id="&quot;(login_\w+)&quot;"', page)

    answer = await theirs.send("/auth/sessions/end", {"id": shown})

    assert answer.status == 200
    assert (await mine.ask(VIEWER)).status == 200


async def test_name_is_shown_as_a_text(installation: Installation) -> None:
    evil = await make_person(installation.database, email="<b>@example.com".replace("<b>", "b&b"))

    page = (await open_page(await signed_in(installation, evil))).body.decode()

    assert "b&amp;b@example.com" in page
    assert "b&b@" not in page
