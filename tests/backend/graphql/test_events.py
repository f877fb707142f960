"""Events of a workspace over sockets: live, resumed, filtered, and for those who may read them."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from headgate_server.bus import channels
from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain import ids
from headgate_server.domain.ids import Kind
from headgate_server.domain.permissions import Scope
from tests.factories.feeds import publish
from tests.factories.tenants import Tenant
from tests.fixtures.api import Socket, open_socket, serve
from tests.fixtures.installations import Installation, shown
from tests.fixtures.sql import query

TRY_AGAIN = 1013

FOLLOW = """subscription ($id: ID!, $after: Cursor, $filter: EventStreamFilter,
  $start: StreamStart! = OLDEST) {
  workspaceEvents(workspaceId: $id, after: $after, filter: $filter, start: $start) {
    cursor caughtUp gap events { event resource } } }"""


class Feed:
    """A socket of the tenant's owner, with one subscription at a time."""

    def __init__(self, socket: Socket, workspace_id: str) -> None:
        self.socket = socket
        self.workspace_id = workspace_id
        self.id = ""

    async def open(self, **variables: Any) -> None:
        """End the subscription and start another."""
        if self.id:
            await self.socket.send({"id": self.id, "type": "complete"})
        self.id = await self.socket.subscribe(FOLLOW, **{"id": self.workspace_id, **variables})

    async def next(self) -> dict[str, Any]:
        """Return the next batch."""
        while (message := await self.socket.receive()).get("id") != self.id:
            pass
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        return message["payload"]["data"]["workspaceEvents"]

    async def refused(self, **variables: Any) -> dict[str, Any]:
        """Return the error that a subscription is answered with."""
        message, *_ = await self.socket.run(FOLLOW, **{"id": self.workspace_id, **variables})
        payload: Any = message["payload"]
        (error,) = payload if message["type"] == "error" else payload["errors"]
        return {**error["extensions"], "message": error["message"]}


@pytest.fixture
async def address(installation: Installation) -> AsyncGenerator[str]:
    async with serve(installation.app) as address:
        yield address


@pytest.fixture
async def feed(installation: Installation, tenant: Tenant, address: str) -> AsyncGenerator[Feed]:
    token = await installation.token(tenant)
    async with open_socket(address, token=token) as socket:
        yield Feed(socket, shown(Kind.WORKSPACE, tenant.workspace_id))


def names(batch: dict[str, Any]) -> list[str]:
    return [event["event"] for event in batch["events"]]


async def test_events_come_as_they_are_published(
    installation: Installation, tenant: Tenant, feed: Feed
) -> None:
    await publish(installation.database, tenant, "flow.old")

    await feed.open(start="LATEST")
    first = await feed.next()
    await publish(installation.database, tenant, "flow.created", "flow.updated")
    second = await feed.next()

    assert (first["events"], first["caughtUp"], first["gap"]) == ([], True, False)
    assert names(second) == ["flow.created", "flow.updated"]
    assert (second["caughtUp"], second["gap"]) == (True, False)


async def test_stream_goes_on_from_its_cursor(
    installation: Installation, tenant: Tenant, feed: Feed
) -> None:
    await publish(installation.database, tenant, "a", "b")
    await feed.open()
    seen = await feed.next()
    await publish(installation.database, tenant, "c")

    await feed.open(after=seen["cursor"])
    rest = await feed.next()

    assert names(seen) == ["a", "b"]
    assert names(rest) == ["c"]


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ({"events": ["flow.*"]}, ["flow.created", "flow.updated"]),
        ({"events": ["flow.updated", "agent.lost"]}, ["flow.updated", "agent.lost"]),
        ({"events": ["flow_%"]}, []),
        ({"resourceIds": ["flow_1"]}, ["flow.updated"]),
        ({"resourceKinds": ["agent"]}, ["agent.lost"]),
        ({"events": ["*"], "resourceKinds": ["agent"]}, ["agent.lost"]),
        ({"events": []}, []),
    ],
)
async def test_filter_holds_for_what_was_and_for_what_comes(
    installation: Installation,
    tenant: Tenant,
    feed: Feed,
    filter_: dict[str, Any],
    expected: list[str],
) -> None:
    async def happen() -> None:
        await publish(installation.database, tenant, "flow.created", "flow.updated")
        await publish(installation.database, tenant, "agent.lost", kind="agent")

    await happen()
    await feed.open(filter=filter_)
    before = await feed.next()
    await happen()
    live: list[str] = []
    while len(live) < len(expected):
        live += names(await feed.next())

    assert names(before) == expected
    assert live == expected


