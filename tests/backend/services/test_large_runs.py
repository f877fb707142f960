"""Runs with large parameters: so much is stored at once, and the others are made afterwards."""

import pytest
from sqlalchemy import update

from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain.backfills import BackfillRequest
from headgate_server.domain.flow_runs import BatchTooLarge, FlowRun
from headgate_server.domain.schedules.schedule import ScheduleRequest
from headgate_server.domain.schedules.specs import IntervalSpec
from headgate_server.services import backfills
from headgate_server.services.deployments import DeploymentChanges
from headgate_server.services.flow_runs import create
from headgate_server.tables.flows import deployments
from tests.backend.services.test_backfill_outcomes import advance
from tests.factories.schedules import HORIZON, NOON, set_scene
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

LARGE = {"text": "a" * 500_000}
FITTING = 33
ASKED = FITTING + 2


async def enlarge(world: World) -> None:
    async with world.work() as work:
        await work.execute(
            update(deployments)
            .where(deployments.c.id == world.deployed.deployment_id)
            .values(parameters=LARGE)
        )


async def test_runs_of_a_batch_beyond_what_is_stored_at_once_are_refused(world: World) -> None:
    await enlarge(world)
    request = create.RunRequest(deployment_id=world.deployed.deployment_id)
    small = create.RunRequest(deployment_id=world.deployed.deployment_id, parameters={"text": ""})

    async with world.work() as work:
        made = await create.create_runs(work, [small, *[request] * FITTING, request, small])

    kinds = [type(one) for one in made]
    assert kinds == [*[FlowRun] * (FITTING + 1), *[BatchTooLarge] * 2]


async def test_items_of_a_backfill_that_do_not_fit_wait_for_the_next_look(world: World) -> None:
    await enlarge(world)
    asked = BackfillRequest(
        deployment_id=world.deployed.deployment_id,
        parameter_sets=[{"day": n} for n in range(ASKED)],
        parallelism=ASKED,
    )
    async with world.work() as work:
        made = await backfills.create_backfill(work, asked)

    assert [await advance(world, made) for _ in range(3)] == [FITTING, ASKED - FITTING, 0]


async def test_schedules_make_every_run_however_large(urls: DatabaseUrls) -> None:
    every = HORIZON / ASKED
    async with set_scene(urls) as scene:
        await scene.change(DeploymentChanges(parameters=LARGE))
        await scene.put(ScheduleRequest(slug="often", spec=IntervalSpec(every, NOON)))
        await scene.tick()
        ledger = await scene.ledger()

    assert len(ledger) > FITTING
    assert {outcome for _, outcome in ledger} == {"CREATED"}
