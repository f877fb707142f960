"""Whom failed attempts at an account keep out: strangers, and no browser that signed in before."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from tests.factories.people import Person, make_person
from tests.fixtures.browsers import COOKIE
from tests.fixtures.installations import Installation
from tests.fixtures.visitors import Visitor, visit

NEW = "a few other words"
DEVICE = f"{COOKIE}-device"
EVERYWHERE = [f"203.0.113.{number}" for number in range(1, 6)]


async def sign_in(visitor: Visitor, person: Person) -> int:
    answer = await visitor.post("/auth/sign-in", email=person.email, password=person.password)
    return answer.status_code


async def guess(installation: Installation, person: Person) -> list[int]:
    """Guess 100 times, from five addresses, and return how the last of each was answered."""
    wrong, last = replace(person, password="another password"), list[int]()
    for address in EVERYWHERE:
        async with visit(installation.app, address=address) as stranger:
            last.append([await sign_in(stranger, wrong) for _ in range(20)][-1])
    return last


async def test_strangers_keep_nobody_out_of_a_browser_that_signed_in_before(
    installation: Installation, person: Person
) -> None:
    async with visit(installation.app, address="198.51.100.7") as mine:
        assert await sign_in(mine, person) == 200
        await mine.post("/auth/sign-out")

        answered = await guess(installation, person)
        async with visit(installation.app, address="198.51.100.8") as new:
            refused = await new.post("/auth/sign-in", email=person.email, password=person.password)
        assert answered == [401] * 5
        assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (
            429,
            "RATE_LIMITED",
        )
        assert await sign_in(mine, person) == 200


async def test_neighbours_keep_nobody_out_of_a_browser_that_signed_in_before(
    installation: Installation, person: Person
) -> None:
    wrong = replace(person, password="another password")
    async with visit(installation.app) as mine, visit(installation.app) as neighbour:
        assert await sign_in(mine, person) == 200

        codes = [await sign_in(neighbour, wrong) for _ in range(21)]

        assert codes == [401] * 20 + [429]
        assert await sign_in(mine, person) == 200


async def test_browser_that_signed_in_before_guesses_no_more_than_others(
    installation: Installation, person: Person
) -> None:
    eve = await make_person(installation.database, email="eve@example.com")
    wrong = replace(person, password="another password")
    async with visit(installation.app) as browser:
        assert await sign_in(browser, person) == 200
        assert [await sign_in(browser, wrong) for _ in range(21)] == [401] * 20 + [429]

    async with visit(installation.app, address="198.51.100.9") as theirs:
        assert await sign_in(theirs, eve) == 200
        assert [await sign_in(theirs, wrong) for _ in range(21)] == [401] * 20 + [429]


async def test_reset_lets_a_browser_in_while_strangers_guess(
    installation: Installation, person: Person
) -> None:
    await guess(installation, person)
    async with visit(installation.app, address="198.51.100.8") as new:
        await new.post("/auth/password/reset", email=person.email)
        token = (await installation.post_office.take()).token
        done = await new.post("/auth/password/new", token=token, password=NEW)

        assert done.status_code == 200
        assert await sign_in(new, replace(person, password=NEW)) == 200


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
async def test_known_and_unknown_accounts_are_limited_alike(
    installation: Installation, person: Person, email: str
) -> None:
    await guess(installation, replace(person, email=email))

    async with visit(installation.app, address="198.51.100.8") as new:
        answer = await new.post("/auth/sign-in", email=email, password="another password")

    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 36
    assert DEVICE not in new.client.cookies


async def test_cookie_of_a_browser_is_sealed_and_out_of_reach(
    installation: Installation, person: Person
) -> None:
    async with visit(installation.app) as mine:
        answer = await mine.post("/auth/sign-in", email=person.email, password=person.password)
        (told,) = [one for one in answer.headers.get_list("set-cookie") if DEVICE in one]
        sealed = mine.client.cookies[DEVICE]

    assert {"HttpOnly", "Secure", "SameSite=strict", "Path=/"} <= set(told.split("; "))
    assert person.email not in sealed
    await guess(installation, person)
    async with visit(installation.app, address="198.51.100.8") as forger:
        forger.client.cookies.set(DEVICE, sealed[:-6] + "AAAA==", domain="headgate.test")
        assert await sign_in(forger, person) == 429


async def test_cookie_of_a_browser_is_worth_nothing_once_the_password_changes(
    installation: Installation, person: Person
) -> None:
    changed = replace(person, password=NEW)
    async with visit(installation.app) as mine:
        assert await sign_in(mine, person) == 200
        copied = mine.client.cookies[DEVICE]
        answer = await mine.post("/auth/password", current=person.password, new=NEW)
        assert answer.status_code == 200
        await guess(installation, changed)

        async with visit(installation.app, address="198.51.100.8") as thief:
            thief.client.cookies.set(DEVICE, copied, domain="headgate.test")
            assert await sign_in(thief, changed) == 429
        assert await sign_in(mine, changed) == 200


async def sign_out(mine: Visitor, person: Person) -> None:
    assert (await mine.post("/auth/sign-out", everywhere=True)).status_code == 200


async def sign_out_of_the_others(mine: Visitor, person: Person) -> None:
    await mine.ask("mutation { loginSessionRevokeAll(input: {keepCurrent: true}) { count } }")


async def reset(mine: Visitor, person: Person, installation: Installation) -> None:
    await mine.post("/auth/password/reset", email=person.email)
    token = (await installation.post_office.take()).token
    done = await mine.post("/auth/password/new", token=token, password=person.password)
    assert done.status_code == 200


@pytest.mark.parametrize("end", [sign_out, sign_out_of_the_others])
async def test_browsers_are_known_no_more_once_their_person_signs_out_everywhere(
    installation: Installation, person: Person, end: Callable[[Visitor, Person], Awaitable[None]]
) -> None:
    async with visit(installation.app) as mine, visit(installation.app) as lost:
        assert await sign_in(lost, person) == 200
        assert await sign_in(mine, person) == 200

        await end(mine, person)

        await guess(installation, person)
        assert await sign_in(lost, person) == 429


async def test_browser_that_signs_in_after_its_person_signed_out_everywhere_is_known(
    installation: Installation, person: Person
) -> None:
    async with visit(installation.app) as mine:
        assert await sign_in(mine, person) == 200
        await sign_out(mine, person)
        assert await sign_in(mine, person) == 200

        await guess(installation, person)
        assert await sign_in(mine, person) == 200


async def test_other_browsers_are_known_no_more_once_the_password_was_reset(
    installation: Installation, person: Person
) -> None:
    async with visit(installation.app) as mine, visit(installation.app) as lost:
        assert await sign_in(lost, person) == 200

        await reset(mine, person, installation)

        await guess(installation, person)
        assert await sign_in(lost, person) == 429
        assert await sign_in(mine, person) == 200


async def test_strangers_keep_nobody_from_a_reset(
    installation: Installation, person: Person
) -> None:
    async with visit(installation.app) as mine:
        assert await sign_in(mine, person) == 200
        first = None
        for address in EVERYWHERE[:4]:
            async with visit(installation.app, address=address) as stranger:
                for _ in range(5):
                    await stranger.post("/auth/password/reset", email=person.email)
                    first = first or (await installation.post_office.take()).token
        async with visit(installation.app, address="198.51.100.8") as new:
            assert (await new.post("/auth/password/reset", email=person.email)).status_code == 429
        assert (await mine.post("/auth/password/reset", email=person.email)).status_code == 202

        done = await mine.post("/auth/password/new", token=first, password=NEW)
        assert done.status_code == 200, "a mail makes none before it void"
