"""Providers that change their keys, withdraw them, and publish others beside those that we know."""

from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from headgate_server.http import oidc
from tests.fixtures.provider_worlds import ProviderWorld

pytestmark = pytest.mark.anyio

FIRST, SECOND = (RSAKey.generate_key(2048, {"use": "sig"}) for _ in range(2))
EC = ECKey.generate_key("P-256", {"use": "sig"})


def public(key: RSAKey | ECKey, kid: str | None = None) -> dict[str, Any]:
    """Return a key as it is published, under a name or without one."""
    shown = {name: value for name, value in key.as_dict(private=False).items() if name != "kid"}
    return {**shown, **({"kid": kid} if kid is not None else {})}


async def sign_in(world: ProviderWorld, key: RSAKey | ECKey, kid: str | None) -> int:
    """Sign in with a token that a key has signed, and return the status of the answer."""
    world.issuer.key = key
    world.issuer.header = {"kid": kid, "alg": "RS256" if isinstance(key, RSAKey) else "ES256"}
    return (await world.sign_in()).status_code


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys may be asked for again at once."""
    monkeypatch.setattr(oidc, "KEYS_SECONDS", 0.0)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("before", "after", "second"),
    [(None, None, SECOND), ("one", "one", SECOND), ("one", "two", SECOND), ("one", "one", EC)],
    ids=["nameless", "the same name", "another name", "another kind"],
)
async def test_provider_that_changes_its_key_signs_people_in_with_the_new_one(
    provider_world: ProviderWorld, before: str | None, after: str | None, second: RSAKey | ECKey
) -> None:
    world = provider_world
    world.issuer.published = [public(FIRST, before)]
    first = await sign_in(world, FIRST, before)
    world.issuer.published = [public(second, after)]
    again = [await sign_in(world, second, after) for _ in range(2)]
    withdrawn = await sign_in(world, FIRST, before)

    assert (first, again, withdrawn) == (303, [303, 303], 400)


async def test_token_that_no_key_has_signed_has_keys_asked_for_once_a_minute(
    provider_world: ProviderWorld,
) -> None:
    world = provider_world
    world.issuer.published = [public(FIRST, "one")]
    assert await sign_in(world, FIRST, "one") == 303

    forged = [await sign_in(world, SECOND, "one") for _ in range(3)]

    assert (forged, world.issuer.keys_asked) == ([400] * 3, 1)


async def test_key_that_a_provider_withdraws_is_good_for_no_longer_than_its_metadata(
    provider_world: ProviderWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = provider_world
    world.issuer.published = [public(FIRST, "one"), public(SECOND, "two")]
    assert await sign_in(world, FIRST, "one") == 303
    world.issuer.published = [public(SECOND, "two")]
    monkeypatch.setattr(oidc, "METADATA_SECONDS", 0.0)

    assert await sign_in(world, FIRST, "one") == 400


async def test_key_that_is_not_understood_is_passed_over(provider_world: ProviderWorld) -> None:
    world = provider_world
    world.issuer.published = [
        {"kty": "EC", "crv": "P-192", "x": "AA", "y": "AA", "kid": "z"},
        {"kty": "RSA", "kid": "z"},
        {"kty": ["RSA"]},
        "text",
        None,
        public(FIRST, "one"),
    ]

    assert await sign_in(world, FIRST, "one") == 303
