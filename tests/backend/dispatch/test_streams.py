"""How streams end and follow each other, polls, drains, and the orders that streams bring."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from headgate_server.bus import channels
from headgate_server.dispatch.messages import (
    CloseReason,
    LeaseRevoked,
    StreamClosing,
    StreamOpened,
)
from headgate_server.domain.agents import Directive, DirectiveKind
from headgate_server.domain.errors import LeaseLost
from headgate_server.domain.leases import CancelRequest, Offer
from headgate_server.domain.states import StateType
from headgate_server.services import agents, work_pools
from headgate_server.services.flow_runs import change
from headgate_server.services.work_pools import WorkPoolChanges
from headgate_server.settings import Timers
from headgate_server.tables.work_pools import agent_sessions
from tests.factories.backlogs import make_backlog
from tests.fixtures.deadlines import eventually
from tests.fixtures.streams import agent_of, dispatching, poll, streaming
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio


async def test_a_closing_stream_stays_until_its_successor_is_open(world: World) -> None:
    timers = Timers(stream_max_age_seconds=0.2)
    async with (
        dispatching(world, timers) as hurried,
        dispatching(world) as dispatcher,
        streaming(world, hurried) as (older, _),
    ):
        await older.next()
        left = asyncio.ensure_future(older.ended())
        assert not (await asyncio.wait({left}, timeout=0.3))[0]
        async with streaming(world, dispatcher):
            await left


async def test_a_stream_closes_before_its_token_ends(world: World) -> None:
    async with world.work() as work:
        ends = work.now + timedelta(seconds=3)
    principal = replace(agent_of(world), expires_at=ends)

    async with (
        dispatching(world) as dispatcher,
        streaming(world, dispatcher, principal=principal) as (stream, opened),
    ):
        closing = await stream.next()
        async with world.work() as work:
            closed_at = work.now

    assert isinstance(closing, StreamClosing)
    assert closing.reason is CloseReason.TOKEN_EXPIRING
    assert closed_at < ends
    assert opened.server_time < closed_at


async def test_a_poll_waits_for_what_comes_and_brings_it(world: World) -> None:
    async with dispatching(world) as dispatcher:
        polling = asyncio.ensure_future(poll(world, dispatcher, wait_seconds=5))
        await eventually(lambda: is_open(world), what="The poll's stream")
        (run,) = await world.create()
        opened, offered = await polling

    assert isinstance(opened, StreamOpened)
    assert isinstance(offered, Offer)
    assert offered.run_id == run.id


async def test_a_poll_brings_at_most_what_was_asked_for_and_the_rest_comes_next(
    world: World,
) -> None:
    await world.create(3)
    await world.offer()

    async with dispatching(world) as dispatcher:
        _, *first = await poll(world, dispatcher, wait_seconds=0, most=2)
        _, *second = await poll(world, dispatcher, wait_seconds=0)

    assert (len(first), len(second)) == (2, 3)
    assert set(first) <= set(second)


async def test_a_poll_without_news_ends_with_its_time(world: World) -> None:
    async with dispatching(world) as dispatcher:
        messages = await poll(world, dispatcher, wait_seconds=0)

    assert [type(message) for message in messages] == [StreamOpened]


async def test_a_drain_sends_agents_elsewhere_and_takes_back_their_offers(world: World) -> None:
    (run,) = await world.create()
    async with (
        dispatching(world) as leaving,
        dispatching(world) as staying,
        streaming(world, leaving) as (old, _),
    ):
        first = await old.offer()
        draining = asyncio.ensure_future(leaving.drain(patience_seconds=10))
        closing = await old.next()
        async with streaming(world, staying) as (new, _):
            again = await new.offer()
            await old.ended()
            await draining

    assert isinstance(closing, StreamClosing)
    assert (closing.reason, closing.reconnect_after_ms) == (CloseReason.DEPLOY, 0)
    assert (again.run_id, again.deliveries) == (run.id, 1)
    assert again.epoch > first.epoch
    with pytest.raises(LeaseLost):
        await world.claim(first)


async def test_a_stream_that_opens_on_a_draining_replica_is_sent_elsewhere(world: World) -> None:
    async with dispatching(world) as dispatcher:
        await dispatcher.drain(patience_seconds=1)
        messages = dispatcher.stream(agent_of(world), session_id=world.session_id, held=[])
        (closing,) = [message async for message in messages]

    assert isinstance(closing, StreamClosing)
    assert closing.reason is CloseReason.DEPLOY


async def test_an_offer_that_went_to_a_stream_that_is_gone_is_brought_by_the_next(
    world: World,
) -> None:
    async with dispatching(world) as dispatcher, streaming(world, dispatcher) as (stream, _):
        await dispatcher.stop()
        async with world.system() as work:
            await make_backlog(
                work,
                deployment_id=world.deployed.deployment_id,
                work_queue_id=world.deployed.work_queue_id,
                count=1,
            )
        (lost,) = await world.offer()
        await world.bus.publish({channels.agent(world.session_id)})
        offered = await stream.offer()

    assert (offered.run_id, offered.token) == (lost.run_id, lost.token)


async def test_a_pool_that_is_paused_pauses_its_agents_until_it_goes_on(world: World) -> None:
    async with dispatching(world) as dispatcher, streaming(world, dispatcher) as (stream, _):
        await change_pool(world, is_paused=True)
        paused = await stream.next()
        await change_pool(world, is_paused=False)
        resumed = await stream.next()

    assert paused == Directive(DirectiveKind.PAUSE, "The work pool is paused.")
    assert resumed == Directive(DirectiveKind.RESUME)


async def test_the_process_learns_that_its_pool_was_changed(world: World) -> None:
    async with world.system() as work:
        await work.execute(update(agent_sessions).values(known_pool_version=1))
    async with dispatching(world) as dispatcher, streaming(world, dispatcher) as (stream, _):
        await change_pool(world, base_job_template={"job_configuration": {"env": {"A": "1"}}})

        assert await stream.next() == Directive(
            DirectiveKind.RECONFIGURE, "The work pool was changed."
        )


async def test_an_old_agent_is_told_to_upgrade(world: World) -> None:
    async with world.system() as work:
        await work.execute(update(agent_sessions).values(sdk_version="0.0.9"))

    async with dispatching(world) as dispatcher, streaming(world, dispatcher) as (stream, _):
        assert await stream.next() == Directive(
            DirectiveKind.UPGRADE, "This agent is 0.0.9; the server wants 0.1 or newer."
        )


async def is_open(world: World) -> bool:
    async with world.system() as work:
        session = await agents.find_session(work, world.session_id)
    return session is not None and session.stream_epoch > 0


async def change_pool(world: World, **changes: Any) -> None:
    async with world.work() as work:
        pool = await work_pools.get_work_pool(work, id_=world.deployed.work_pool_id)
        await work_pools.upsert_work_pool(
            work, name=pool.name, type_=pool.type, changes=WorkPoolChanges(**changes)
        )


async def test_leases_and_offers_that_others_end_are_revoked(world: World) -> None:
    ended, kept = await world.started(), await world.started()
    async with (
        dispatching(world) as dispatcher,
        streaming(world, dispatcher, [ended, kept]) as (stream, _),
    ):
        await world.create()
        offered = await stream.offer()
        for run_id in (ended.run_id, offered.run_id):
            async with world.work() as work:
                request = change.CancelRequest(is_forced=run_id == ended.run_id)
                await change.cancel_run(work, run_id=run_id, request=request)
        messages = [await stream.next(), await stream.next()]

    assert messages == [
        LeaseRevoked(ended.run_id, ended.epoch, "The run is Cancelled."),
        LeaseRevoked(offered.run_id, offered.epoch, "The run is Cancelled."),
    ]


async def test_what_the_holder_ended_itself_is_not_revoked(world: World) -> None:
    ended, kept = await world.started(), await world.started()
    async with (
        dispatching(world) as dispatcher,
        streaming(world, dispatcher, [ended, kept]) as (stream, _),
    ):
        await world.propose(ended, StateType.COMPLETED)
        async with world.work() as work:
            await change.cancel_run(work, run_id=kept.run_id, request=change.CancelRequest())
        message = await stream.next()

    assert isinstance(message, CancelRequest)
    assert message.run_id == kept.run_id
