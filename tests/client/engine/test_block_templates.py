"""Blocks in parameters: a field that is there is filled in, and one that is not is told."""

from typing import Any

import pytest
from aiohttp import web

from headgate.api.calls import LeaseInput
from headgate.api.transport import Transport
from headgate.engine.templates import fill_blocks, names_blocks
from headgate.errors import BlockError
from tests.client.recording_server import RecordingServer

BLOCK = {
    "id": "blk_1",
    "typeSlug": "login",
    "name": "db",
    "version": 1,
    "data": {"user": "u", "password": "S3cret-1", "spare": None, "hosts": [{"port": 1}]},
    "secretPaths": ["password"],
}


def answer(operation: str) -> web.Response | None:
    if operation != "BlockResolve":
        return None
    resolved: dict[str, Any] = {"blocks": {"login/db": BLOCK}, "errors": []}
    return web.json_response({"data": {"blockResolve": resolved}})


async def fill(server: RecordingServer, path: str) -> object:
    server.fault = answer
    transport = Transport(server.url, "token")
    try:
        template = f"{{{{ blocks.login.db.{path} }}}}"
        return await fill_blocks(
            template, transport=transport, lease=LeaseInput("run_1", "token", 1)
        )
    finally:
        await transport.close()


@pytest.mark.parametrize(
    ("path", "value"),
    [("password", "S3cret-1"), ("spare", None), ("hosts.0.port", 1), ("hosts.0", {"port": 1})],
)
async def test_field_that_is_there_is_filled_in(
    server: RecordingServer, path: str, value: object
) -> None:
    assert await fill(server, path) == value


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("passwrd", "no field passwrd there; it has: hosts, password, spare, user"),
        ("hosts.1.port", "no field 1 there; it has: 0"),
        ("user.name", "no field name there; it has: none"),
    ],
)
async def test_field_that_is_not_there_is_told(
    server: RecordingServer, path: str, told: str
) -> None:
    with pytest.raises(BlockError, match=told):
        await fill(server, path)


@pytest.mark.parametrize("named", ["Login.db", "login.Db", "login", "login.db..user", "log_in.db"])
async def test_what_can_name_no_block_is_told_and_no_text_instead_of_a_secret(
    server: RecordingServer, named: str
) -> None:
    template = f"{{{{ blocks.{named} }}}}"
    transport = Transport(server.url, "token")

    with pytest.raises(BlockError) as refused:
        await fill_blocks(
            {"dsn": f"db://{template}"}, transport=transport, lease=LeaseInput("run_1", "token", 1)
        )
    await transport.close()

    assert names_blocks({"dsn": [template]})
    assert str(refused.value).startswith(f"{template} names no block")
