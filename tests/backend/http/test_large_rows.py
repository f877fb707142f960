"""Followers of large rows: frames and all that waits are bounded in bytes; nobody is stuck."""

from contextlib import AsyncExitStack

from headgate.api.socket import MAX_FRAME_BYTES
from headgate_server.dispatch.tails import BYTES_A_BATCH
from headgate_server.dispatch.topics import BYTES_A_FOLLOWER
from headgate_server.domain.ids import Kind
from tests.backend.http.test_slow_readers import FOLLOW, Hurried
from tests.factories.feeds import publish
from tests.factories.tenants import Tenant
from tests.fixtures.api import open_socket, serve
from tests.fixtures.deadlines import eventually
from tests.fixtures.installations import Installation, shown

EVENT_BYTES = 250_000
FRAME_BYTES = BYTES_A_BATCH + 4096
"""The rows of a batch, and what is around them."""


async def test_backlog_of_large_events_is_got_past_in_small_frames(
    installation: Installation, tenant: Tenant
) -> None:
    names = [f"acme.small.{place}" for place in range(30)]
    await publish(installation.database, tenant, *names)
    await publish(installation.database, tenant, *["acme.large"] * 12, size=EVENT_BYTES)
    workspace_id = shown(Kind.WORKSPACE, tenant.workspace_id)
    seen: list[int] = []
    async with (
        serve(installation.app) as address,
        open_socket(address, token=await installation.token(tenant)) as socket,
    ):
        assert FRAME_BYTES < MAX_FRAME_BYTES
        await socket.subscribe(FOLLOW, id=workspace_id)
        while len(seen) < 42:
            message = await socket.receive(most_bytes=FRAME_BYTES)
            seen += [
                int(each["sequence"])
                for each in message["payload"]["data"]["workspaceEvents"]["events"]
            ]

    assert seen == list(range(seen[0], seen[0] + 42))


async def test_followers_that_do_not_read_hold_few_bytes(
    installation: Installation, tenant: Tenant
) -> None:
    workspace_id = shown(Kind.WORKSPACE, tenant.workspace_id)
    topics = installation.tails.topics
    largest, waited = 0, 0

    def are_gone() -> bool:
        nonlocal largest, waited
        held = [protocol.transport.get_write_buffer_size() for protocol in Hurried.open]
        largest = max(largest, *held, 0)
        waited = max(waited, *(size for _, size in topics.waiting()), 0)
        return not held

    async with serve(installation.app, ws=Hurried) as address, AsyncExitStack() as stack:
        for _ in range(2):
            token = await installation.token(tenant)
            socket = await stack.enter_async_context(open_socket(address, token=token))
            stack.callback(socket.raw.transport.abort)
            for _ in range(3):
                await socket.subscribe(FOLLOW, id=workspace_id)
                await socket.receive()
            socket.raw.transport.pause_reading()

        await publish(installation.database, tenant, *["acme.large"] * 40, size=EVENT_BYTES)
        await eventually(are_gone, what="The end of the sockets")

    assert 0 < largest <= FRAME_BYTES
    assert 0 < waited <= BYTES_A_FOLLOWER