async def test_cursors_that_no_stream_returned_are_refused(
    installation: Installation, tenant: Tenant, feed: Feed
) -> None:
    other = await installation.tenant()
    await publish(installation.database, other, *["x"] * 5)
    await publish(installation.database, tenant, "a")
    token = await installation.token(other)
    async with serve(installation.app) as address, open_socket(address, token=token) as socket:
        foreign = Feed(socket, shown(Kind.WORKSPACE, other.workspace_id))
        await foreign.open()
        of_other = (await foreign.next())["cursor"]

    answers = [await feed.refused(after=after) for after in ("nonsense", "", of_other)]

    assert [answer["code"] for answer in answers] == ["INVALID"] * 3
    assert len({answer["message"] for answer in answers}) == 1


async def test_limits_of_a_filter_are_named(feed: Feed) -> None:
    many = await feed.refused(filter={"events": ["a"] * 51})
    inner = await feed.refused(filter={"events": ["a*b"]})
    long = await feed.refused(filter={"resourceKinds": ["x" * 201]})

    assert [answer["code"] for answer in (many, inner, long)] == ["INVALID"] * 3
    assert many["message"] == "events holds at most 50 values."


async def test_another_tenants_workspace_is_answered_as_none_at_all(
    installation: Installation, feed: Feed
) -> None:
    other = await installation.tenant()

    foreign = await feed.refused(id=shown(Kind.WORKSPACE, other.workspace_id))
    random = await feed.refused(id=shown(Kind.WORKSPACE, ids.new_id()))

    assert foreign == random
    assert foreign["code"] == "NOT_FOUND"


async def test_events_of_another_tenant_never_come(
    installation: Installation, tenant: Tenant, feed: Feed
) -> None:
    other = await installation.tenant()
    await publish(installation.database, other, "theirs")

    await feed.open(filter={"resourceIds": ["flow_0"]})
    first = await feed.next()
    await publish(installation.database, other, "theirs")
    await publish(installation.database, tenant, "mine")
    second = await feed.next()

    assert (names(first), names(second)) == ([], ["mine"])


async def test_reading_events_needs_its_scope(
    installation: Installation, tenant: Tenant, address: str
) -> None:
    token = await installation.token(tenant, scopes=[Scope.RUNS_READ])
    async with open_socket(address, token=token) as socket:
        refused = await Feed(socket, shown(Kind.WORKSPACE, tenant.workspace_id)).refused()

    assert refused["code"] == "FORBIDDEN"
    assert refused["missingScopes"] == ["EVENTS_READ"]


async def test_stream_ends_when_its_key_loses_the_scope(
    installation: Installation, tenant: Tenant, address: str, urls: DatabaseUrls
) -> None:
    token = await installation.token(tenant)
    async with open_socket(address, token=token) as socket:
        feed = Feed(socket, shown(Kind.WORKSPACE, tenant.workspace_id))
        await feed.open()
        await feed.next()

        await query(urls.owner, "update api_keys set scopes = array['RUNS_READ']")
        key_id = await query(urls.owner, "select id from api_keys")
        await installation.bus.publish({channels.api_key(key_id)})
        code = await socket.closed()

    assert code == TRY_AGAIN
    async with open_socket(address, token=token) as socket:
        feed = Feed(socket, shown(Kind.WORKSPACE, tenant.workspace_id))
        await feed.open()
        message = await socket.receive()
    assert message["payload"][0]["extensions"]["code"] == "FORBIDDEN"
