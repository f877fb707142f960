"""The endpoint over sockets, through the real server: handshake, limits, watch, and contexts."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from websockets.exceptions import InvalidStatus

from headgate_server.database.work import Database
from headgate_server.embedded.services import EmbeddedServices
from headgate_server.http.constants import MAX_FRAME_BYTES, UVICORN_OPTIONS
from headgate_server.http.websocket import SocketTimers
from tests.backend.graphql.local_app import (
    ALLOWED_ORIGIN,
    Doorkeeper,
    backend,
    doorkeeper,
    local_app,
)
from tests.backend.graphql.local_schema import STATE
from tests.fixtures.api import open_socket, serve

pytestmark = pytest.mark.anyio

COUNT = "subscription { count(to: 2) { number } }"
SHORT = SocketTimers(
    init_seconds=0.2, ping_seconds=0.1, pong_seconds=0.2, reauthenticate_seconds=0.1
)


@asynccontextmanager
async def disposed(database: Database) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        await database.dispose()


@pytest.fixture
def door() -> Doorkeeper:
    return doorkeeper()


@pytest.fixture
async def address(door: Doorkeeper) -> AsyncGenerator[str]:
    async with serve(local_app(door)) as address:
        yield address


@pytest.fixture
async def hurried(door: Doorkeeper) -> AsyncGenerator[str]:
    """A server whose timers are short."""
    async with serve(local_app(door, timers=SHORT)) as address:
        yield address


async def test_subscription_sends_each_event_and_completes(address: str) -> None:
    async with open_socket(address, token="owner") as socket:
        messages = await socket.run(COUNT)

    assert socket.ack["payload"]["maxMessageBytes"] == MAX_FRAME_BYTES
    assert messages == [
        {"type": "next", "payload": {"data": {"count": {"number": 0}}}},
        {"type": "next", "payload": {"data": {"count": {"number": 1}}}},
        {"type": "complete"},
    ]


@pytest.mark.parametrize(
    "message",
    [
        "null",
        "[]",
        "5",
        '{"id": "1"}',
        '{"type": "subscribe", "payload": {"query": "{ tree { number } }"}}',
        '{"type": "subscribe", "id": "1", "payload": null}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 5}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "variables": []}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "operationName": 1}}',
    ],
)
async def test_message_of_another_shape_closes_the_socket_with_4400(
    address: str, message: str
) -> None:
    async with open_socket(address, token="owner") as socket:
        await socket.raw.send(message)

        assert await socket.closed() == 4400


@pytest.mark.parametrize("name", ["Missing", None])
async def test_operation_that_is_not_named_is_a_bad_request(address: str, name: str | None) -> None:
    document = "query A { tree { number } } query B { tree { number } }"
    payload = {"query": document, "operationName": name}
    async with open_socket(address, token="owner") as socket:
        await socket.send({"type": "subscribe", "id": "1", "payload": payload})

        message = await socket.receive()

    assert (message["type"], message["id"]) == ("error", "1")
    assert message["payload"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_queries_and_mutations_run_on_a_socket_too(address: str) -> None:
    async with open_socket(address, token="owner") as socket:
        query = await socket.run("{ tree { number } }")
        mutation = await socket.run('mutation { plant(how: "conflict") { errors { code } } }')

    assert query[0]["payload"] == {"data": {"tree": {"number": 0}}}
    assert mutation[0]["payload"] == {"data": {"plant": {"errors": [{"code": "CONFLICT"}]}}}


@pytest.mark.parametrize("token", [None, "nobody"])
async def test_bad_token_closes_with_4403(address: str, token: str | None) -> None:
    async with open_socket(address) as socket:
        payload = {} if token is None else {"authorization": f"Bearer {token}"}
        await socket.send({"type": "connection_init", "payload": payload})

        assert await socket.closed() == 4403


@pytest.mark.parametrize("name", ["authorization", "Authorization"])
async def test_token_is_taken_by_either_name(address: str, name: str) -> None:
    async with open_socket(address) as socket:
        await socket.send({"type": "connection_init", "payload": {name: "Bearer owner"}})

        assert (await socket.receive())["type"] == "connection_ack"


async def test_unreachable_database_at_authentication_asks_to_come_back(
    address: str, door: Doorkeeper
) -> None:
    door.is_down = True

    async with open_socket(address) as socket:
        await socket.send({"type": "connection_init", "payload": {"authorization": "Bearer owner"}})

        assert await socket.closed() == 1013


async def test_operation_before_init_closes_with_4401(address: str) -> None:
    async with open_socket(address) as socket:
        await socket.subscribe(COUNT)

        assert await socket.closed() == 4401


async def test_second_init_closes_with_4429(address: str) -> None:
    async with open_socket(address, token="owner") as socket:
        await socket.send({"type": "connection_init"})

        assert await socket.closed() == 4429


async def test_silence_before_init_closes_with_4408(hurried: str) -> None:
    async with open_socket(hurried) as socket:
        assert await socket.closed() == 4408


async def test_socket_without_pongs_is_closed(hurried: str) -> None:
    async with open_socket(hurried, token="owner") as socket:
        assert await socket.receive() == {"type": "ping"}

        assert await socket.closed() == 4408


async def test_socket_with_pongs_stays_open(hurried: str) -> None:
    async with open_socket(hurried, token="owner") as socket:
        for _ in range(4):
            assert await socket.receive() == {"type": "ping"}
            await socket.send({"type": "pong"})

        assert (await socket.run(COUNT))[-1] == {"type": "complete"}


async def test_expired_token_closes_its_sockets(address: str) -> None:
    async with open_socket(address, token="ending") as socket:
        assert await socket.closed() == 4403


async def test_revoked_token_closes_its_sockets(hurried: str, door: Doorkeeper) -> None:
    async with open_socket(hurried, token="owner") as socket:
        del door.callers["owner"]

        assert await socket.closed() == 4403


async def test_outage_at_reauthentication_leaves_the_socket_open(
    hurried: str, door: Doorkeeper
) -> None:
    async with open_socket(hurried, token="owner") as socket:
        door.is_down = True
        for _ in range(3):
            assert await socket.receive() == {"type": "ping"}
            await socket.send({"type": "pong"})

        assert (await socket.run(COUNT))[-1] == {"type": "complete"}


async def test_legacy_protocol_is_not_spoken(address: str) -> None:
    async with open_socket(address, subprotocol="graphql-ws") as socket:
        assert await socket.closed() == 4406
        assert socket.raw.subprotocol is None


async def test_pages_of_other_origins_are_refused_before_the_socket_opens(address: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with open_socket(address, origin="https://evil.test"):
            pass

    assert refused.value.response.status_code == 403


async def test_pages_of_this_host_and_of_allowed_origins_are_served(address: str) -> None:
    for origin in (ALLOWED_ORIGIN, f"http://{address}"):
        async with open_socket(address, origin=origin, token="owner") as socket:
            assert (await socket.run(COUNT))[-1] == {"type": "complete"}


async def test_operations_and_events_of_one_socket_share_no_loader(
    door: Doorkeeper, servers: EmbeddedServices
) -> None:
    STATE.version = 0
    behind = backend(servers.postgres_url)
    async with (
        disposed(behind.database),
        serve(local_app(door, behind=behind)) as address,
        open_socket(address, token="owner") as socket,
    ):
        before = await socket.run("{ version again: version }")
        await socket.run("mutation { plant { errors { code } } }")
        after = await socket.run("{ version }")
        events = await socket.run("subscription { versions(to: 3) }")

    assert before[0]["payload"]["data"] == {"version": 0, "again": 0}
    assert after[0]["payload"]["data"] == {"version": 1}
    assert [event["payload"]["data"]["versions"] for event in events[:-1]] == [2, 3, 4]


async def test_twenty_operations_run_at_once_and_one_more_is_refused(address: str) -> None:
    async with open_socket(address, token="owner") as socket:
        for _ in range(20):
            await socket.subscribe("subscription { silence }")
        refused = await socket.subscribe("subscription { silence }")

        message = await socket.receive()
        assert (message["id"], message["type"]) == (refused, "error")
        (error,) = message["payload"]
        assert error["extensions"] == {
            "code": "LIMIT_EXCEEDED",
            "rule": "operations of a socket",
            "limit": 20,
            "actual": 21,
        }
        assert "The limit is 20 (rule: operations of a socket)." in error["message"]

        await socket.send({"id": "1", "type": "complete"})
        assert (await socket.run(COUNT))[-1] == {"type": "complete"}


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("{ nothing }", "BAD_REQUEST"),
        ("{", "BAD_REQUEST"),
        ("{ tree {" + " number" * 100 + " } }", "LIMIT_EXCEEDED"),
        ("{ tree { number } }" + " " * 20_000, "LIMIT_EXCEEDED"),
        ("subscription { count(to: 1) {" + " number" * 100 + " } }", "LIMIT_EXCEEDED"),
    ],
)
async def test_refused_operation_leaves_the_socket_open(
    address: str, document: str, code: str
) -> None:
    async with open_socket(address, token="owner") as socket:
        (error,) = await socket.run(document)
        assert error["type"] == "error"
        assert error["payload"][0]["extensions"]["code"] == code

        assert (await socket.run(COUNT))[-1] == {"type": "complete"}


async def test_bug_on_a_socket_is_masked(address: str) -> None:
    async with open_socket(address, token="owner") as socket:
        (answer, _) = await socket.run('{ fail(how: "bug") }')

    (error,) = answer["payload"]["errors"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert "secret" not in str(answer)


async def test_frame_beyond_256_kb_closes_the_socket(address: str) -> None:
    async with open_socket(address, token="owner") as socket:
        await socket.send({"type": "ping", "payload": {"x": "x" * MAX_FRAME_BYTES}})

        assert await socket.closed() == 1009


async def test_deflate_is_off_and_pings_are_on() -> None:
    assert UVICORN_OPTIONS["ws_per_message_deflate"] is False
    assert UVICORN_OPTIONS["ws_ping_interval"] == UVICORN_OPTIONS["ws_ping_timeout"] == 20.0
