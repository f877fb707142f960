"""The providers of keys, each before a server of its own where it needs one."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from http.client import HTTPConnection
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from headgate_server.crypto.aws_kms import open_aws_kms
from headgate_server.crypto.envelope import make_secret
from headgate_server.crypto.keyfile import KeyFiles, make_first_key
from headgate_server.crypto.providers import KeyProvider
from headgate_server.crypto.vault_transit import open_vault_transit
from tests.fixtures.transit import TOKEN, transit_server


@dataclass(frozen=True, slots=True)
class Held:
    """A provider, and how its key is rotated and how it goes away in a test."""

    provider: KeyProvider
    rotate: Callable[[], object]
    go_away: Callable[[], object]


def write_key(path: Path) -> None:
    path.touch(0o600)
    path.write_bytes(make_secret())


@pytest.fixture(scope="session")
def kms_url() -> Generator[str]:
    """An AWS KMS that moto plays on loopback."""
    server = import_module("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


def hold_files(folder: Path) -> Held:
    make_first_key(folder)

    def go_away() -> None:
        for path in folder.iterdir():
            path.unlink()

    return Held(KeyFiles(folder), rotate=lambda: write_key(folder / "2.key"), go_away=go_away)


def forget_keys(url: str) -> None:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=5)
    connection.request("POST", "/moto-api/reset")
    assert connection.getresponse().status == 200
    connection.close()


def hold_kms(url: str, monkeypatch: pytest.MonkeyPatch) -> Held:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    client = import_module("boto3").client("kms", region_name="eu-central-1", endpoint_url=url)
    made = client.create_key()["KeyMetadata"]
    return Held(
        open_aws_kms(made["Arn"], endpoint_url=url),
        rotate=lambda: client.enable_key_rotation(KeyId=made["KeyId"]),
        go_away=lambda: forget_keys(url),
    )


@pytest.fixture(params=["keyfile", "aws-kms", "vault-transit"])
def held(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Generator[Held]:
    if request.param == "keyfile":
        yield hold_files(tmp_path / "kek")
    elif request.param == "aws-kms":
        yield hold_kms(request.getfixturevalue("kms_url"), monkeypatch)
    else:
        with transit_server() as server:
            provider = open_vault_transit(f"{server.url}#headgate", token=TOKEN)
            yield Held(provider, rotate=server.rotate, go_away=server.seal)
