"""An agent that a server has no place for: it comes again when it was told to, and not before."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import WSCloseCode, web

from headgate.agent.work_stream import Carrier, WorkStream
from headgate.api import agents
from headgate.api.transport import Transport, retry_delay_seconds
from headgate.errors import ServerUnavailableError

pytestmark = pytest.mark.anyio

WISH_SECONDS = 1
REFUSAL = {"errors": [{"message": "Full.", "extensions": {"code": "UNAVAILABLE"}}]}


class Door:
    """Sends everybody away, at the handshake or after the first message."""

    def __init__(self, *, is_at_handshake: bool) -> None:
        self.came: list[tuple[str, float]] = []
        self.has_come = asyncio.Event()
        self._is_at_handshake = is_at_handshake

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.came.append((request.method, time.monotonic()))
        self.has_come.set()
        if self._is_at_handshake or request.method == "POST":
            headers = {"Retry-After": str(WISH_SECONDS)}
            return web.json_response(REFUSAL, status=503, headers=headers)
        socket = web.WebSocketResponse(protocols=["graphql-transport-ws"])
        await socket.prepare(request)
        await socket.receive()
        reason = f"Too many sockets are opening; retry after {WISH_SECONDS} s"
        await socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=reason.encode())
        return socket

    async def at_least(self, count: int) -> Sequence[tuple[str, float]]:
        """Return who came, once so many have."""
        async with asyncio.timeout(20):
            while len(self.came) < count:
                self.has_come.clear()
                await self.has_come.wait()
        return self.came[:count]


@asynccontextmanager
async def opened(door: Door) -> AsyncGenerator[str]:
    """Serve a door; its address."""
    application = web.Application()
    application.router.add_route("*", "/graphql", door.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("over", ["websocket", "sse"])
@pytest.mark.parametrize("is_at_handshake", [True, False])
async def test_when_to_come_again_is_told_with_the_error(
    *, is_at_handshake: bool, over: Any
) -> None:
    async with opened(Door(is_at_handshake=is_at_handshake)) as url:
        transport = Transport(url, "session")
        stream = agents.work_stream(transport, session_id="s", held=[], over=over)
        async with aclosing(stream):
            with pytest.raises(ServerUnavailableError) as caught:
                await anext(stream)
        await transport.close()

    assert caught.value.retry_after_seconds == WISH_SECONDS


@pytest.mark.parametrize("is_at_handshake", [True, False])
async def test_agent_that_is_sent_away_comes_again_in_time_and_over_no_other_carrier(
    *, is_at_handshake: bool
) -> None:
    door = Door(is_at_handshake=is_at_handshake)
    async with opened(door) as url:
        transport = Transport(url, "session")

        async def rejoin() -> None:
            raise AssertionError("The session is not over.")

        stream = WorkStream(
            transport,
            session_id=lambda: "s",
            held=list,
            take=lambda _: None,
            rejoin=rejoin,
            allowed=tuple(Carrier),
        )
        running = asyncio.create_task(stream.run())
        came = await door.at_least(3)
        running.cancel()
        await asyncio.wait({running})
        await transport.close()

    assert [method for method, _ in came] == ["GET"] * 3
    gaps = [after - before for (_, before), (_, after) in pairwise(came)]
    assert min(gaps) >= WISH_SECONDS


def test_those_who_were_told_the_same_do_not_come_together() -> None:
    delays = [retry_delay_seconds(0, wish_seconds=7) for _ in range(500)]
    longest = [retry_delay_seconds(0, wish_seconds=30) for _ in range(500)]

    assert 7 <= min(delays) < max(delays) <= 7.7
    assert max(delays) - min(delays) > 0.5
    assert 30 <= min(longest) < max(longest) <= 31
