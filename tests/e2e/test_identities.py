"""Signing in through a provider that others wrote, as processes: oidc-provider-mock and ours."""

import json
import sys
from collections.abc import Generator
from dataclasses import dataclass

import pytest
from httpx2 import Client, HTTPError, Response

from tests.e2e.dev_server import DevServer, dev_server, start
from tests.fixtures.deadlines import eventually_sync
from tests.fixtures.network import free_port

pytestmark = pytest.mark.e2e

FILE = """
[[provider]]
slug = "mock"
name = "The mock"
issuer = "{issuer}"
client_id = "headgate"
client_secret = "any will do here"
organization = "default"
roles = [{{group = "builders", role = "Developer"}}]
"""
ADA = {
    "sub": "ada",
    "name": "Ada",
    "email": "ada@example.com",
    "email_verified": True,
    "groups": ["builders"],
}
VIEWER = "{ viewer { user { email displayName } scopes organizations { nodes { slug } } } }"


@dataclass(frozen=True, slots=True)
class World:
    server: DevServer
    issuer: str


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Generator[World]:
    folder = tmp_path_factory.mktemp("identities")
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)]
    claims = ["--require-nonce", "true", "--user-claims", json.dumps(ADA)]
    file = folder / "providers.toml"
    file.write_text(FILE.format(issuer=issuer))
    with start("provider", [*command, *claims], folder=folder, variables={}) as provider:
        eventually_sync(lambda: _answers(issuer), within_seconds=30, what="The provider")
        with dev_server(folder, HEADGATE_OIDC_FILE=str(file)) as server:
            yield World(server, issuer)
        assert provider.exit_code is None, provider.log


def test_person_signs_in_with_the_provider(world: World) -> None:
    with Client(base_url=world.server.url) as browser:
        back = _consent(browser, world, subject="ada")
        done = browser.get(back)
        told = _post(browser, world, "/graphql", query=VIEWER).json()
        again = browser.get(back)
        account = browser.get("/auth/account")

    assert (done.status_code, done.headers["location"]) == (303, "/")
    viewer = told["data"]["viewer"]
    assert viewer["user"] == {"email": "ada@example.com", "displayName": "Ada"}
    assert viewer["organizations"]["nodes"] == [{"slug": "default"}]
    assert "FLOWS_WRITE" in viewer["scopes"]
    assert "MEMBERS_WRITE" not in viewer["scopes"]
    assert again.status_code == 400
    assert (
        '<span class="what">The mock</span><form data-to="/auth/identities/unlink"' in account.text
    )


def test_person_who_declines_there_is_not_signed_in(world: World) -> None:
    with Client(base_url=world.server.url) as browser:
        location = _post(browser, world, "/auth/oidc/mock").json()["location"]
        refused = browser.post(location, data={"action": "deny"})
        done = browser.get(refused.headers["location"])
        told = _post(browser, world, "/graphql", query=VIEWER)

    assert refused.headers["location"].startswith(f"{world.server.url}/auth/oidc/mock/callback?")
    assert (done.status_code, told.status_code) == (400, 401)


def _consent(browser: Client, world: World, *, subject: str) -> str:
    """Go to the provider, say yes, and return where it sends the browser back to."""
    location = _post(browser, world, "/auth/oidc/mock").json()["location"]
    assert location.startswith(f"{world.issuer}/")
    answer = browser.post(location, data={"sub": subject})
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


def _post(browser: Client, world: World, path: str, **body: object) -> Response:
    headers = {"x-headgate": "1", "origin": world.server.url}
    return browser.post(path, json=body, headers=headers)


def _answers(issuer: str) -> bool:
    try:
        with Client() as client:
            return client.get(f"{issuer}/.well-known/openid-configuration").status_code == 200
    except HTTPError:
        return False
