"""Answers of a provider that are forged, taken from elsewhere, or used before: none signs in."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwt

from tests.fixtures.browsers import COOKIE
from tests.fixtures.forging_issuer import (
    CLIENT_ID,
    CLIENT_SECRET,
    EC_KEY,
    KEY,
    OTHER_KEY,
    ROGUE_KEY,
    UNPUBLISHED_KEY,
    ForgingIssuer,
    Json,
)
from tests.fixtures.provider_worlds import ProviderWorld
from tests.fixtures.sql import query
from tests.fixtures.visitors import visit

TRIP = f"{COOKIE}-trip"
NOW = int(time.time())
Forge = Callable[[ForgingIssuer], None]


def claims(**changed: Any) -> Forge:
    return lambda issuer: issuer.claims.update(changed)


def header(**changed: Any) -> Forge:
    return lambda issuer: issuer.header.update(changed)


def token(**changed: Any) -> Forge:
    return lambda issuer: issuer.token.update(changed)


def key(forged: Any, **changed: Any) -> Forge:
    def forge(issuer: ForgingIssuer) -> None:
        issuer.key = forged
        issuer.header.update(changed)

    return forge


def sign(by: Callable[[Json, Json], str]) -> Forge:
    def forge(issuer: ForgingIssuer) -> None:
        issuer.sign = by

    return forge


def told_of_another(issuer: ForgingIssuer) -> None:
    issuer.claims.update(email=None)
    issuer.told = {"sub": "somebody else", "email": "boss@example.com", "email_verified": True}


def subject(name: str) -> Forge:
    def forge(issuer: ForgingIssuer) -> None:
        issuer.subject = name

    return forge


def refusing(issuer: ForgingIssuer) -> None:
    issuer.status = 400
    issuer.token = {"error": "invalid_grant", "id_token": None, "access_token": None}


def _part(value: Json | bytes) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unsigned(found: Json, told: Json) -> str:
    return f"{_part(found | {'alg': 'none'})}.{_part(told)}."


def shared(secret: bytes) -> Callable[[Json, Json], str]:
    def by(found: Json, told: Json) -> str:
        signed = f"{_part(found | {'alg': 'HS256'})}.{_part(told)}"
        return f"{signed}.{_part(hmac.digest(secret, signed.encode(), hashlib.sha256))}"

    return by


def critical(found: Json, told: Json) -> str:
    signed = f"{_part(found | {'crit': ['exp2'], 'exp2': 1})}.{_part(told)}"
    private = load_pem_private_key(KEY.as_pem(private=True), password=None)
    assert isinstance(private, RSAPrivateKey)
    return f"{signed}.{_part(private.sign(signed.encode(), PKCS1v15(), SHA256()))}"


def tampered(found: Json, told: Json) -> str:
    start, _, signature = jwt.encode(found, told, KEY).split(".")
    return f"{start}.{_part(told | {'sub': 'boss'})}.{signature}"


def stripped(found: Json, told: Json) -> str:
    return jwt.encode(found, told, KEY).rpartition(".")[0] + "."


FORGERIES: dict[str, Forge] = {
    "without a signature": sign(unsigned),
    "its signature taken away": sign(stripped),
    "its claims changed": sign(tampered),
    "signed with the client's secret": sign(shared(CLIENT_SECRET.encode())),
    "signed with the public key as a secret": sign(shared(KEY.as_pem(private=False))),
    "signed with another key": key(OTHER_KEY),
    "signed with a key that is not published": key(UNPUBLISHED_KEY, kid="two"),
    "signed with a key that it brings along": key(
        ROGUE_KEY, kid=None, alg="ES256", jwk=ROGUE_KEY.as_dict(private=False)
    ),
    "signed with a key of another kind": key(EC_KEY, kid="one", alg="ES256"),
    "with a header that must be understood": sign(critical),
    "an access token": header(typ="at+jwt"),
    "a logout token": header(typ="logout+jwt"),
    "of another issuer": claims(iss="https://evil.test"),
    "of nearly the issuer": claims(iss="http://127.0.0.1/"),
    "of several issuers": claims(iss=["https://evil.test"]),
    "of no issuer": claims(iss=None),
    "for another client": claims(aud="another"),
    "for another client, too": claims(aud=[CLIENT_ID, "another"]),
    "for another client, too, and asked for by us": claims(
        aud=[CLIENT_ID, "another"], azp=CLIENT_ID
    ),
    "asked for by another client": claims(azp="another"),
    "for nobody": claims(aud=None),
    "for an empty list": claims(aud=[]),
    "expired": claims(exp=NOW - 3600),
    "without an end": claims(exp=None),
    "whose end is a text": claims(exp="tomorrow"),
    "not yet good": claims(nbf=NOW + 3600),
    "of the future": claims(iat=NOW + 3600),
    "of yesterday": claims(iat=NOW - 86_400, exp=NOW + 3600),
    "of no time": claims(iat=None),
    "with another nonce": claims(nonce="another"),
    "with an empty nonce": claims(nonce=""),
    "without a nonce": claims(nonce=None),
    "of nobody": claims(sub=None),
    "of an empty name": subject(""),
    "of a number": claims(sub=7),
    "of a name without end": subject("x" * 300),
    "beside another access token": claims(at_hash="bm90IGl0cyBoYXNo"),
    "no token": token(id_token=None),
    "a token in another form": token(id_token=["x"]),
    "nonsense": token(id_token="nonsense"),
    "nonsense of three parts": token(id_token="a.b.c"),
    "an error": refusing,
    "what is told of another person": told_of_another,
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
async def test_forged_token_is_refused(provider_world: ProviderWorld, forge: Forge) -> None:
    left = await provider_world.leave()
    forge(provider_world.issuer)

    answer = await provider_world.come_back(state=left["state"], code="good")

    await check_refused(provider_world, answer)
    assert "cannot be reached" not in answer.text


@pytest.mark.parametrize(
    "changed",
    [
        {"state": "another"},
        {"state": ""},
        {"code": ""},
        {"error": "access_denied"},
        {"iss": "https://evil.test"},
        {"iss": ""},
    ],
    ids=str,
)
async def test_forged_answer_is_refused(
    provider_world: ProviderWorld, changed: dict[str, str]
) -> None:
    left = await provider_world.leave()

    answer = await provider_world.come_back(**({"state": left["state"], "code": "good"} | changed))

    await check_refused(provider_world, answer)
    assert provider_world.issuer.asked == []


async def test_issuer_that_says_who_answers_must(provider_world: ProviderWorld) -> None:
    world = provider_world
    world.issuer.metadata = {"authorization_response_iss_parameter_supported": True}

    silent = await world.leave()
    refused = await world.come_back(state=silent["state"], code="good")
    told = await world.leave()
    done = await world.come_back(state=told["state"], code="good", iss=world.issuer.url)

    assert (refused.status_code, done.status_code) == (400, 303)


async def test_parameter_that_comes_twice_is_refused(provider_world: ProviderWorld) -> None:
    left = await provider_world.leave()
    path = f"/auth/oidc/okta/callback?code=good&state={left['state']}&state={left['state']}"

    await check_refused(provider_world, await provider_world.visitor.get(path))


async def test_answer_to_another_provider_is_refused(provider_world: ProviderWorld) -> None:
    left = await provider_world.leave()

    answer = await provider_world.come_back(slug="other", state=left["state"], code="good")

    await check_refused(provider_world, answer)


@pytest.mark.parametrize("slug", ["okta", "other"])
async def test_answer_to_an_older_sign_in_leaves_the_last_one_alone(
    provider_world: ProviderWorld, slug: str
) -> None:
    older = await provider_world.leave(slug=slug)
    last = await provider_world.leave()

    refused = await provider_world.come_back(slug=slug, state=older["state"], code="good")
    done = await provider_world.come_back(state=last["state"], code="good")

    assert (refused.status_code, done.status_code) == (400, 303)
    assert provider_world.visitor.client.cookies.get(TRIP) is None


async def test_answer_in_another_browser_is_refused(provider_world: ProviderWorld) -> None:
    left = await provider_world.leave()
    path = "/auth/oidc/okta/callback"

    async with visit(provider_world.installation.app) as victim:
        answer = await victim.get(path, state=left["state"], code="good")

        assert not victim.is_signed_in
    await check_refused(provider_world, answer)


@pytest.mark.parametrize("kept", [-5, 0, 40])
async def test_trip_that_was_changed_is_refused(provider_world: ProviderWorld, kept: int) -> None:
    left = await provider_world.leave()
    jar = provider_world.visitor.client.cookies
    sealed = jar.get(TRIP)
    assert sealed is not None
    jar.delete(TRIP)
    jar.set(TRIP, sealed[:kept] + "AAAA=", domain="headgate.test", path="/")

    answer = await provider_world.come_back(state=left["state"], code="good")

    await check_refused(provider_world, answer)


async def test_answer_is_good_once(provider_world: ProviderWorld) -> None:
    world = provider_world
    left = await world.leave()
    jar = world.visitor.client.cookies
    sealed = jar.get(TRIP)
    assert sealed is not None
    first = await world.come_back(state=left["state"], code="good")
    kept = jar.get(TRIP)
    async with visit(world.installation.app) as thief:
        thief.client.cookies.set(TRIP, sealed, domain="headgate.test", path="/")
        again = await thief.get("/auth/oidc/okta/callback", state=left["state"], code="good")

        assert not thief.is_signed_in
    assert (first.status_code, kept) == (303, None)
    assert again.status_code == 400
    assert "finished before" in again.text


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.test"},
        {"token_endpoint": "http://evil.test/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
    ],
    ids=str,
)
async def test_issuer_that_describes_another_is_not_asked(
    provider_world: ProviderWorld, metadata: Json
) -> None:
    provider_world.issuer.metadata = metadata

    answer = await provider_world.visitor.post("/auth/oidc/okta")

    assert answer.status_code == 400
    assert "location" not in answer.json()


async def test_pages_of_others_begin_no_sign_in(provider_world: ProviderWorld) -> None:
    answer = await provider_world.visitor.client.post(
        "/auth/oidc/okta",
        content="{}",
        headers={"content-type": "application/json", "origin": "https://evil.test"},
    )

    assert answer.status_code == 403
    assert (await provider_world.visitor.get("/auth/oidc/okta")).status_code == 405


async def check_refused(world: ProviderWorld, answer: Any) -> None:
    """Nobody is signed in, nobody new is there, and the page tells nothing of why."""
    assert answer.status_code == 400, answer.text
    assert not world.visitor.is_signed_in
    assert "Traceback" not in answer.text
    assert await query(world.urls.system, "select count(*) from identities") == 0
