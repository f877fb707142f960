"""Somebody who tries to be somebody else: at the sign-in page, with cookies, links and codes."""

import asyncio
import base64
import hashlib
import io
import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.organizations import check_slug
from headgate_server.domain.users import check_email
from headgate_server.services.sign_ins import REFUSED
from headgate_server.telemetry.logs import Lines
from tests.factories.people import PASSWORD, Person, code_of, enrol, make_person
from tests.fixtures.browsers import COOKIE, PAGE, Browser
from tests.fixtures.installations import Installation
from tests.fixtures.visitors import visit

VIEWER = "{ viewer { user { email } } }"
NEW = "a few other words"


# Guesses at second factors.


async def test_sixth_wrong_code_is_429_and_only_the_password_s_owner_is_kept_out(
    installation: Installation, person: Person
) -> None:
    await enrol(installation.database, person)
    assert person.totp is not None
    browser = Browser(installation.app)

    stranger = replace(person, password="another password")
    unproven = [(await browser.sign_in(stranger, code="000000")).status for _ in range(6)]
    wrong = [await browser.sign_in(person, code="000000") for _ in range(5)]
    right = await code_of(installation.database, person.totp)
    late = await browser.sign_in(person, code=right)

    assert unproven == [401] * 6
    assert {(one.status, one.error["message"]) for one in wrong} == {(401, REFUSED)}
    assert (late.status, late.code) == (429, "RATE_LIMITED")
    assert 60 <= int(late.headers["retry-after"]) <= 120


async def test_codes_that_are_guessed_at_once_are_no_more(
    installation: Installation, person: Person
) -> None:
    await enrol(installation.database, person)

    answers = await asyncio.gather(
        *(Browser(installation.app).sign_in(person, code=f"{n:06}") for n in range(12))
    )

    assert sorted(one.status for one in answers) == [401] * 5 + [429] * 7


async def test_second_factor_is_not_guessed_away_with_a_stolen_cookie(
    installation: Installation, person: Person
) -> None:
    thief = Browser(installation.app, (await enrol(installation.database, person)).text)

    wrong = [
        (await thief.send("/auth/second-factor/end", {"code": f"{n:06}"})).status for n in range(6)
    ]
    late = await thief.send("/auth/second-factor/end", {"code": person.recovery_codes[0]})

    assert wrong == [400] * 5 + [429]
    assert late.status == 429


async def test_right_password_without_its_factor_opens_nothing(
    installation: Installation, person: Person
) -> None:
    await enrol(installation.database, person)
    browser = Browser(installation.app)

    for code in ("", "      ", "\u0660\u0660\u0660\u0660\u0660\u0660", "1" * 10_000, "-" * 19):
        answer = await browser.sign_in(person, code=code)
        assert answer.status in {401, 429}
        assert browser.cookie is None


# Cookies.


def _swapped(cookie: str, other: str) -> str:
    return f"{cookie.partition('.')[0]}.{other.partition('.')[2]}"


COOKIES: dict[str, Callable[[str, str], str]] = {
    "its secret of another session": _swapped,
    "without its secret": lambda cookie, _: cookie.partition(".")[0],
    "with an empty secret": lambda cookie, _: cookie.partition(".")[0] + ".",
    "without its id": lambda cookie, _: "." + cookie.partition(".")[2],
    "cut by a letter": lambda cookie, _: cookie[:-1],
    "longer by a letter": lambda cookie, _: cookie + "A",
    "longer by a dot": lambda cookie, _: cookie + ".",
    "in capitals": lambda cookie, _: cookie.upper(),
    "in quotes with a space": lambda cookie, _: f'" {cookie}"',
    "its last letter changed": lambda cookie, _: (
        cookie[:-2] + ("AA" if cookie[-2:] != "AA" else "BB")
    ),
    "its id changed": lambda cookie, _: (
        "0" + cookie[1:-1] + cookie[-1]
        if cookie[0] != "0"
        else cookie[:10] + ("z" if cookie[10] != "z" else "y") + cookie[11:]
    ),
    "in base64": lambda cookie, _: base64.b64encode(cookie.encode()).decode(),
    "escaped": lambda cookie, _: "".join(f"%{ord(letter):02x}" for letter in cookie),
    "a hash of it": lambda cookie, _: hashlib.sha256(cookie.encode()).hexdigest(),
    "of somebody else's database": lambda cookie, _: cookie.partition(".")[0] + "." + "A" * 43,
    "SQL": lambda _, __: "' or 1=1 --.x",
    "without end": lambda _, __: "x" * 4000 + ".y",
}


@pytest.mark.parametrize("change", COOKIES.values(), ids=COOKIES.keys())
async def test_cookie_that_was_changed_opens_nothing(
    browser: Browser, person: Person, change: Callable[[str, str], str]
) -> None:
    other = Browser(browser.app)
    await other.sign_in(person)
    assert browser.cookie is not None
    assert other.cookie is not None
    thief = Browser(browser.app, change(browser.cookie, other.cookie))

    answer = await thief.ask(VIEWER)

    assert (answer.status, answer.code) == (401, "UNAUTHENTICATED")
    assert (await browser.ask(VIEWER)).status == 200


