"""What today's version refuses is told once: retries of groups and of backfills come to an end."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from headgate_server.database.work import Database
from headgate_server.domain.backfills import BackfillItemStatus, BackfillStatus
from headgate_server.domain.deployments import Deployment
from headgate_server.loops import backfills as loop
from headgate_server.loops.loop import LoopContext
from headgate_server.services import backfills, failure_groups
from headgate_server.services.deployments import DeploymentChanges
from headgate_server.services.flow_runs.create import RunRequest, create_run
from headgate_server.settings import Timers
from headgate_server.tables.flow_runs import flow_runs
from tests.backend.services.test_backfill_outcomes import DAYS, make_backfill, set_schema
from tests.backend.services.test_deployments import deploy, make_pool
from tests.backend.services.test_failure_groups import fail, group_all, groups_of
from tests.factories.deployments import Deployed, make_deployment
from tests.factories.tenants import Tenant, make_tenant
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

WHOLE = {"type": "object", "properties": {"size": {"type": "integer"}}}
ANY: dict[str, Any] = {"type": "object"}


async def deploy_with(database: Database, tenant: Tenant, schema: dict[str, Any]) -> Deployment:
    changes = DeploymentChanges(
        entrypoint="f.py:etl", work_pool_name="p", parameter_schema=schema, is_schema_enforced=True
    )
    return await deploy(database, tenant, changes)


async def failed(database: Database, tenant: Tenant, made: Deployment, size: object) -> UUID:
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        run = await create_run(work, RunRequest(made.id, parameters={"size": size}))
        place = Deployed(run.flow_id, made.id, made.id, made.id)
        return await fail(work, place, "bad", run_id=run.id)


async def retry(
    database: Database, tenant: Tenant, *, most: int
) -> tuple[list[tuple[UUID, bool]], int, int]:
    """Retry the only group: which runs were meant and whether each started, and what is left."""
    (group,) = await groups_of(database, tenant)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        done = await failure_groups.retry_group(work, id_=group.id, most=most)
    started = [getattr(result, "is_accepted", False) for result in done.results]
    return list(zip(done.run_ids, started, strict=True)), done.remaining, done.refused


async def test_runs_that_the_schema_refuses_are_told_once_for_each_version(
    database: Database,
) -> None:
    tenant = await make_tenant(database)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        await make_pool(work)
    made = await deploy_with(database, tenant, ANY)
    bad = [await failed(database, tenant, made, "x") for _ in range(3)]
    good = await failed(database, tenant, made, 3)
    await group_all(database)

    await deploy_with(database, tenant, WHOLE)
    calls = [await retry(database, tenant, most=2) for _ in range(3)]
    await deploy_with(database, tenant, ANY)
    after = await retry(database, tenant, most=100)

    assert calls == [
        ([(bad[0], False), (bad[1], False)], 2, 2),
        ([(bad[2], False), (good, True)], 0, 3),
        ([], 0, 3),
    ]
    assert after == ([(run_id, True) for run_id in bad], 0, 0)


async def test_runs_that_nothing_can_start_are_told_once(database: Database) -> None:
    tenant = await make_tenant(database)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        deployed = await make_deployment(work)
        gone = [await fail(work, deployed, "bad") for _ in range(3)]
        orphaned = update(flow_runs).where(flow_runs.c.id.in_(gone)).values(deployment_id=None)
        await work.execute(orphaned)
    await group_all(database)

    calls = [await retry(database, tenant, most=2) for _ in range(3)]

    assert calls == [
        ([(gone[0], False), (gone[1], False)], 1, 2),
        ([(gone[2], False)], 0, 3),
        ([], 0, 3),
    ]


async def test_backfill_whose_items_are_refused_ends_at_once_and_says_why(world: World) -> None:
    made = await make_backfill(world, parallelism=1)
    await set_schema(world, {"type": "object", "required": ["never"]})
    context = LoopContext(world.database, world.bus, Timers())
    told: list[tuple[Any, ...]] = []

    for is_again in (False, True):
        if is_again:
            async with world.work() as work:
                await backfills.retry_backfill(work, id_=made.id)
        for _ in range(DAYS + 1):
            await loop.run_once(context)
        async with world.work() as work:
            found = (await backfills.get_many_backfills(work, [made.id]))[made.id]
            counts = (await backfills.get_many_counts(work, [made.id]))[made.id]
            refusals = (await backfills.get_many_refusals(work, [made.id]))[made.id]
        told.append((found.status, counts, list(refusals.values())))

    assert told == [(BackfillStatus.FAILED, {BackfillItemStatus.REFUSED: DAYS}, [DAYS])] * 2
