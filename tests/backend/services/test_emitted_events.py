"""Events that programs emit, on a real database: once each, in order, within limits."""

import asyncio
from datetime import datetime, timedelta
from inspect import signature
from typing import Any

import pytest

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.events import EVERY_EVENT, KNOWN_FOR, Event, EventRejection, NewEvent
from headgate_server.domain.ids import new_id
from headgate_server.repositories import outbox
from headgate_server.repositories.retention import Kept
from headgate_server.services import events, retention
from headgate_server.services.load import read_load
from headgate_server.services.upkeep import next_due
from tests.factories.feeds import publish_all
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

SPANS = frozenset(signature(next_due).parameters) - {"work"}
SHIPPED = {"name": "acme.order.shipped", "resource_id": "order-1", "resource": {"id": "order-1"}}


def told(**given: Any) -> NewEvent:
    fields: dict[str, Any] = {"id": new_id(), "payload": {}, **SHIPPED, **given}
    return NewEvent(**fields)


async def emit(world: World, *new: NewEvent | InvalidInput) -> tuple[int, list[EventRejection]]:
    async with world.work() as work:
        return await events.emit_events(work, new)


async def published(world: World) -> list[Event]:
    await publish_all(world.database)
    async with world.work() as work:
        found = await events.list_behind(
            work, after=0, most=500, most_bytes=2**24, patterns=EVERY_EVENT
        )
    return [event for event in found.rows if event.name.startswith("acme.")]


async def now(world: World) -> datetime:
    async with world.work() as work:
        return work.now


async def test_an_event_is_published_as_it_was_told(world: World) -> None:
    occurred = await now(world) - timedelta(hours=3)
    first = told(occurred_at=occurred, related=({"id": "cart-1", "role": "cart"},))
    second = told(payload={"weight": 3}, follows=first.id)

    assert await emit(world, first, second) == (2, [])

    found = await published(world)
    assert [event.id for event in found] == [first.id, second.id]
    assert (found[0].occurred_at, found[0].related) == (occurred, first.related)
    assert (found[1].payload, found[1].follows) == ({"weight": 3}, first.id)


@pytest.mark.parametrize("minutes", [4, -6 * 24 * 60])
async def test_an_event_waits_since_it_was_told_whenever_it_happened(
    world: World, minutes: int
) -> None:
    await publish_all(world.database)
    before = await now(world)
    await emit(world, told(occurred_at=before + timedelta(minutes=minutes)))

    anything = dict.fromkeys(SPANS, timedelta(seconds=1))
    async with world.database.glance() as work:
        load = await read_load(work, most_pools=1)
        due = (await next_due(work, **anything))["outbox"]

    assert 0 <= load.outbox_age_seconds < 60
    assert due is not None
    assert before <= due <= work.now


async def test_an_event_that_is_sent_again_is_told_once(world: World) -> None:
    event = told()

    assert await emit(world, event, event) == (2, [])
    assert await emit(world, event) == (1, [])
    await asyncio.gather(*(emit(world, event) for _ in range(5)))

    assert [one.id for one in await published(world)] == [event.id]


async def test_each_event_is_taken_or_rejected_for_itself(world: World) -> None:
    good = told()
    refused = [
        (told(name="flow_run.completed"), "Headgate's own", ("event",)),
        (told(name=""), "printable", ("event",)),
        (told(resource={"name": "x"}), "resource.id has", ("resource", "id")),
        (told(related=({"id": 1},)), "related.id has", ("related", "id")),
        (told(payload=[1]), "JSON object", ("payload",)),
        (told(payload={"a": "x" * 256 * 1024}), "256 KiB", ("payload",)),
        (told(occurred_at=await now(world) + timedelta(minutes=6)), "future", ("occurred",)),
        (told(occurred_at=await now(world) - timedelta(days=8)), "last 7 days", ("occurred",)),
        (InvalidInput("no id", path=["id"]), "no id", ("id",)),
    ]

    accepted, rejected = await emit(world, *(one for one, _, _ in refused), good)

    assert accepted == 1
    assert [one.place for one in rejected] == list(range(len(refused)))
    for one, (_, words, path) in zip(rejected, refused, strict=True):
        assert words in one.error.message
        assert one.error.path == path
    assert [event.id for event in await published(world)] == [good.id]


@pytest.mark.parametrize("count", [0, 101])
async def test_no_events_and_too_many_are_refused_whole(world: World, count: int) -> None:
    with pytest.raises(InvalidInput, match="1 to 100"):
        await emit(world, *(told() for _ in range(count)))


async def test_what_was_emitted_is_remembered_for_a_week(world: World) -> None:
    event = told()
    await emit(world, event)
    days = timedelta(days=30)
    kept = Kept(world.tenant.workspace_id, runs=days, logs=days, events=days)

    async with world.system() as work:
        assert await retention.purge(work, kept) == 0
    world.shift.by = KNOWN_FOR + timedelta(minutes=1)
    async with world.system() as work:
        assert await retention.purge(work, kept) == 1

    async with world.system() as work:
        assert await outbox.claim_ids(work, [event.id or new_id()]) == {event.id}
