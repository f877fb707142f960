"""A provider that tells addresses inside: none of them is asked, and the log says which it was."""

import logging

import pytest

from tests.fixtures.provider_worlds import ProviderWorld
from tests.fixtures.receivers import open_receiver

INSIDE = (
    "http://127.0.0.1:{port}/",
    "http://localhost:{port}/",
    "https://169.254.169.254/latest/meta-data/",
    "https://10.0.0.7/",
    "https://[::1]:{port}/",
    "https://[::ffff:127.0.0.1]:{port}/",
    "https://2130706433:{port}/",
    "https://0x7f.1:{port}/",
    "https://example.com:22/",
)


@pytest.mark.parametrize("inside", INSIDE)
@pytest.mark.parametrize("name", ["token_endpoint", "jwks_uri", "userinfo_endpoint"])
async def test_address_inside_is_not_asked(
    provider_world: ProviderWorld, name: str, inside: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = provider_world
    async with open_receiver() as receiver:
        world.issuer.metadata = {name: inside.format(port=receiver.port)}
        world.issuer.claims = {"email": None, "name": None}
        caplog.set_level(logging.WARNING, logger="headgate.http")

        begun = await world.visitor.post("/auth/oidc/okta")
        if begun.status_code == 200:
            state = begun.json()["location"].partition("state=")[2].partition("&")[0]
            world.issuer.nonce = begun.json()["location"].partition("nonce=")[2].partition("&")[0]
            await world.come_back(state=state, code="good")

    assert receiver.connections == 0
    assert not world.visitor.is_signed_in
    assert any("Provider okta" in line for line in caplog.messages)


async def test_addresses_beside_the_issuer_are_asked(provider_world: ProviderWorld) -> None:
    done = await provider_world.sign_in()

    assert done.status_code == 303
