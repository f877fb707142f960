"""Backfills of many tenants: they take turns, and those that wait for their runs cost little."""

from datetime import timedelta

import pytest

from headgate_server.domain.backfills import Backfill, BackfillRequest, BackfillStatus
from headgate_server.domain.errors import Conflict, LimitExceeded
from headgate_server.domain.states import StateType
from headgate_server.loops import backfills as loop
from headgate_server.loops.loop import LoopContext
from headgate_server.repositories import backfills as stored
from headgate_server.services import backfills
from headgate_server.settings import Timers
from tests.factories.deployments import make_deployment
from tests.factories.tenants import make_tenant
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

TEN_MINUTES = timedelta(minutes=10)


async def make(world: World, *, parallelism: int = 1) -> Backfill:
    asked = BackfillRequest(
        deployment_id=world.deployed.deployment_id,
        parameter_sets=[{"size": size} for size in range(3)],
        parallelism=parallelism,
    )
    async with world.work() as work:
        return await backfills.create_backfill(work, asked)


async def make_elsewhere(world: World) -> Backfill:
    """Make one in a workspace of another organization."""
    tenant = await make_tenant(world.database)
    async with world.database.tenant(tenant.owner, tenant.workspace_id) as work:
        deployed = await make_deployment(work)
        asked = BackfillRequest(deployment_id=deployed.deployment_id, parameter_sets=[{}])
        return await backfills.create_backfill(work, asked)


async def round_of(world: World) -> int:
    return await loop.run_once(LoopContext(world.database, world.bus, Timers()))


async def is_due(world: World) -> bool:
    async with world.system() as work:
        return bool(await backfills.list_due(work, most=1))


async def test_workspace_with_many_is_followed_by_others_before_its_next(world: World) -> None:
    many = [await make(world) for _ in range(4)]
    other = await make_elsewhere(world)

    async with world.system() as work:
        due = await backfills.list_due(work, most=3)

    assert [id_ for _, id_ in due] == [many[0].id, other.id, many[1].id]


async def test_round_ends_in_time_and_the_next_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "LONGEST_SECONDS", 0.0)
    for _ in range(2):
        await make(world, parallelism=3)

    assert [await round_of(world) for _ in range(3)] == [3, 3, 0]


async def test_backfill_that_waits_for_its_runs_is_looked_at_rarely_and_as_one_ends(
    world: World,
) -> None:
    await make(world)
    assert await round_of(world) == 1
    (offered,) = await world.offer()
    lease = await world.claim(offered)
    await world.propose(lease, StateType.RUNNING)

    world.shift.by = TEN_MINUTES
    assert await round_of(world) == 0
    world.shift.by += backfills.LOOK_LATER / 2
    assert not await is_due(world)
    await world.propose(lease, StateType.COMPLETED)

    assert await is_due(world)
    assert await round_of(world) == 1


async def test_backfill_is_looked_at_again_soon_where_a_run_of_it_has_just_ended(
    world: World,
) -> None:
    await make(world, parallelism=3)
    assert await round_of(world) == 3
    offered, *_ = await world.offer()
    lease = await world.claim(offered)
    await world.propose(lease, StateType.RUNNING)
    world.shift.by = TEN_MINUTES
    await round_of(world)
    await world.propose(lease, StateType.COMPLETED)

    # Another end may come just as this one is looked at, which hastens nothing then.
    await round_of(world)
    world.shift.by += backfills.LOOK_AGAIN

    assert await is_due(world)


async def test_workspace_has_so_many_backfills_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfills, "MAX_LIVE", 2)
    first, _ = await make(world), await make(world)
    with pytest.raises(LimitExceeded):
        await make(world)
    await make_elsewhere(world)

    async with world.work() as work:
        await backfills.cancel_backfill(work, id_=first.id)

    assert await make(world)


async def test_backfill_that_has_ended_is_retried_only_where_there_is_room(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfills, "MAX_LIVE", 1)
    failed = await make(world)
    async with world.system() as work:
        await stored.set_status(work, id_=failed.id, status=BackfillStatus.FAILED)
    other = await make(world)

    async with world.work() as work:
        with pytest.raises(LimitExceeded):
            await backfills.retry_backfill(work, id_=failed.id)
        await backfills.cancel_backfill(work, id_=other.id)

        # There is room: what it lacks is something to retry.
        with pytest.raises(Conflict):
            await backfills.retry_backfill(work, id_=failed.id)
