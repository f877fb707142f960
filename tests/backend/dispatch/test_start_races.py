"""A thousand claims and starts at once, through five replicas: each run starts once an epoch."""

import asyncio
from collections import Counter
from uuid import UUID

from headgate_server.database.urls import DatabaseUrls
from headgate_server.dispatch.changes import Changes
from headgate_server.domain.errors import HeadgateError
from headgate_server.domain.leases import LeaseRef, Offer
from headgate_server.domain.states import StateType, propose
from headgate_server.services.flow_runs.change import check_proposal
from headgate_server.services.leases.hold import Claim
from tests.factories.deployments import make_session
from tests.fixtures.sql import query
from tests.fixtures.world import LEASE, World

RUNS = 100
REPLICAS = 5


async def offers_of(world: World) -> list[Offer]:
    """Return so many runs, offered to one session."""
    async with world.work() as work:
        world.session_id = await make_session(work, world.deployed, capacity=RUNS)
    await world.create(RUNS)
    return await world.offer()


async def test_of_many_that_claim_and_start_a_run_at_once_one_starts_it(
    world: World, urls: DatabaseUrls
) -> None:
    offers = await offers_of(world)
    leases = [LeaseRef(one.run_id, one.token, one.epoch) for one in offers]
    replicas = [Changes(database=world.database) for _ in range(REPLICAS)]
    holder, workspace_id = world.tenant.owner, world.tenant.workspace_id
    started: Counter[UUID] = Counter()
    refused: list[str] = []

    async def claim(replica: Changes, lease: LeaseRef) -> None:
        asked = Claim(world.session_id, lease, LEASE, holder.actor)
        await replica.claim(holder, workspace_id, asked)

    async def start(replica: Changes, lease: LeaseRef) -> None:
        state = propose(StateType.RUNNING)
        proposal = check_proposal(run_id=lease.run_id, state=state, lease=lease, key=None)
        done = await replica.propose(holder, workspace_id, run_id=lease.run_id, proposal=proposal)
        if done.error is None and done.state is not None:
            started[lease.run_id] += 1
        elif isinstance(done.error, HeadgateError):
            refused.append(done.error.code)

    async with asyncio.TaskGroup() as tasks:
        for lease in leases:
            for replica in replicas:
                tasks.create_task(claim(replica, lease))
    async with asyncio.TaskGroup() as tasks:
        for lease in leases:
            for replica in replicas:
                tasks.create_task(start(replica, lease))

    assert started == {lease.run_id: 1 for lease in leases}
    assert (len(leases), len(refused)) == (RUNS, RUNS * (REPLICAS - 1))
    assert await query(urls.owner, "select count(*) from attempts") == RUNS
    assert await query(urls.owner, "select count(*) from states") == 3 * RUNS
