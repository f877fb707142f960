"""What tests of blocks are given: an AWS on loopback."""

from collections.abc import Generator
from importlib import import_module

import pytest


@pytest.fixture(scope="session")
def aws_server() -> Generator[str]:
    """An AWS that moto plays."""
    server = import_module("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def aws_url(aws_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """It, as the AWS of this process."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws_server)
    return aws_server
