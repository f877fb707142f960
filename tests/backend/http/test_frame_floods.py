"""Sockets that send frames as fast as they can: closed with the rule, and nobody else waits."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator

import pytest

from headgate_server.http.frame_rates import EARLY_REASON, FLOOD_REASON, FrameBucket
from tests.backend.graphql.local_app import doorkeeper, local_app
from tests.fixtures.api import open_socket, serve
from tests.fixtures.loop_turns import watched_turns
from tests.fixtures.repository import ROOT

pytestmark = pytest.mark.anyio

HELD_SECONDS = 0.05
FLOOD_SECONDS = 20.0


@pytest.fixture
async def address() -> AsyncGenerator[str]:
    async with serve(local_app(doorkeeper())) as address:
        yield address


async def flood(address: str, kind: str, token: str | None) -> tuple[list[object] | None, float]:
    """Let another process flood; return how it was closed, and how long the loop was held."""
    said = [] if token is None else [token]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fixtures.frame_floods", address, kind, *said,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(FLOOD_SECONDS), watched_turns() as turns:
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert turns.count > 0
    return json.loads(out)["end"], turns.longest


@pytest.mark.parametrize(
    ("kind", "token"),
    [
        ("messages", None),
        ("messages", "owner"),
        ("pings", None),
        ("pings", "owner"),
        ("pongs", None),
        ("parts", None),
        ("operations", "owner"),
    ],
)
async def test_flood_is_closed_with_its_rule_and_holds_nobody_up(
    address: str, kind: str, token: str | None
) -> None:
    held: list[float] = []

    for _ in range(3):
        end, longest = await flood(address, kind, token)
        assert end == [4429, FLOOD_REASON]
        held.append(longest)

    assert min(held) < HELD_SECONDS


async def test_two_hundred_frames_at_once_are_answered(address: str) -> None:
    async with open_socket(address, token="owner") as socket:
        for _ in range(199):  # and the first message
            await socket.send({"type": "ping"})

        answers = [await socket.receive() for _ in range(199)]

    assert answers == [{"type": "pong"}] * 199


async def test_two_messages_may_come_before_a_socket_says_who_it_is(address: str) -> None:
    async with open_socket(address) as socket:
        for _ in range(2):
            await socket.send({"type": "ping"})
            assert await socket.receive() == {"type": "pong"}

        assert (await socket.init("owner"))["type"] == "connection_ack"


async def test_fourth_message_of_nobody_closes_the_socket_with_4429(address: str) -> None:
    async with open_socket(address) as socket:
        for _ in range(4):
            await socket.send({"type": "ping"})

        assert await socket.closed() == 4429
        assert socket.raw.close_reason == EARLY_REASON


def test_bucket_fills_up_with_time_and_not_beyond_its_size() -> None:
    now = 0.0
    bucket = FrameBucket(lambda: now)

    assert bucket.take(200)
    now = 0.1
    assert bucket.take(5)
    assert not bucket.take(1)
    now = 1_000.0
    assert bucket.take(200)
    assert not bucket.take(1)
