"""Signing in and out as a browser does, and what its cookie is good for."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from pyotp.totp import TOTP

from headgate_server.services.sign_ins import REFUSED
from tests.factories.people import Person, code_of, enrol
from tests.factories.tenants import Tenant
from tests.fixtures.api import ApiClient
from tests.fixtures.browsers import COOKIE, ORIGIN, Browser
from tests.fixtures.installations import Installation

VIEWER = "{ viewer { user { email } } }"
NEW = "a few other words"


async def test_cookie_of_a_sign_in_opens_the_api(
    installation: Installation, person: Person
) -> None:
    browser = Browser(installation.app)

    answer = await browser.sign_in(person)

    assert answer.json == {"status": "signed in"}
    attributes = answer.headers["set-cookie"].split("; ")
    assert attributes[0].startswith(f"{COOKIE}=")
    assert set(attributes[1:]) == {
        "HttpOnly", "Secure", "SameSite=lax", "Path=/", "Max-Age=604800",
    }  # fmt: skip
    assert answer.headers["cache-control"] == "no-store"
    told = await browser.ask(VIEWER)
    assert told.data == {"viewer": {"user": {"email": person.email}}}


@pytest.mark.parametrize(
    "changed",
    [
        {"x_headgate": None},
        {"x_headgate": "0"},
        {"origin": "https://evil.test", "sec_fetch_site": None},
        {"origin": "https://evil.test"},
        {"origin": "null", "sec_fetch_site": None},
        {"origin": "https://headgate.test.evil.test", "sec_fetch_site": None},
        {"origin": "https://headgate.test:8443", "sec_fetch_site": None},
        {"origin": None, "sec_fetch_site": None},
        {"origin": None, "sec_fetch_site": "cross-site"},
        {"origin": None, "sec_fetch_site": "same-site"},
        {"origin": None, "sec_fetch_site": "none"},
        {"sec_fetch_site": "cross-site"},
    ],
)
@pytest.mark.parametrize("path", ["/graphql", "/auth/sign-out", "/auth/password"])
async def test_pages_of_others_do_nothing_with_a_cookie(
    browser: Browser, changed: dict[str, str | None], path: str
) -> None:
    bodies = {
        "/graphql": {"query": VIEWER},
        "/auth/sign-out": {"everywhere": True},
        "/auth/password": {"current": "four words make sense", "new": NEW},
    }

    answer = await browser.send(path, bodies[path], **changed)

    assert (answer.status, answer.code) == (403, "FORBIDDEN")
    assert (await browser.ask(VIEWER)).status == 200


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None],
)
@pytest.mark.parametrize("path", ["/graphql", "/auth/sign-out", "/auth/sign-in"])
async def test_what_forms_send_is_refused(
    browser: Browser, content_type: str | None, path: str
) -> None:
    answer = await browser.send(path, {"query": VIEWER}, content_type=content_type)

    assert answer.status == 415


async def test_get_is_refused(browser: Browser) -> None:
    client = ApiClient(browser.app, path="/graphql")
    headers = {"cookie": f"{COOKIE}={browser.cookie}", "x-headgate": "1", "origin": ORIGIN}

    assert (await client.request("GET", headers=headers)).status == 405
    for path in ("/auth/sign-out", "/auth/password", "/auth/second-factor/end"):
        answer = await replace(client, path=path).request("GET", headers=headers)
        assert answer.status == 405


@pytest.mark.parametrize("body", [[], "x", {"email": 1, "password": "x"}, {"email": "x"}, None])
async def test_body_of_another_shape_is_refused(browser: Browser, body: object) -> None:
    assert (await browser.send("/auth/sign-in", body)).status == 400


async def test_long_body_is_refused(browser: Browser) -> None:
    answer = await browser.send("/auth/sign-in", {"email": "x" * 20_000, "password": ""})

    assert answer.status == 413


async def test_token_goes_before_a_cookie(
    browser: Browser, installation: Installation, tenant: Tenant
) -> None:
    token = await installation.token(tenant)

    told = await browser.ask("{ viewer { apiKey { id } } }", authorization=f"Bearer {token}")
    refused = await browser.ask(VIEWER, authorization="Bearer nonsense")

    assert told.data["viewer"]["apiKey"] is not None
    assert refused.status == 401


async def test_organization_is_named_by_a_header(
    browser: Browser, installation: Installation
) -> None:
    foreign = await installation.tenant()
    assert foreign is not None

    answer = await browser.ask(VIEWER, x_headgate_organization="of-somebody-else")

    assert (answer.status, answer.code) == (403, "FORBIDDEN")
    assert (await browser.ask(VIEWER)).status == 200


async def test_sign_out_ends_the_session_and_the_cookie(browser: Browser) -> None:
    kept = browser.cookie

    answer = await browser.send("/auth/sign-out", {})

    assert answer.status == 200
    assert browser.cookie is None
    browser.cookie = kept
    assert (await browser.ask(VIEWER)).status == 401


async def test_sign_out_clears_what_the_browser_keeps_of_the_site(browser: Browser) -> None:
    done = await browser.send("/auth/sign-out", {})
    again = await browser.send("/auth/sign-out", {})

    assert [one.headers.get("clear-site-data") for one in (done, again)] == ['"storage"'] * 2


async def test_everywhere_is_every_browser(
    browser: Browser, installation: Installation, person: Person
) -> None:
    other = Browser(installation.app)
    await other.sign_in(person)

    await browser.send("/auth/sign-out", {"everywhere": True})

    assert (await other.ask(VIEWER)).status == 401


async def test_unknown_and_known_people_are_answered_alike(
    installation: Installation, person: Person
) -> None:
    browser = Browser(installation.app)

    wrong = await browser.sign_in(replace(person, password="another password"))
    unknown = await browser.sign_in(replace(person, email="nobody@example.com"))

    assert (wrong.status, wrong.body) == (unknown.status, unknown.body)
    assert wrong.status == 401
    assert wrong.error["message"] == REFUSED
    assert browser.cookie is None


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
async def test_twenty_first_attempt_in_a_minute_is_429(
    installation: Installation, person: Person, email: str
) -> None:
    browser = Browser(installation.app)
    tried = replace(person, email=email, password="another password")

    codes = [(await browser.sign_in(tried)).status for _ in range(20)]
    answer = await browser.sign_in(replace(person, email=email))

    assert codes == [401] * 20
    assert (answer.status, answer.code) == (429, "RATE_LIMITED")
    assert 1 <= int(answer.headers["retry-after"]) <= 3


async def test_sign_ins_that_succeed_are_not_limited(
    installation: Installation, person: Person
) -> None:
    browser = Browser(installation.app)
    wrong = replace(person, password="another password")

    codes = [(await browser.sign_in(person)).status for _ in range(30)]
    failed = [(await browser.sign_in(wrong)).status for _ in range(20)]

    assert codes == [200] * 30
    assert failed == [401] * 20
    assert (await browser.sign_in(wrong)).status == 429


async def test_many_guesses_at_once_are_no_more_than_in_turn(
    installation: Installation, person: Person
) -> None:
    tried = replace(person, password="another password")

    answers = await asyncio.gather(*(Browser(installation.app).sign_in(tried) for _ in range(40)))

    assert Counter(answer.status for answer in answers) == {401: 20, 429: 20}


@pytest.mark.parametrize("redis_url", ["redis://127.0.0.1:1"])
async def test_guesses_are_limited_while_redis_is_away(
    installation: Installation, person: Person
) -> None:
    browser = Browser(installation.app)
    tried = replace(person, password="another password")

    codes = [(await browser.sign_in(tried)).status for _ in range(21)]

    assert codes == [401] * 20 + [429]


async def test_second_factor_is_a_step_of_its_own(
    installation: Installation, person: Person
) -> None:
    await enrol(installation.database, person)
    assert person.totp is not None
    browser = Browser(installation.app)

    asked = await browser.sign_in(person)
    assert (asked.status, asked.code, browser.cookie) == (401, "CODE_NEEDED", None)
    code = await code_of(installation.database, person.totp)
    assert (await browser.sign_in(person, code=code)).status == 200


async def test_second_factor_is_turned_on_and_off(
    browser: Browser, installation: Installation, person: Person
) -> None:
    refused = await browser.send("/auth/second-factor/begin", {"password": "a wrong one"})
    begun = await browser.send("/auth/second-factor/begin", {"password": person.password})
    person.totp = TOTP(begun.json["secret"])
    before = browser.cookie
    code = await code_of(installation.database, person.totp)
    wrong = await browser.send("/auth/second-factor/confirm", {"code": "000000"})
    done = await browser.send("/auth/second-factor/confirm", {"code": code})

    assert [one.status for one in (refused, begun, wrong, done)] == [400, 200, 400, 200]
    assert begun.json["uri"].startswith("otpauth://totp/Headgate:ada%40example.com?")
    assert browser.cookie != before
    assert (await browser.ask(VIEWER)).status == 200
    last = done.json["recoveryCodes"][0]
    assert (await browser.send("/auth/second-factor/end", {"code": last})).status == 200
    assert (await Browser(installation.app).sign_in(person)).status == 200


async def test_password_is_reset_through_a_mail(
    browser: Browser, installation: Installation, person: Person
) -> None:
    stranger = Browser(installation.app)

    known = await stranger.send("/auth/password/reset", {"email": person.email})
    unknown = await stranger.send("/auth/password/reset", {"email": "nobody@example.com"})
    letter = await installation.post_office.take()
    page, _, token = letter.link.partition("#")
    done = await stranger.send("/auth/password/new", {"token": token, "password": NEW})
    again = await stranger.send("/auth/password/new", {"token": token, "password": NEW})
    notice = await installation.post_office.take()

    assert (known.status, known.body) == (unknown.status, unknown.body)
    assert (letter.to, page) == (person.email, f"{ORIGIN}/auth/password/new")
    assert (notice.to, notice.link) == (person.email, f"{ORIGIN}/auth/account")
    assert installation.post_office.letters.empty()
    assert (done.status, again.status) == (200, 400)
    assert (await browser.ask(VIEWER)).status == 401
    assert (await stranger.sign_in(replace(person, password=NEW))).status == 200


async def test_sixth_mail_in_an_hour_is_429(installation: Installation, person: Person) -> None:
    browser = Browser(installation.app)

    codes = [
        (await browser.send("/auth/password/reset", {"email": person.email})).status
        for _ in range(6)
    ]

    assert codes == [202] * 5 + [429]