@pytest.mark.parametrize(
    "name", ["headgate", "__Secure-headgate", "__host-headgate", f" {COOKIE}x"]
)
async def test_cookie_of_another_name_opens_nothing(browser: Browser, name: str) -> None:
    answer = await Browser(browser.app).send(
        "/graphql", {"query": VIEWER}, cookie=f"{name}={browser.cookie}"
    )

    assert answer.status == 401


async def test_cookie_that_was_planted_is_never_taken_on(
    installation: Installation, person: Person
) -> None:
    eve = await make_person(installation.database, email="eve@example.com")
    planted = Browser(installation.app)
    await planted.sign_in(eve)
    fixed = planted.cookie
    victim = Browser(installation.app, fixed)

    await victim.sign_in(person)

    assert victim.cookie != fixed
    assert victim.cookie is not None
    assert fixed is not None
    assert victim.cookie.partition(".")[0] != fixed.partition(".")[0]
    told = await Browser(installation.app, fixed).ask(VIEWER)
    assert told.status == 403  # it is Eve's still, who belongs to nothing


async def test_session_from_before_a_new_password_opens_nothing(
    browser: Browser, person: Person
) -> None:
    stolen = Browser(browser.app, browser.cookie)

    await browser.send("/auth/password", {"current": person.password, "new": NEW})

    assert (await stolen.ask(VIEWER)).status == 401
    assert (await stolen.send("/auth/password", {"current": NEW, "new": PASSWORD})).status == 401
    assert (await browser.ask(VIEWER)).status == 200


# Links.


async def test_link_that_is_used_twice_at_once_sets_one_password(
    installation: Installation, person: Person
) -> None:
    browser = Browser(installation.app)
    await browser.send("/auth/password/reset", {"email": person.email})
    token = (await installation.post_office.take()).token
    passwords = [f"some other words {n}" for n in range(5)]

    answers = await asyncio.gather(
        *(
            Browser(installation.app).send("/auth/password/new", {"token": token, "password": one})
            for one in passwords
        )
    )
    opened = [
        (await Browser(installation.app).sign_in(replace(person, password=one))).status
        for one in passwords
    ]

    assert sorted(one.status for one in answers) == [200, 400, 400, 400, 400]
    assert opened == [one.status if one.status == 200 else 401 for one in answers]


async def test_link_of_one_purpose_is_good_for_no_other(
    installation: Installation, person: Person
) -> None:
    browser = Browser(installation.app)
    await browser.send("/auth/password/reset", {"email": person.email})
    token = (await installation.post_office.take()).token

    looked = await browser.send("/auth/invitation/look", {"token": token})
    redeemed = await browser.send("/auth/cli/token", {"code": token, "verifier": "x" * 43})
    polled = await browser.send("/auth/device/token", {"deviceCode": token})

    assert {one.status for one in (looked, redeemed, polled)} == {400}


async def test_address_that_looks_like_another_is_sent_nothing(
    installation: Installation, person: Person
) -> None:
    browser = Browser(installation.app)
    assert person.email == "ada@example.com"

    for email in ("\uff41da@example.com", "ada@\uff45xample.com", "ada@example.com,eve@evil.test"):
        await browser.send("/auth/password/reset", {"email": email})
    await browser.send("/auth/password/reset", {"email": " ADA@example.com "})
    letter = await installation.post_office.take()

    assert letter.recipients == (person.email,)
    assert installation.post_office.letters.empty()


# Names that look alike.


@pytest.mark.parametrize(
    "email",
    [
        "\u212aim@example.com",
        "\uff4bim@example.com",
        "kim@\u24d4xample.com",
        "\ufb01n@example.com",
        "k\u00adim@example.com\u2028",
        "kim@example.com\x00",
        "kim@example.com\r\nBcc: eve@evil.test",
        "k\u202eim@example.com",
    ],
)
def test_address_in_other_letters_is_refused(email: str) -> None:
    with pytest.raises(InvalidInput):
        check_email(email)


def test_address_is_one_however_its_accents_are_typed() -> None:
    assert check_email("Jose\u0301@example.com") == check_email("jos\u00e9@EXAMPLE.com")


@pytest.mark.parametrize(
    "slug", ["p\u0430yments", "pay\u200bments", "\uff50ay", "pay/..", "Pay", "pay ", "-pay", ""]
)
def test_slug_is_of_plain_letters(slug: str) -> None:
    with pytest.raises(InvalidInput):
        check_slug(slug)


# Logs.


async def test_log_of_a_sign_in_has_no_line_of_the_visitor_s(
    installation: Installation, person: Person
) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(Lines())
    root = logging.getLogger()
    root.addHandler(handler)
    level = root.level
    root.setLevel(logging.DEBUG)
    forged = "x\n2026-01-01 INFO headgate: admin signed in \x1b[2J\u2028y"
    try:
        async with visit(installation.app) as visitor:
            await visitor.client.post(
                "/auth/sign-in",
                json={"email": forged, "password": PASSWORD},
                headers={**PAGE, "x-request-id": "a%0Ab"},
            )
        logging.getLogger("headgate.http").warning("Somebody said %s", forged)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)

    lines = written.getvalue().splitlines()
    assert not [line for line in lines if line.startswith("2026-01-01 INFO headgate: admin")]
    assert "\x1b" not in written.getvalue()
    assert [line for line in lines if "admin signed in" in line and "Somebody said" in line]
    assert PASSWORD not in written.getvalue()
