"""Sockets that all come at once: a few are let in at a time, the others come again."""

import asyncio
import logging
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from socket import create_connection
from uuid import UUID

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from headgate_server.domain.login_sessions import LoginCookie
from headgate_server.http.cookies import SECURE_NAME
from headgate_server.http.openings import Openings
from tests.backend.graphql.local_app import (
    ALLOWED_ORIGIN,
    Doorkeeper,
    doorkeeper,
    local_app,
    principal,
)
from tests.fixtures.api import ApiClient, open_socket, serve
from tests.fixtures.deadlines import eventually

pytestmark = pytest.mark.anyio

COUNT = "subscription { count(to: 2) { number } }"
HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: headgate.test\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
INIT = {"type": "connection_init", "payload": {"authorization": "Bearer owner"}}


@pytest.fixture
def door() -> Doorkeeper:
    return doorkeeper()


async def test_while_the_places_are_taken_others_are_told_to_come_again(door: Doorkeeper) -> None:
    openings = Openings(most=1)
    door.gate = asyncio.Event()
    async with (
        serve(local_app(door, openings=openings)) as address,
        open_socket(address) as first,
        open_socket(address) as second,
    ):
        await first.send(INIT)
        await eventually(lambda: openings.is_full, what="The place was not taken")

        await second.send(INIT)
        assert await second.closed() == 1013
        assert second.raw.close_reason == "Too many sockets are opening; retry after 1 s"
        with pytest.raises(InvalidStatus) as refused:
            async with open_socket(address):
                pass
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["retry-after"] == "2"

        door.gate.set()
        assert (await first.receive())["type"] == "connection_ack"
        assert [each["type"] for each in await first.run(COUNT)] == ["next", "next", "complete"]
        async with open_socket(address, token="owner") as fourth:
            assert len(await fourth.run(COUNT)) == 3


async def test_sockets_that_say_nothing_hold_no_place(door: Doorkeeper) -> None:
    async with (
        serve(local_app(door, openings=Openings(most=1))) as address,
        open_socket(address),
        open_socket(address),
        open_socket(address, token="owner") as socket,
    ):
        assert len(await socket.run(COUNT)) == 3


@pytest.mark.parametrize("token", ["owner", "nobody"])
async def test_a_place_is_given_back_whatever_becomes_of_its_socket(
    door: Doorkeeper, token: str
) -> None:
    openings = Openings(most=1)
    door.gate = asyncio.Event()
    async with serve(local_app(door, openings=openings)) as address:
        async with open_socket(address) as socket:
            await socket.send({**INIT, "payload": {"authorization": f"Bearer {token}"}})
            await eventually(lambda: openings.is_full, what="The place was not taken")
            door.gate.set()
            if token == "nobody":
                assert await socket.closed() == 4403
        await eventually(lambda: not openings.is_full, what="The place was not given back")


async def test_a_socket_that_asks_for_nothing_leaves_its_place_to_others(door: Doorkeeper) -> None:
    openings = Openings(most=1)
    async with (
        serve(local_app(door, openings=openings)) as address,
        open_socket(address, token="owner"),
    ):
        assert openings.is_full
        await eventually(lambda: not openings.is_full, what="The place was not given back")


async def test_who_holds_many_places_leaves_some_to_others(door: Doorkeeper) -> None:
    openings = Openings(most=8)
    door.callers["other"] = replace(principal(), organization_id=UUID(int=9))
    async with serve(local_app(door, openings=openings)) as address, AsyncExitStack() as stack:
        acks: list[str] = []
        for _ in range(8):
            socket = await stack.enter_async_context(open_socket(address))
            await socket.send(INIT)
            with suppress(ConnectionClosed):
                acks.append((await socket.receive())["type"])
        assert 4 <= len(acks) <= 5
        assert not openings.is_full

        other = await stack.enter_async_context(open_socket(address, token="other"))
        assert len(await other.run(COUNT)) == 3


