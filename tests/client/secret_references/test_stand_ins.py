"""Vault's stand-ins answer hvac, the client of Vault that others wrote, as a Vault does.

No Vault can be had from a package registry; what a client expects that is used with real ones can.
"""

import base64
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import pytest

from tests.fixtures.kv_engine import (
    POD_ROLE,
    POD_TOKEN,
    ROLE_ID,
    SECRET_ID,
    TOKEN,
    KvEngine,
    kv_engine,
)
from tests.fixtures.transit import TOKEN as TRANSIT_TOKEN
from tests.fixtures.transit import transit_server

hvac: Any = import_module("hvac")
errors: Any = import_module("hvac.exceptions")

PATH = "team/db"


@contextmanager
def client_of(url: str, *, token: str | None = None) -> Generator[Any]:
    client = hvac.Client(url=url, token=token)
    try:
        yield client
    finally:
        client.adapter.close()


@pytest.fixture
def vault() -> Generator[KvEngine]:
    with kv_engine() as vault:
        vault.secrets[f"secret/data/{PATH}"] = [{"password": "one"}, {"password": "two"}]
        yield vault


def read(client: Any, **which: Any) -> Any:
    found = client.secrets.kv.v2.read_secret_version(
        **{"path": PATH, "raise_on_deleted_version": True, **which}
    )
    return found["data"]["data"], found["data"]["metadata"]["version"]


def test_secrets_are_read_by_version(vault: KvEngine) -> None:
    with client_of(vault.url, token=TOKEN) as client:
        assert read(client) == ({"password": "two"}, 2)
        assert read(client, version=1) == ({"password": "one"}, 1)
        for which in ({"version": 3}, {"path": "team/other"}):
            with pytest.raises(errors.InvalidPath):
                read(client, **which)


def test_refusals_are_those_of_vault(vault: KvEngine) -> None:
    with client_of(vault.url, token="hvs.another") as client, pytest.raises(errors.Forbidden):
        read(client)
    with client_of(vault.url, token=TOKEN) as client:
        vault.is_sealed = True
        with pytest.raises(errors.VaultDown):
            read(client)


def test_signing_in_gives_a_token_that_can_be_given_back(vault: KvEngine) -> None:
    with client_of(vault.url) as client:
        with pytest.raises(errors.InvalidRequest):
            client.auth.approle.login(role_id=ROLE_ID, secret_id="another")
        for sign_in in (
            lambda: client.auth.approle.login(role_id=ROLE_ID, secret_id=SECRET_ID),
            lambda: client.auth.kubernetes.login(role=POD_ROLE, jwt=POD_TOKEN, mount_point="pods"),
        ):
            sign_in()
            assert read(client) == ({"password": "two"}, 2)
            client.auth.token.revoke_self()
            with pytest.raises(errors.Forbidden):
                read(client)


def test_what_transit_sealed_it_opens_after_a_rotation_and_for_the_same_context() -> None:
    plain, context = (base64.b64encode(one).decode() for one in (b"a secret", b"a context"))
    with transit_server() as engine, client_of(engine.url, token=TRANSIT_TOKEN) as client:
        transit = client.secrets.transit

        def seal() -> str:
            found = transit.encrypt_data("headgate", plaintext=plain, associated_data=context)
            return found["data"]["ciphertext"]

        first = seal()
        engine.rotate()
        second = seal()
        opened = [
            transit.decrypt_data("headgate", ciphertext=one, associated_data=context)
            for one in (first, second)
        ]
        key = transit.read_key("headgate")["data"]
        with pytest.raises(errors.InvalidRequest):
            transit.decrypt_data("headgate", ciphertext=first, associated_data=plain)

    assert [first.split(":")[:2], second.split(":")[:2]] == [["vault", "v1"], ["vault", "v2"]]
    assert [one["data"]["plaintext"] for one in opened] == [plain, plain]
    assert (key["type"], key["latest_version"]) == ("aes256-gcm96", 2)
