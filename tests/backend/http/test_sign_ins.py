"""Signing in and out as a browser does, and what its cookie is good for."""

import asyncio
from dataclasses import replace

import pytest
from pyotp.totp import TOTP
from websockets.exceptions import InvalidStatus

from headgate_server.services import login_sessions
from headgate_server.services.sign_ins import REFUSED
from tests.factories.people import Person, code_of, enrol, make_person
from tests.factories.tenants import Tenant
from tests.fixtures.api import ApiClient, open_socket, serve
from tests.fixtures.browsers import COOKIE, ORIGIN, Browser
from tests.fixtures.installations import Installation

VIEWER = "{ viewer { user { email } } }"
NEW = "a few other words"


@pytest.fixture
async def person(installation: Installation, tenant: Tenant) -> Person:
    return await make_person(installation.database, owns=tenant)


@pytest.fixture
async def browser(installation: Installation, person: Person) -> Browser:
    browser = Browser(installation.app)
    assert (await browser.sign_in(person)).status == 200
    return browser


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
    email, link = await asyncio.wait_for(installation.mails.get(), 10)
    page, _, token = link.partition("#")
    done = await stranger.send("/auth/password/new", {"token": token, "password": NEW})
    again = await stranger.send("/auth/password/new", {"token": token, "password": NEW})

    assert (known.status, known.body) == (unknown.status, unknown.body)
    assert (email, page) == (person.email, f"{ORIGIN}/auth/password/new")
    assert installation.mails.empty()
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


async def test_socket_is_let_in_by_cookie_and_origin(
    browser: Browser, installation: Installation
) -> None:
    async with serve(installation.app) as address:
        cookie = f"{COOKIE}={browser.cookie}"
        async with open_socket(address, origin=f"http://{address}", cookie=cookie) as socket:
            assert (await socket.init(None))["type"] == "connection_ack"
            messages = await socket.run(VIEWER)

    assert messages[0]["payload"]["data"]["viewer"]["user"]["email"] == "ada@example.com"


@pytest.mark.parametrize("origin", ["https://evil.test", "null"])
async def test_socket_of_another_page_is_refused_before_it_is_accepted(
    browser: Browser, installation: Installation, origin: str
) -> None:
    async with serve(installation.app) as address:
        with pytest.raises(InvalidStatus) as refusal:
            async with open_socket(address, origin=origin, cookie=f"{COOKIE}={browser.cookie}"):
                pass

    assert refusal.value.response.status_code == 403


async def test_socket_with_a_forged_cookie_is_refused_before_it_is_accepted(
    browser: Browser, installation: Installation
) -> None:
    async with serve(installation.app) as address:
        with pytest.raises(InvalidStatus):
            async with open_socket(
                address, origin=f"http://{address}", cookie=f"{COOKIE}={browser.cookie}x"
            ):
                pass


async def test_cookie_alone_opens_no_socket(browser: Browser, installation: Installation) -> None:
    cookie = f"{COOKIE}={browser.cookie}"
    async with serve(installation.app) as address, open_socket(address, cookie=cookie) as socket:
        await socket.send({"type": "connection_init", "payload": {}})
        assert await socket.closed() == 4403


async def test_socket_closes_as_its_session_ends(
    browser: Browser, installation: Installation, person: Person
) -> None:
    async with serve(installation.app) as address:
        cookie = f"{COOKIE}={browser.cookie}"
        async with open_socket(address, origin=f"http://{address}", cookie=cookie) as socket:
            await socket.init(None)
            await socket.run(VIEWER)
            async with installation.database.system() as work:
                await login_sessions.revoke_all(work, user_id=person.id)
            assert await socket.closed() == 4403


@pytest.mark.parametrize("path", ["/auth/sign-in", "/auth/password/reset", "/auth/password/new"])
async def test_pages_hold_no_script_of_their_own(installation: Installation, path: str) -> None:
    answer = await ApiClient(installation.app, path=path).request("GET")
    again = await ApiClient(installation.app, path=path).request("GET")

    policy = answer.headers["content-security-policy"]
    page = answer.body.decode()
    nonce = policy.partition("'nonce-")[2].partition("'")[0]
    assert answer.status == 200
    assert f'<script src="/auth/pages.js" nonce="{nonce}" defer></script>' in page
    assert page.count("<script") == 1
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert again.headers["content-security-policy"] != policy
    assert '<html lang="en">' in page
    assert page.count("<label>") == page.count("<input")


@pytest.mark.parametrize("path", ["/graphql", "/auth/sign-in", "/auth/pages.js", "/healthz/live"])
async def test_every_answer_has_the_headers(installation: Installation, path: str) -> None:
    headers = (await ApiClient(installation.app, path=path).request("GET")).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert int(headers["strict-transport-security"].split(";")[0].split("=")[1]) >= 31_536_000