def test_an_organization_with_many_tokens_leaves_some_places_to_others() -> None:
    openings = Openings(most=8)
    entered = [openings.enter(by=f"token {number}") for number in range(7)]
    joined = [each is not None and each.join("organization") for each in entered]

    assert joined == [True] * 6 + [False]
    for each in entered:
        assert each is not None
        each.leave()
    last = openings.enter(by="token 0")
    assert last is not None
    assert last.join("organization")


async def test_check_of_a_cookie_takes_a_place(door: Doorkeeper) -> None:
    openings = Openings(most=1)
    door.gate = asyncio.Event()
    cookie = LoginCookie(UUID(int=5), "s" * 43).text
    async with serve(local_app(door, openings=openings)) as address:

        async def come() -> int:
            with pytest.raises(InvalidStatus) as refused:
                async with open_socket(
                    address, origin=ALLOWED_ORIGIN, cookie=f"{SECURE_NAME}={cookie}"
                ):
                    pass
            return refused.value.response.status_code

        first = asyncio.create_task(come())
        await eventually(lambda: openings.is_full, what="The place was not taken")
        assert await come() == 503
        door.gate.set()
        assert await first == 403
        assert not openings.is_full


async def test_refused_socket_whose_client_has_left_is_no_error(
    door: Doorkeeper, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve(local_app(door, openings=Openings(most=0))) as address:
        host, port = address.split(":")
        for _ in range(5):
            with create_connection((host, int(port))) as raw:
                raw.sendall(HANDSHAKE)
            with pytest.raises(InvalidStatus):
                async with open_socket(address):
                    pass

    assert "handshake" not in caplog.text
    assert [each for each in caplog.records if each.levelno >= logging.ERROR] == []


@dataclass
class Clock:
    """Seconds that pass as a test says."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def test_refused_are_given_turns_as_far_apart_as_places_become_free() -> None:
    clock = Clock()
    openings = Openings(most=8, clock=clock)

    at_first = [openings.give_turn() for _ in range(45)]
    clock.now += 4
    for _ in range(68):
        entered = openings.enter(by="token")
        assert entered is not None
        entered.leave()
    later = [openings.give_turn() for _ in range(40)]

    assert [at_first.count(seconds) for seconds in (1, 2, 3, 4, 5)] == [10, 10, 10, 10, 5]
    assert at_first == sorted(at_first)
    assert [later.count(seconds) for seconds in (1, 2)] == [9, 19]


def test_nobody_is_sent_away_for_longer_than_half_a_minute() -> None:
    openings = Openings(most=8, clock=Clock())

    turns = [openings.give_turn() for _ in range(1000)]

    assert max(turns) == 30
    assert min(turns[310:]) >= 15
    assert len(set(turns[310:])) > 10


def test_turns_begin_anew_once_the_last_has_come() -> None:
    clock = Clock()
    openings = Openings(most=8, clock=clock)
    for _ in range(100):
        openings.give_turn()

    clock.now += 100

    assert openings.give_turn() == 1


async def test_registrations_find_a_place_or_are_told_when_to_come_again(door: Doorkeeper) -> None:
    full = ApiClient(local_app(door, openings=Openings(most=0)), token="owner")

    refused = await full.execute("mutation { agentRegister(input: {}) { sessionId } }")
    other = await full.execute("{ tree { number } }")

    assert (refused.status, refused.code) == (503, "UNAVAILABLE")
    assert refused.error["extensions"]["retryAfterMs"] == 1000
    assert refused.headers["retry-after"] == "1"
    assert other.data == {"tree": {"number": 0}}


async def test_event_stream_that_finds_no_place_is_told_when_to_come_again(
    door: Doorkeeper,
) -> None:
    full = ApiClient(
        local_app(door, openings=Openings(most=0)),
        token="owner",
        always={"accept": "text/event-stream"},
    )

    refused = await full.execute(COUNT)

    assert (refused.status, refused.code) == (503, "UNAVAILABLE")
    assert refused.headers["retry-after"] == "1"
