"""What a claimed run is told of itself: when it was due first, and whether somebody named it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from headgate_server.domain import names
from headgate_server.domain.deployments import AgentLostPolicy
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.states import StateType, propose
from headgate_server.repositories import deployments
from headgate_server.services.deployments import apply_changes
from headgate_server.services.flow_runs import change, create, read
from headgate_server.services.leases import hold
from headgate_server.tables.work_pools import work_items
from tests.factories.deployments import Promise, make_deployment, make_session
from tests.fixtures.world import LEASE, World

pytestmark = pytest.mark.anyio


async def create_one(world: World, **given: Any) -> UUID:
    request = create.RunRequest(deployment_id=world.deployed.deployment_id, **given)
    async with world.work() as work:
        return (await create.create_run(work, request)).id


async def claim(world: World) -> tuple[LeaseRef, dict[str, Any]]:
    """Claim the run that is due, and return its lease and its job."""
    (offered,) = await world.offer()
    lease = LeaseRef(offered.run_id, offered.token, offered.epoch)
    async with world.work() as work:
        _, job = await hold.claim_run(
            work, session_id=world.session_id, lease=lease, duration=LEASE
        )
    return lease, job


async def name_of(world: World, run_id: UUID) -> str:
    async with world.work() as work:
        return (await read.get_many_flow_runs(work, [run_id]))[run_id].name


async def start(world: World, lease: LeaseRef, *, run_name: str | None) -> None:
    """Pass the start gate, with the name that the flow declares."""
    async with world.work() as work:
        done = await change.set_state(
            work,
            run_id=lease.run_id,
            state=propose(StateType.RUNNING, details={"runName": run_name}),
            lease=lease,
            key=None,
        )
    assert done.error is None
    assert run_name is None or done.run.name == await name_of(world, lease.run_id)


async def test_a_run_that_is_started_again_was_due_when_it_was_first(world: World) -> None:
    async with world.work() as work:
        due = work.now - timedelta(days=3)
    run_id = await create_one(world, expected_start=due)
    lease, job = await claim(world)
    await world.propose(lease, StateType.RUNNING)
    await world.propose(lease, StateType.FAILED)
    async with world.work() as work:
        await change.retry_run(work, run_id=run_id)

    again, job_again = await claim(world)

    assert again.run_id == run_id
    assert datetime.fromisoformat(job["expectedStart"]) == due
    assert datetime.fromisoformat(job_again["expectedStart"]) == due


async def test_a_run_that_is_started_before_its_time_is_expected_then_and_about_what_it_was(
    world: World,
) -> None:
    async with world.work() as work:
        due, now = work.now + timedelta(days=30), work.now
    run_id = await create_one(world, expected_start=due)
    async with world.work() as work:
        state = propose(StateType.SCHEDULED)
        done = await change.set_state(work, run_id=run_id, state=state, lease=None, key=None)

    _, job = await claim(world)

    assert done.error is None
    assert datetime.fromisoformat(job["expectedStart"]) == due
    async with world.work() as work:
        run = (await read.get_many_flow_runs(work, [run_id]))[run_id]
    assert run.expected_start is not None
    assert now <= run.expected_start <= work.now


async def test_a_run_that_nobody_named_takes_the_name_of_its_flow_as_it_starts(
    world: World,
) -> None:
    run_id = await create_one(world)
    lease, job = await claim(world)

    await start(world, lease, run_name="load-2026-03-04")

    assert job["isRunNamed"] is False
    assert await name_of(world, run_id) == "load-2026-03-04"


async def test_a_run_keeps_the_name_of_its_first_start(world: World) -> None:
    run_id = await create_one(world)
    lease, _ = await claim(world)
    await start(world, lease, run_name="first")
    await world.propose(lease, StateType.FAILED)
    async with world.work() as work:
        await change.retry_run(work, run_id=run_id)

    again, job = await claim(world)
    await start(world, again, run_name="second")

    assert job["isRunNamed"] is True
    assert await name_of(world, run_id) == "first"


async def test_a_name_that_somebody_gave_is_kept(world: World) -> None:
    run_id = await create_one(world, name="mine")
    lease, job = await claim(world)

    await start(world, lease, run_name="other")

    assert job["isRunNamed"] is True
    assert await name_of(world, run_id) == "mine"


async def test_a_name_comes_with_the_start_only(world: World) -> None:
    run_id = await create_one(world)
    made_up = await name_of(world, run_id)
    lease, _ = await claim(world)
    await start(world, lease, run_name=None)

    async with world.work() as work:
        await change.set_state(
            work,
            run_id=run_id,
            state=propose(StateType.COMPLETED, details={"runName": "late"}),
            lease=lease,
            key=None,
        )

    assert await name_of(world, run_id) == made_up


@pytest.mark.parametrize("name", ["", 3, "two\nlines", "x" * 201])
async def test_a_name_that_is_none_is_refused(world: World, name: Any) -> None:
    await create_one(world)
    lease, _ = await claim(world)

    with pytest.raises(InvalidInput):
        await start(world, lease, run_name=name)


def test_made_up_names_are_told_from_others() -> None:
    assert all(names.is_made_up(names.run_name()) for _ in range(100))
    assert not any(names.is_made_up(name) for name in ("nightly", "load-2026", "a-b", "", "-"))


@pytest.mark.parametrize(
    "edit", [{"on_agent_lost": AgentLostPolicy.CRASH}, {"fence": timedelta(hours=1)}]
)
async def test_agent_and_server_go_by_one_promise_whatever_is_edited_before_the_claim(
    world: World, edit: dict[str, Any]
) -> None:
    async with world.work() as work:
        world.deployed = await make_deployment(work, promise=Promise(on_agent_lost="RETRY"))
        world.session_id = await make_session(work, world.deployed)
    await create_one(world)
    async with world.work() as work:
        current = await deployments.lock_deployment(work, id_=world.deployed.deployment_id)
        assert current is not None
        await apply_changes(work, current, {}, columns=edit)

    lease, job = await claim(world)
    await world.propose(lease, StateType.RUNNING)

    async with world.system() as work:
        item = select(work_items.c.on_agent_lost, work_items.c.fence_ms)
        row = (await work.execute(item)).one()
    assert tuple(row) == ("RETRY", 600_000)
    assert (job["onAgentLost"], job["fenceSeconds"]) == ("RETRY", 600.0)
