"""A quota of runs at once: runs wait until there is room, and those of others go ahead."""

import asyncio

import pytest

from headgate_server.domain.quotas import Quota, QuotaKind
from headgate_server.domain.states import StateType
from headgate_server.loops import quotas as loop
from headgate_server.loops.loop import LoopContext
from headgate_server.services import quotas
from headgate_server.services.leases import offer
from headgate_server.settings import Timers
from tests.backend.services.test_quotas import limit
from tests.factories.deployments import make_deployment, make_session
from tests.factories.tenants import make_tenant
from tests.fixtures.world import OFFER_TTL, World

pytestmark = pytest.mark.anyio

REPLICAS = 4


async def shown(world: World) -> Quota:
    await loop.run_once(LoopContext(world.database, world.bus, Timers()))
    async with world.work() as work:
        found = await quotas.list_quotas(work, organization_id=world.tenant.organization_id)
    return next(one for one in found if one.kind is QuotaKind.RUNS_AT_ONCE)


async def test_runs_beyond_it_wait_and_go_on_as_others_end(world: World) -> None:
    await limit(world, runs_at_once=2)
    made = await world.create(3)

    first = await world.offer()
    none = await world.offer()
    held = await shown(world)
    lease = await world.claim(first[0])
    await world.propose(lease, StateType.RUNNING)
    await world.propose(lease, StateType.COMPLETED)
    last = await world.offer()

    assert (len(made), len(first), none, len(last)) == (3, 2, [], 1)
    assert (held.limit, held.used) == (2, 2)
    assert {one.run_id for one in (*first, *last)} == {run.id for run in made}


async def test_replicas_together_offer_no_more(world: World) -> None:
    await limit(world, runs_at_once=3)
    await world.create(10)

    offered = await asyncio.gather(*(world.offer() for _ in range(REPLICAS)))

    assert sum(len(found) for found in offered) == 3


async def test_pools_and_workspaces_of_an_organization_share_it_and_others_do_not(
    world: World,
) -> None:
    await limit(world, runs_at_once=1)
    await world.create(1)
    other = await make_tenant(world.database)
    async with world.database.tenant(other.owner, other.workspace_id) as work:
        elsewhere = await make_deployment(work)
        session_id = await make_session(work, elsewhere)
    theirs = World(
        world.database, world.bus, other, world.shift, elsewhere, session_id, world.instruments
    )
    await theirs.create(2)
    await world.offer()
    await world.create(1)

    assert await world.offer() == []
    assert len(await theirs.offer()) == 2


async def test_pool_whose_runs_wait_is_looked_at_again_soon(world: World) -> None:
    await world.create(2)

    async def next_look() -> float | None:
        async with world.system() as work:
            due_at = await offer.next_due_at(work, world.deployed.work_pool_id)
            return None if due_at is None else (due_at - work.now).total_seconds()

    without = await next_look()
    await limit(world, runs_at_once=1)
    await world.offer()

    assert (without, await next_look()) == (None, 1.0)


async def test_pool_without_a_quota_asks_no_more_than_before(
    world: World, statements: list[str]
) -> None:
    await world.create(1)
    statements.clear()

    async with world.system() as work:
        found = await offer.offer_runs(
            work,
            work_pool_id=world.deployed.work_pool_id,
            groups={None: [world.session_id]},
            most=1,
            offer_ttl=OFFER_TTL,
        )

    assert len(found) == 1
    assert not [one for one in statements if "advisory" in one]
