"""Runs come before items in the order of locks: with an item in hand nobody waits for a run."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from headgate_server.domain.leases import LeaseOutcome, LeaseRef
from headgate_server.services.flow_runs import read
from headgate_server.services.leases import hold, reap
from headgate_server.tables.flow_runs import flow_runs
from tests.fixtures.world import LEASE, World

pytestmark = pytest.mark.anyio

SILENT_FOR = timedelta(seconds=45)
DEADLINE_SECONDS = 5


@asynccontextmanager
async def held(world: World, lease: LeaseRef) -> AsyncGenerator[None]:
    """Hold a run, as one who changes it does before the item is locked."""
    async with world.work() as work:
        await work.execute(
            select(flow_runs.c.id).where(flow_runs.c.id == lease.run_id).with_for_update()
        )
        yield


async def mark(world: World) -> int:
    async with asyncio.timeout(DEADLINE_SECONDS), world.system() as work:
        return await reap.mark_unresponsive(work, silent_for=SILENT_FOR)


async def renew(world: World, *leases: LeaseRef) -> list[LeaseOutcome]:
    async with asyncio.timeout(DEADLINE_SECONDS), world.work() as work:
        return [one.outcome for one in await hold.renew_leases(work, held=leases, lease=LEASE)]


async def silent_since(world: World, *leases: LeaseRef) -> list[datetime | None]:
    async with world.work() as work:
        runs = await read.get_many_flow_runs(work, [lease.run_id for lease in leases])
    return [runs[lease.run_id].unresponsive_since for lease in leases]


async def test_who_marks_or_renews_never_waits_for_a_run_that_somebody_changes(
    world: World,
) -> None:
    busy, free = await world.started(), await world.started()
    world.shift.by = timedelta(seconds=50)

    async with held(world, busy):
        assert await mark(world) == 1
    assert await mark(world) == 1
    assert None not in await silent_since(world, busy, free)

    world.shift.by += timedelta(seconds=30)
    async with held(world, busy):
        assert await renew(world, busy, free) == [LeaseOutcome.RENEWED] * 2
        since, back = await silent_since(world, busy, free)
        assert since is not None
        assert back is None

    assert await renew(world, busy, free) == [LeaseOutcome.RENEWED] * 2
    assert await silent_since(world, busy, free) == [None, None]
    assert await mark(world) == 0
