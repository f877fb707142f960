"""Streams over real Postgres and Valkey: what an agent's session receives, and when."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from headgate_server.database.urls import DatabaseUrls
from headgate_server.dispatch.messages import (
    CloseReason,
    StreamClosing,
)
from headgate_server.domain.agents import Directive, DirectiveKind
from headgate_server.domain.leases import CancelRequest
from headgate_server.services import agents
from headgate_server.services.flow_runs import change, create
from headgate_server.settings import Timers
from headgate_server.tables.work_pools import agent_sessions
from tests.factories.deployments import make_session
from tests.fixtures.deadlines import eventually
from tests.fixtures.sql import query
from tests.fixtures.streams import dispatching, streaming
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

SELDOM = Timers(sweep_seconds=60, sweep_without_redis_seconds=60)
CUT_OFF = """select pg_terminate_backend(pid) from pg_stat_activity
where wait_event_type = 'Lock' and datname = current_database() and query like '%{}%'"""


async def test_a_run_created_while_a_stream_is_open_is_offered_at_once(world: World) -> None:
    async with dispatching(world) as dispatcher, streaming(world, dispatcher) as (stream, _):
        (run,) = await world.create()

        offered = await stream.offer()

    assert (offered.run_id, offered.session_id) == (run.id, world.session_id)
    assert offered.queue_name == "default"


async def test_a_run_that_waited_is_offered_when_a_stream_opens(world: World) -> None:
    (run,) = await world.create()

    async with dispatching(world) as dispatcher, streaming(world, dispatcher) as (stream, _):
        assert (await stream.offer()).run_id == run.id


async def test_a_run_is_offered_at_its_due_time_and_not_before(world: World) -> None:
    async with dispatching(world) as dispatcher, streaming(world, dispatcher) as (stream, opened):
        due_at = opened.server_time + timedelta(seconds=0.5)
        async with world.work() as work:
            await create.create_run(
                work,
                create.RunRequest(
                    deployment_id=world.deployed.deployment_id, expected_start=due_at
                ),
            )
        await stream.offer()
        async with world.work() as work:
            now = work.now

    assert due_at <= now < due_at + timedelta(seconds=3)


async def test_the_end_of_a_run_makes_room_for_the_next(world: World) -> None:
    async with world.work() as work:
        world.session_id = await make_session(work, world.deployed, capacity=1)
    first, second = await world.create(2)

    async with dispatching(world) as dispatcher, streaming(world, dispatcher) as (stream, _):
        offered = await stream.offer()
        lease = await world.claim(offered)
        await world.propose(lease, change.StateType.RUNNING)
        await world.propose(lease, change.StateType.COMPLETED)
        follower = await stream.offer()

    assert {offered.run_id, follower.run_id} == {first.id, second.id}


async def test_a_cancel_of_a_held_run_reaches_the_stream(world: World) -> None:
    lease = await world.started()

    async with (
        dispatching(world) as dispatcher,
        streaming(world, dispatcher, [lease]) as (
            stream,
            opened,
        ),
    ):
        async with world.work() as work:
            await change.cancel_run(
                work,
                run_id=lease.run_id,
                request=change.CancelRequest(reason="Wrong day.", grace_seconds=7),
            )
        cancel = await stream.next()

    assert [verdict.run_id for verdict in opened.held] == [lease.run_id]
    assert isinstance(cancel, CancelRequest)
    assert (cancel.run_id, cancel.reason, cancel.grace_seconds) == (lease.run_id, "Wrong day.", 7)


async def test_a_reopened_stream_gets_its_live_offers_with_the_same_token(world: World) -> None:
    await world.create()
    async with dispatching(world) as dispatcher:
        async with streaming(world, dispatcher) as (stream, _):
            first = await stream.offer()
        async with streaming(world, dispatcher) as (stream, opened):
            again = await stream.offer()

    assert (again.run_id, again.token, again.epoch) == (first.run_id, first.token, first.epoch)
    assert opened.stream_epoch == 2


async def test_a_lease_that_is_gone_is_named_unknown_when_the_stream_opens(world: World) -> None:
    lease = await world.started()
    await world.propose(lease, change.StateType.COMPLETED)

    async with (
        dispatching(world) as dispatcher,
        streaming(world, dispatcher, [lease]) as (
            _,
            opened,
        ),
    ):
        assert opened.held == ()
        assert opened.unknown == (lease.run_id,)


async def test_a_newer_stream_supersedes_the_older_one(world: World) -> None:
    async with (
        dispatching(world) as dispatcher,
        streaming(world, dispatcher) as (older, _),
        streaming(world, dispatcher) as (newer, _),
    ):
        closing = await older.next()
        (run,) = await world.create()
        offered = await newer.offer()

    assert isinstance(closing, StreamClosing)
    assert closing.reason is CloseReason.SUPERSEDED
    assert offered.run_id == run.id


async def test_a_draining_session_is_told_and_offered_nothing_more(world: World) -> None:
    async with dispatching(world) as dispatcher, streaming(world, dispatcher) as (stream, _):
        async with world.work() as work:
            await agents.drain_session(work, session_id=world.session_id)
        order = await stream.next()
        await world.create()

        assert await world.offer() == []

    assert order == Directive(kind=DirectiveKind.DRAIN)


async def test_a_stream_closes_at_its_greatest_age(world: World) -> None:
    timers = Timers(stream_max_age_seconds=0.2)

    async with (
        dispatching(world, timers) as dispatcher,
        streaming(world, dispatcher) as (
            stream,
            _,
        ),
    ):
        closing = await stream.next()

    assert isinstance(closing, StreamClosing)
    assert closing.reason is CloseReason.MAX_AGE


async def test_without_redis_a_sweep_finds_what_no_wake_announced(world: World) -> None:
    timers = Timers(sweep_without_redis_seconds=0.2)
    async with (
        dispatching(world, timers) as dispatcher,
        streaming(world, dispatcher) as (
            stream,
            _,
        ),
    ):
        await world.bus.stop()
        (run,) = await world.create()

        assert (await stream.offer()).run_id == run.id


async def test_an_offer_that_was_cut_off_is_made_again_long_before_the_sweep(
    world: World, urls: DatabaseUrls
) -> None:
    async with (
        dispatching(world, SELDOM) as dispatcher,
        streaming(world, dispatcher) as (stream, _),
    ):
        async with world.system() as work:
            await work.execute(select(agent_sessions).with_for_update())
            (run,) = await world.create()
            cut = CUT_OFF.format("Offers ready runs")
            for _ in range(2):  # a wake that came meanwhile is spent as well
                await eventually(lambda: query(urls.owner, cut), what="An offer that waits")

        assert (await stream.offer()).run_id == run.id


async def test_a_cancel_whose_look_was_cut_off_is_looked_for_again(
    world: World, urls: DatabaseUrls
) -> None:
    lease = await world.started()

    async with (
        dispatching(world, SELDOM) as dispatcher,
        streaming(world, dispatcher, [lease]) as (stream, _),
    ):
        async with world.system() as locking:
            await locking.execute(text("lock table agents in access exclusive mode"))
            async with world.work() as work:
                request = change.CancelRequest(grace_seconds=7)
                await change.cancel_run(work, run_id=lease.run_id, request=request)
            cut = CUT_OFF.format("from agent_sessions session")
            for _ in range(2):
                await eventually(lambda: query(urls.owner, cut), what="A look that waits")

        assert isinstance(await stream.next(), CancelRequest)
