"""Clients that do not read: what waits for them is bounded, and they are cut with a code."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import pytest
from websockets.exceptions import ConnectionClosed

from headgate_server.dispatch.topics import BYTES_A_FOLLOWER, ROWS_A_FOLLOWER
from headgate_server.domain.ids import Kind
from headgate_server.http.slow_readers import RESYNC, HttpProtocol, SocketProtocol
from tests.factories.feeds import publish
from tests.factories.tenants import Tenant
from tests.fixtures.api import Socket, open_socket, serve
from tests.fixtures.deadlines import eventually
from tests.fixtures.events import Events, open_events
from tests.fixtures.installations import Installation, shown

SOCKETS = 20
EVENTS = 1_000
EVENT_BYTES = 2_000
LITTLE_BYTES = 1_000
MESSAGE_BYTES = 1024 * 1024
"""More than any one message of these followers has."""
QUIET_SECONDS = 0.1
FOLLOW = """subscription ($id: ID!, $after: Cursor) {
  workspaceEvents(workspaceId: $id, after: $after, start: OLDEST) {
    cursor events { sequence payload } } }"""


class Hurried(SocketProtocol):
    """Gives a socket half a second."""

    stalled_seconds = 0.5
    farewell_seconds = 0.5
    open: ClassVar[set["Hurried"]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.open.discard(self)
        super().connection_lost(exc)


class HurriedHttp(HttpProtocol):
    """Gives any other connection half a second."""

    stalled_seconds = 0.5


@dataclass
class Site:
    """A server over a workspace with more events than the buffers of a connection hold."""

    address: str
    token: str
    installation: Installation
    tenant: Tenant

    @property
    def variables(self) -> dict[str, Any]:
        return {"id": shown(Kind.WORKSPACE, self.tenant.workspace_id)}

    async def fill(self, events: int = EVENTS) -> None:
        await publish(self.installation.database, self.tenant, *["x"] * events, size=EVENT_BYTES)

    async def follow(self, stack: AsyncExitStack) -> Socket:
        """Open a socket that follows, reads the first batch, and then reads no more."""
        socket = await stack.enter_async_context(open_socket(self.address, token=self.token))
        await socket.subscribe(FOLLOW, **self.variables)
        await socket.receive()
        socket.raw.transport.pause_reading()
        stack.callback(socket.raw.transport.abort)
        return socket


@pytest.fixture
async def site(installation: Installation, tenant: Tenant) -> AsyncGenerator[Site]:
    token = await installation.token(tenant)
    async with serve(installation.app, ws=Hurried, http=HurriedHttp) as address:
        yield Site(address, token, installation, tenant)


def sequences(batch: dict[str, Any]) -> list[int]:
    return [int(event["sequence"]) for event in batch["events"]]


async def test_sockets_that_never_read_hold_little_and_are_cut(site: Site) -> None:
    largest = 0

    def are_gone() -> bool:
        nonlocal largest
        held = [protocol.transport.get_write_buffer_size() for protocol in Hurried.open]
        largest = max(largest, *held, 0)
        topics = site.installation.tails.topics
        for rows, size in topics.waiting():
            assert rows <= ROWS_A_FOLLOWER
            assert size <= BYTES_A_FOLLOWER
        return not held

    async with AsyncExitStack() as stack:
        for _ in range(SOCKETS):
            await site.follow(stack)
        assert len(Hurried.open) == SOCKETS

        await site.fill()
        await eventually(are_gone, what="The end of all sockets")

    assert 0 < largest <= MESSAGE_BYTES
    assert len(site.installation.tails.topics) == 0


async def is_full(protocol: Hurried) -> bool:
    """Write a little where nothing waits; whether the kernel has taken nothing of it since."""
    while not protocol.transport.get_write_buffer_size():
        protocol.transport.write(bytes(LITTLE_BYTES))
    # It is no signal that is waited for, but that none comes.
    await asyncio.sleep(QUIET_SECONDS)
    return protocol.transport.get_write_buffer_size() > 0


@pytest.mark.parametrize("is_closed", [False, True])
async def test_socket_for_which_only_little_waits_is_cut_too(
    site: Site, *, is_closed: bool
) -> None:
    async with AsyncExitStack() as stack:
        await site.follow(stack)
        (protocol,) = Hurried.open
        await eventually(lambda: is_full(protocol), what="A kernel that takes no more")
        assert protocol.transport.get_write_buffer_size() <= LITTLE_BYTES

        if is_closed:
            protocol.transport.close()

        await eventually(lambda: not Hurried.open, what="The end of the socket")


async def test_socket_that_reads_again_is_told_to_resume_and_loses_nothing(site: Site) -> None:
    seen: list[int] = []
    cursor = None
    async with AsyncExitStack() as stack:
        socket = await site.follow(stack)
        await site.fill()
        await eventually(lambda: any(p.is_cut for p in Hurried.open), what="The cut")
        socket.raw.transport.resume_reading()
        with suppress(ConnectionClosed):
            while True:
                batch = (await socket.receive())["payload"]["data"]["workspaceEvents"]
                cursor = batch["cursor"]
                seen += sequences(batch)
    assert socket.raw.close_code == RESYNC

    async with open_socket(site.address, token=site.token) as socket:
        await socket.subscribe(FOLLOW, **site.variables, after=cursor)
        while len(seen) < EVENTS:
            seen += sequences((await socket.receive())["payload"]["data"]["workspaceEvents"])

    assert seen == list(range(seen[0], seen[0] + EVENTS))


async def test_event_stream_that_is_not_read_is_cut(site: Site) -> None:
    async with open_events(site.address, FOLLOW, token=site.token, **site.variables) as events:
        await first_event(events)
        connection = events.response.connection
        assert connection is not None
        cast("asyncio.Transport", connection.transport).pause_reading()

        await site.fill()

        topics = site.installation.tails.topics
        await eventually(lambda: len(topics) == 0, what="The end of the stream")


async def first_event(events: Events) -> None:
    while (await events.next())[0] != "next":
        pass


async def test_reader_of_many_operations_is_not_cut_for_their_number(
    installation: Installation, tenant: Tenant
) -> None:
    followers, events = 10, 300
    token = await installation.token(tenant)
    async with serve(installation.app, ws=Hurried) as address, AsyncExitStack() as stack:
        site = Site(address, token, installation, tenant)
        await site.fill(events)
        socket = await stack.enter_async_context(open_socket(address, token=token))
        ids = [await socket.subscribe(FOLLOW, **site.variables) for _ in range(followers)]
        seen: dict[str, list[int]] = {id_: [] for id_ in ids}
        largest = 0

        while any(len(found) < events for found in seen.values()):
            message = await socket.receive()
            batch = message["payload"]["data"]["workspaceEvents"]
            seen[message["id"]] += sequences(batch)
            for protocol in Hurried.open:
                largest = max(largest, protocol.transport.get_write_buffer_size())

        assert all(found == seen[ids[0]] for found in seen.values())
        assert largest <= MESSAGE_BYTES


async def test_socket_with_many_operations_that_is_not_read_holds_one_message(
    installation: Installation, tenant: Tenant
) -> None:
    token = await installation.token(tenant)
    largest = 0

    def are_gone() -> bool:
        nonlocal largest
        held = [protocol.transport.get_write_buffer_size() for protocol in Hurried.open]
        largest = max(largest, *held, 0)
        return not held

    async with serve(installation.app, ws=Hurried) as address, AsyncExitStack() as stack:
        site = Site(address, token, installation, tenant)
        socket = await stack.enter_async_context(open_socket(address, token=token))
        stack.callback(socket.raw.transport.abort)
        for _ in range(10):
            await socket.subscribe(FOLLOW, **site.variables)
            await socket.receive()
        socket.raw.transport.pause_reading()

        await site.fill()

        await eventually(are_gone, what="The end of the socket")
    assert 0 < largest <= MESSAGE_BYTES
