"""Somebody who tries to be handed a terminal's key, or a provider's answer, that is another's."""

import base64
import hashlib
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.factories.people import PASSWORD, Person, make_person
from tests.fixtures.browsers import COOKIE
from tests.fixtures.installations import Installation
from tests.fixtures.provider_worlds import ProviderWorld
from tests.fixtures.sql import query
from tests.fixtures.visitors import Visitor, visit


@pytest.fixture
async def visitor(installation: Installation, person: Person) -> AsyncGenerator[Visitor]:
    """The owner of the tenant at a browser, signed in."""
    async with visit(installation.app) as visitor:
        await visitor.post("/auth/sign-in", email=person.email, password=person.password)
        yield visitor


# Terminals.


VERIFIER = "a verifier of more than forty-three characters, all random"
PLAIN = "a" * 43


async def ask_for_code(visitor: Visitor, **changed: Any) -> Any:
    page = (await visitor.get("/auth/device")).text
    place = page.partition('<option value="')[2].partition('"')[0]
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    sent = {
        "port": 50_000,
        "state": "state-state-state",
        "challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "client": "headgate",
        "isAllowed": True,
        "organization": place,
    }
    return await visitor.post("/auth/cli/allow", **(sent | changed))


def code_in(answer: Any) -> str:
    return str(answer.json()["location"]).partition("code=")[2].partition("&")[0]


async def test_challenge_is_never_taken_in_plain(
    installation: Installation, visitor: Visitor
) -> None:
    allowed = await ask_for_code(
        visitor, challenge=PLAIN, challengeMethod="plain", code_challenge_method="plain"
    )
    async with visit(installation.app) as terminal:
        body = {"code": code_in(allowed), "verifier": PLAIN}
        answer = await terminal.client.post("/auth/cli/token", json=body)

    assert answer.status_code == 400
    assert "apiKey" not in answer.text


async def test_code_without_a_verifier_is_good_for_nothing(
    installation: Installation, visitor: Visitor
) -> None:
    code = code_in(await ask_for_code(visitor))
    async with visit(installation.app) as terminal:
        none = await terminal.client.post("/auth/cli/token", json={"code": code})
        empty = await terminal.client.post("/auth/cli/token", json={"code": code, "verifier": ""})

    assert (none.status_code, empty.status_code) == (400, 400)


@pytest.mark.parametrize(
    "named",
    [
        {"redirect_uri": "https://evil.test/"},
        {"redirectUri": "https://evil.test/"},
        {"host": "evil.test"},
        {"location": "https://evil.test/"},
        {"port": 50_000, "callback": "//evil.test"},
    ],
    ids=str,
)
async def test_code_goes_to_the_person_s_own_machine_alone(
    visitor: Visitor, named: dict[str, Any]
) -> None:
    location = urlsplit(str((await ask_for_code(visitor, **named)).json()["location"]))

    assert (location.scheme, location.netloc, location.path) == (
        "http",
        "127.0.0.1:50000",
        "/callback",
    )


@pytest.mark.parametrize("port", ["50000@evil.test", "50000/..", 50_000.5, -1, True, [50_000]])
async def test_port_is_a_port(visitor: Visitor, port: object) -> None:
    assert (await ask_for_code(visitor, port=port)).status_code == 400


async def test_code_of_a_terminal_is_answered_by_nobody_s_link(
    installation: Installation, visitor: Visitor, person: Person
) -> None:
    async with visit(installation.app) as terminal:
        begun = (await terminal.client.post("/auth/device/begin", json={"client": "x"})).json()
        page = await visitor.get("/auth/device", code=begun["userCode"])
        polled = await terminal.client.post(
            "/auth/device/token", json={"deviceCode": begun["deviceCode"]}
        )

    assert page.status_code == 200
    assert polled.json()["errors"][0]["extensions"]["code"] == "AUTHORIZATION_PENDING"


# Providers.


async def test_trip_to_a_provider_is_remembered_in_a_closed_cookie(
    provider_world: ProviderWorld,
) -> None:
    answer = await provider_world.visitor.post("/auth/oidc/okta")

    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith(f"{COOKIE}-trip=")
    assert set(attributes) == {"HttpOnly", "Secure", "SameSite=lax", "Path=/", "Max-Age=600"}


async def test_stolen_session_is_given_no_other_way_to_sign_in(
    provider_world: ProviderWorld,
) -> None:
    world = provider_world
    ada = await make_person(world.installation.database, owns=world.tenant)
    await world.visitor.post("/auth/sign-in", email=ada.email, password=PASSWORD)
    aged = "update login_sessions set created_at = created_at - interval '11 minutes' returning 1"
    assert await query(world.urls.system, aged) == 1

    refused = await world.visitor.post("/auth/oidc/okta/link")
    await world.visitor.post("/auth/sign-in", email=ada.email, password=PASSWORD)
    again = await world.visitor.post("/auth/oidc/okta/link")

    assert refused.status_code == 403
    assert "Sign in again" in refused.text
    assert again.status_code == 200


async def test_victim_is_not_signed_in_as_the_attacker(provider_world: ProviderWorld) -> None:
    world = provider_world
    async with visit(world.installation.app) as attacker:
        left = await replace(world, visitor=attacker).leave()

    answer = await world.come_back(state=left["state"], code="good")

    assert answer.status_code == 400
    assert not world.visitor.is_signed_in


async def test_identity_is_not_linked_by_a_trip_from_before_the_sign_in(
    provider_world: ProviderWorld,
) -> None:
    world = provider_world
    eve = await make_person(world.installation.database, email="eve@example.com")
    ada = await make_person(world.installation.database, owns=world.tenant)
    await world.visitor.post("/auth/sign-in", email=eve.email, password=PASSWORD)
    left = await world.leave(slug="okta/link")
    await world.visitor.post("/auth/sign-in", email=ada.email, password=PASSWORD)

    answer = await world.come_back(state=left["state"], code="good")

    assert answer.status_code == 400
    assert await query(world.urls.system, "select count(*) from identities") == 0


@pytest.mark.parametrize(
    "next_",
    ["https://evil.test", "//evil.test", "/\\evil.test", "/\r\nSet-Cookie: x=1", "javascript:0"],
)
async def test_provider_sends_nobody_on_to_another_site(
    provider_world: ProviderWorld, next_: str
) -> None:
    done = await provider_world.sign_in(next=next_)

    assert done.headers["location"] == "/"
