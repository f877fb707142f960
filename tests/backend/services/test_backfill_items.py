"""Items of backfills that make no further runs: how theirs ended is told, and cancels reach all."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from headgate_server.domain.backfills import (
    Backfill,
    BackfillItem,
    BackfillItemStatus,
    BackfillRequest,
    BackfillStatus,
)
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.states import StateType
from headgate_server.domain.tenancy import ActorKind
from headgate_server.loops import backfills as loop
from headgate_server.loops.loop import LoopContext
from headgate_server.repositories.flow_runs.transition import lock_run
from headgate_server.services import backfills
from headgate_server.services.flow_runs import bulk, change, read
from headgate_server.settings import Timers
from headgate_server.tables.backfills import backfills as backfill_rows
from headgate_server.tables.run_counts import stale_run_hours
from tests.backend.services.test_backfill_outcomes import advance, make_backfill
from tests.backend.services.test_collisions import names, start_all
from tests.factories.databases import somebody_waits
from tests.fixtures.deadlines import eventually
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

DEADLINE_SECONDS = 5
BATCH = 100
MANY = BATCH + 2
WAITING, STARTED, ENDED = (
    BackfillItemStatus.WAITING,
    BackfillItemStatus.STARTED,
    BackfillItemStatus.ENDED,
)


async def items_of(world: World, made: Backfill) -> list[BackfillItem]:
    async with world.work() as work:
        page = await backfills.list_items(work, id_=made.id, page=PageRequest(size=1000))
    return list(page.items)


async def told(world: World, made: Backfill) -> list[tuple[BackfillItemStatus, StateType | None]]:
    return [(item.status, item.outcome) for item in await items_of(world, made)]


async def stop(world: World, made: Backfill, *, way: str) -> None:
    async with world.work() as work:
        if way == "paused":
            await backfills.set_paused(work, id_=made.id, is_paused=True)
        else:
            is_all = way == "cancelled with its runs"
            await backfills.cancel_backfill(work, id_=made.id, cancels_runs=is_all)


async def tick(world: World) -> bool:
    """Have the loop look a second later; whether it will look at anything again."""
    world.shift.by += timedelta(seconds=1)
    await loop.run_once(LoopContext(world.database, world.bus, Timers()))
    world.shift.by += timedelta(days=1)
    async with world.system() as work:
        is_due = bool(await backfills.list_due(work, most=1))
    world.shift.by -= timedelta(days=1)
    return is_due


@pytest.mark.parametrize("way", ["paused", "cancelled", "cancelled with its runs"])
async def test_items_say_how_their_runs_ended_after_their_backfill_stopped(
    world: World, way: str
) -> None:
    made = await make_backfill(world, parallelism=2)
    await advance(world, made)
    leases = await start_all(world)
    await stop(world, made, way=way)
    is_looked_at = await tick(world)
    during = await told(world, made)

    for lease in leases:
        await world.propose(lease, StateType.COMPLETED)
    is_looked_at_later = await tick(world)

    is_cancelled = way == "cancelled with its runs"
    end = StateType.CANCELLED if is_cancelled else StateType.COMPLETED
    left = [(WAITING, None)] * 2
    assert (is_looked_at, during) == (True, [(STARTED, None)] * 2 + left)
    assert (is_looked_at_later, await told(world, made)) == (False, [(ENDED, end)] * 2 + left)


async def test_a_run_of_a_cancelled_backfill_that_starts_again_is_told_of_as_well(
    world: World,
) -> None:
    made = await make_backfill(world, parallelism=1)
    await advance(world, made)
    (lease,) = await start_all(world)
    await stop(world, made, way="cancelled")
    await world.propose(lease, StateType.FAILED)
    is_done = not await tick(world)
    async with world.work() as work:
        await change.retry_run(work, run_id=lease.run_id)
    (again,) = await start_all(world)
    during = await told(world, made)
    await world.propose(again, StateType.COMPLETED)
    await tick(world)

    assert (is_done, during[0]) == (True, (STARTED, None))
    assert (await told(world, made))[0] == (ENDED, StateType.COMPLETED)
    async with world.work() as work:
        now = (await backfills.get_many_backfills(work, [made.id]))[made.id]
    assert now.status is BackfillStatus.CANCELLED


async def make_many(world: World) -> Backfill:
    """Make a backfill with more runs that go on than are changed in one transaction."""
    asked = BackfillRequest(
        deployment_id=world.deployed.deployment_id,
        parameter_sets=[{"day": n} for n in range(MANY)],
        parallelism=BATCH,
    )
    async with world.work() as work:
        made = await backfills.create_backfill(work, asked)
        await work.execute(
            update(backfill_rows).where(backfill_rows.c.id == made.id).values(parallelism=MANY)
        )
    assert await advance(world, made) == MANY
    return made


async def test_more_runs_than_one_transaction_takes_are_all_cancelled(world: World) -> None:
    made = await make_many(world)
    run_ids = [item.run_id for item in await items_of(world, made) if item.run_id]
    await stop(world, made, way="cancelled with its runs")
    first = await names(world, *run_ids)
    assert await tick(world)
    assert not await tick(world)

    assert (first.count("Cancelled"), first.count("Scheduled")) == (BATCH, MANY - BATCH)
    assert await told(world, made) == [(ENDED, StateType.CANCELLED)] * MANY
    async with world.work() as work:
        last = await read.list_states(work, flow_run_id=max(run_ids), after=1, most=10)
    assert [state.actor.kind for state in last] == [ActorKind.USER]
    assert last[0].message == f"The backfill {made.name} was cancelled."


async def test_cancelling_again_cancels_runs_that_were_left_at_first(world: World) -> None:
    made = await make_backfill(world, parallelism=2)
    await advance(world, made)
    run_ids = [item.run_id for item in await items_of(world, made) if item.run_id]
    await stop(world, made, way="cancelled")
    left = await names(world, *run_ids)
    await stop(world, made, way="cancelled with its runs")

    assert left == ["Scheduled"] * 2
    assert await names(world, *run_ids) == ["Cancelled"] * 2


async def fail(world: World, made: Backfill) -> LeaseRef:
    """Run the next item of a backfill, which fails."""
    await advance(world, made)
    (lease,) = await start_all(world)
    await world.propose(lease, StateType.FAILED)
    return lease


async def test_who_cancels_a_backfill_waits_for_nobody_who_starts_its_run_again(
    world: World,
) -> None:
    made = await make_backfill(world, parallelism=2)
    await advance(world, made)
    failed, other = await start_all(world)
    await world.propose(failed, StateType.FAILED)

    async with world.work() as starting:
        assert await lock_run(starting, failed.run_id) is not None
        async with asyncio.timeout(DEADLINE_SECONDS):
            await stop(world, made, way="cancelled with its runs")
        await change.retry_run(starting, run_id=failed.run_id)

    assert await names(world, other.run_id) == ["Cancelling"]


async def test_a_run_that_somebody_held_is_cancelled_once_it_is_free(world: World) -> None:
    made = await make_backfill(world, parallelism=2)
    await advance(world, made)
    held, free = [item.run_id for item in await items_of(world, made) if item.run_id]

    async with world.work() as work:
        assert await lock_run(work, held) is not None
        await stop(world, made, way="cancelled with its runs")
        await tick(world)
        during = await names(world, held, free)
    await tick(world)

    assert during == ["Scheduled", "Cancelled"]
    assert await names(world, held, free) == ["Cancelled"] * 2


async def mark_hours(world: World) -> None:
    """Mark the hours of today's runs as to be counted, as they are where much goes on."""
    async with world.system() as work:
        now = work.now.replace(minute=0, second=0, microsecond=0)
        values = [
            {"workspace_id": work.workspace_id, "hour": now + timedelta(hours=hours)}
            for hours in (-1, 0, 1)
        ]
        await work.execute(insert(stale_run_hours).on_conflict_do_nothing(), values)


async def test_batches_over_runs_of_two_backfills_never_wait_for_each_other(world: World) -> None:
    one, two = [await make_backfill(world, parallelism=1) for _ in range(2)]
    runs = [(await fail(world, made)).run_id for made in (one, two, one, two)]
    for made in (one, two):
        await advance(world, made)
    assert runs == sorted(runs)
    await mark_hours(world)

    async def start_again(*run_ids: UUID) -> list[bool]:
        async with world.work() as work:
            results = await bulk.retry_runs(work, run_ids)
        return [isinstance(one, bulk.Transition) and one.is_accepted for one in results]

    async with world.work() as work:
        assert await lock_run(work, runs[3]) is not None
        held = asyncio.create_task(start_again(runs[0], runs[3]))
        await eventually(lambda: somebody_waits(work), what="the batch that waits for a run")
        async with asyncio.timeout(DEADLINE_SECONDS):
            free = await start_again(runs[1], runs[2])

    assert (free, await held) == ([True, True], [True, True])
    for made in (one, two):
        assert [status for status, _ in await told(world, made)] == [STARTED] * 3 + [WAITING]
