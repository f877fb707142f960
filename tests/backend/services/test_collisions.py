"""Limited deployments on a real database: how many run at once, and what becomes of one more."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select, text

from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain.deployments import CollisionPolicy
from headgate_server.domain.due_looks import EARLIEST
from headgate_server.domain.errors import HeadgateError, InvalidInput
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.ids import Kind, new_id, show
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.states import StateType
from headgate_server.loops import collisions as loop
from headgate_server.loops.loop import LoopContext
from headgate_server.repositories.statements import named
from headgate_server.services import deployments
from headgate_server.services.deployments import DeploymentChanges
from headgate_server.services.flow_runs import create
from headgate_server.services.flow_runs.read import get_many_flow_runs, list_states
from headgate_server.settings import Timers
from headgate_server.tables.flows import deployments as deployment_rows
from headgate_server.tables.flows import flows as flow_rows
from headgate_server.tables.work_pools import work_items
from tests.fixtures.sql import query
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio


async def limit(world: World, limit: int | None, **more: Any) -> None:
    async with world.work() as work:
        row = (
            await work.execute(
                select(deployment_rows.c.name, flow_rows.c.name.label("flow"))
                .join(flow_rows, flow_rows.c.id == deployment_rows.c.flow_id)
                .where(deployment_rows.c.id == world.deployed.deployment_id)
            )
        ).one()
        await deployments.upsert_deployment(
            work,
            flow_name=row.flow,
            name=row.name,
            lease=Timers().lease,
            changes=DeploymentChanges(concurrency_limit=limit, **more),
        )


async def make(world: World, count: int = 1, **more: Any) -> list[FlowRun]:
    request = create.RunRequest(deployment_id=world.deployed.deployment_id, **more)
    async with world.work() as work:
        made = await create.create_runs(work, [request] * count)
    assert not [one for one in made if isinstance(one, HeadgateError)]
    return [one for one in made if isinstance(one, FlowRun)]


async def names(world: World, *runs: FlowRun | UUID) -> list[str]:
    wanted = [run.id if isinstance(run, FlowRun) else run for run in runs]
    async with world.work() as work:
        found = await get_many_flow_runs(work, wanted)
    return [found[id_].state_name for id_ in wanted]


async def start_all(world: World) -> list[LeaseRef]:
    leases = [await world.claim(offered) for offered in await world.offer()]
    for lease in leases:
        await world.propose(lease, StateType.RUNNING)
    return leases


async def judge_due(world: World) -> int:
    return await loop.run_once(LoopContext(world.database, world.bus, Timers()))


async def test_no_more_run_at_once_than_may_and_each_end_lets_one_more(world: World) -> None:
    await limit(world, 2)
    made = await make(world, 5)

    first = await start_all(world)
    none = await world.offer()
    await world.propose(first[0], StateType.COMPLETED)
    second = await world.offer()

    assert [run.state_name for run in made] == ["Scheduled"] * 2 + ["AwaitingConcurrencySlot"] * 3
    assert (len(first), none, [one.run_id for one in second]) == (2, [], [made[2].id])
    async with world.work() as work:
        states = await list_states(work, flow_run_id=made[2].id, after=0, most=10)
    held = sorted(show(Kind.FLOW_RUN, lease.run_id) for lease in first)
    assert states[1].details == {"collision": {"policy": "ENQUEUE", "limit": 2, "runs": held}}
    assert states[1].decision is not None


async def test_a_limit_of_zero_starts_nothing_and_none_starts_everything(world: World) -> None:
    await limit(world, 0)
    await make(world, 3)
    shut = await world.offer()

    await limit(world, 1)
    one = await world.offer()
    await limit(world, None)
    rest = await world.offer()

    assert (len(shut), len(one), len(rest)) == (0, 1, 2)


async def test_what_runs_already_counts_to_a_limit_that_is_set(world: World) -> None:
    await make(world, 2)
    running = await start_all(world)

    await limit(world, 2)
    await make(world, 1)
    assert await world.offer() == []
    await world.propose(running[0], StateType.FAILED)

    assert len(await world.offer()) == 1


async def test_blocked_runs_starve_nobody_and_are_not_read(
    world: World, urls: DatabaseUrls, statements: list[str]
) -> None:
    await limit(world, 1)
    await make(world, 2)
    await start_all(world)
    await multiply_blocked(world, 10_000)
    free = await make_free_run(world)
    await query(urls.owner, "analyze work_items")
    statements.clear()

    offered = await world.offer()

    assert [one.run_id for one in offered] == [free]
    asked = [one for one in statements if "work_items" in one or "work_pools" in one]
    assert len(asked) == 5
    assert await rows_read_by_a_round(world) < 50


COPY_RUN = text(
    "insert into flow_runs select (jsonb_populate_record("
    "one, jsonb_build_object('id', md5(n::text)::uuid))).* "
    "from flow_runs one, generate_series(1, :count) n where one.id = :run_id"
)
COPY_ITEM = text(
    "insert into work_items select (jsonb_populate_record("
    "one, jsonb_build_object('run_id', md5(n::text)::uuid))).* "
    "from work_items one, generate_series(1, :count) n where one.run_id = :run_id"
)


async def multiply_blocked(world: World, count: int) -> None:
    """Make so many copies of the one run that waits, all due before whatever comes next."""
    async with world.system() as work:
        waits = select(work_items.c.run_id).where(work_items.c.phase == "READY")
        run_id = (await work.execute(waits)).scalar_one()
        for statement in (COPY_RUN, COPY_ITEM):
            await work.execute(statement, {"count": count, "run_id": run_id})


async def make_free_run(world: World) -> UUID:
    """Make one run of a deployment without a limit, due after all that wait."""
    own = select(deployment_rows).where(deployment_rows.c.id == world.deployed.deployment_id)
    deployment_id = new_id()
    async with world.work() as work:
        values = dict((await work.execute(own)).mappings().one())
        values |= {"id": deployment_id, "name": "free", "concurrency_limit": None}
        await work.execute(insert(deployment_rows).values(**values))
        run = await create.create_run(work, create.RunRequest(deployment_id=deployment_id))
    return run.id


async def rows_read_by_a_round(world: World) -> int:
    """Return how many work items the statements of one round read, as their plans count them."""
    queue_ids = [world.deployed.work_queue_id]
    given = {
        "workspace_id": world.tenant.workspace_id,
        "queue_ids": queue_ids,
        "work_pool_id": world.deployed.work_pool_id,
        "session_ids": [world.session_id],
        "queue_room": "[]",
        "deployment_room": "[]",
        "due_since": EARLIEST,
        "held_since": EARLIEST,
        "most": 100,
        "offer_ttl": timedelta(seconds=15),
        "missed_after": timedelta(seconds=30),
    }
    total = 0
    async with world.system() as work:
        for name in ("list_limited", "offer_runs"):
            statement = text(f"explain (analyze, format json) {named(name).text}")
            wanted = {key: given[key] for key in statement.compile().params if key in given}
            plan = await work.execute(statement, {"now": work.now, **wanted})
            total += rows_of(plan.scalar_one()[0]["Plan"])
    return total


def rows_of(plan: dict[str, Any]) -> int:
    """Return how many rows of work items a plan reads, those that a filter drops with them."""
    own = 0
    if plan.get("Relation Name") == "work_items" and plan["Node Type"] != "ModifyTable":
        seen = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        own = int(seen * plan["Actual Loops"])
    return own + sum(rows_of(below) for below in plan.get("Plans", ()))


async def test_cancel_new_cancels_the_run_that_is_one_too_many(world: World) -> None:
    await limit(world, 1, on_collision=CollisionPolicy.CANCEL_NEW)
    (first,) = await make(world)
    (second,) = await make(world)
    (lease,) = await start_all(world)
    (third,) = await make(world)
    await world.propose(lease, StateType.COMPLETED)
    (fourth,) = await make(world)

    assert [second.state_name, third.state_name] == ["Cancelled", "Cancelled"]
    assert (await names(world, first, fourth)) == ["Completed", "Scheduled"]
    async with world.work() as work:
        states = await list_states(work, flow_run_id=third.id, after=0, most=10)
    assert states[-1].details["collision"] == {
        "policy": "CANCEL_NEW",
        "limit": 1,
        "runs": [show(Kind.FLOW_RUN, first.id)],
    }
    assert states[-1].decision is not None
    assert states[-1].decision["facts"]["proposer"] == "SYSTEM"


async def test_cancel_old_cancels_what_runs_and_what_waits_for_the_new_one(world: World) -> None:
    await limit(world, 1, on_collision=CollisionPolicy.CANCEL_OLD)
    (first,) = await make(world)
    (lease,) = await start_all(world)
    (second,) = await make(world)
    (third,) = await make(world)

    assert await names(world, first, second, third) == [
        "Cancelling",
        "Cancelled",
        "AwaitingConcurrencySlot",
    ]
    assert await world.offer() == []
    await world.propose(lease, StateType.CANCELLED)
    assert [one.run_id for one in await world.offer()] == [third.id]


async def test_coalesce_keeps_one_that_waits_of_each_key(world: World) -> None:
    await limit(world, 1, on_collision=CollisionPolicy.COALESCE, collision_parameter="customer")
    await make(world, parameters={"customer": "acme"})
    await start_all(world)
    (waits,) = await make(world, parameters={"customer": "acme"})
    (same,) = await make(world, parameters={"customer": "acme"})
    (other,) = await make(world, parameters={"customer": "emca"})
    (named,) = await make(world, parameters={"customer": "acme"}, collision_key="own")

    assert [run.state_name for run in (waits, same, other, named)] == [
        "AwaitingConcurrencySlot",
        "Cancelled",
        "AwaitingConcurrencySlot",
        "AwaitingConcurrencySlot",
    ]
    async with world.work() as work:
        states = await list_states(work, flow_run_id=same.id, after=0, most=10)
    assert show(Kind.FLOW_RUN, waits.id) in (states[-1].message or "")


async def test_planned_runs_are_judged_as_their_time_comes(world: World) -> None:
    await limit(world, 1, on_collision=CollisionPolicy.CANCEL_NEW)
    async with world.work() as work:
        soon = work.now + timedelta(minutes=1)
    planned = await make(world, 2, expected_start=soon)
    early = await judge_due(world)

    assert (early, [run.state_name for run in planned]) == (0, ["Scheduled"] * 2)
    world.shift.by = timedelta(minutes=2)
    judged = await judge_due(world)

    assert (judged, await judge_due(world)) == (2, 0)
    assert sorted(await names(world, *planned)) == ["Cancelled", "Scheduled"]


async def test_a_batch_keeps_as_many_as_may_be(world: World) -> None:
    await limit(world, 2, on_collision=CollisionPolicy.CANCEL_NEW)

    made = await make(world, 4)

    assert sorted(run.state_name for run in made) == ["Cancelled"] * 2 + ["Scheduled"] * 2


async def test_bad_limits_are_refused(world: World) -> None:
    with pytest.raises(InvalidInput, match="from 0 to"):
        await limit(world, -1)
    await limit(world, 1, on_collision=CollisionPolicy.COALESCE)
    request = create.RunRequest(deployment_id=world.deployed.deployment_id, collision_key="")
    async with world.work() as work:
        (refused,) = await create.create_runs(work, [request])
    assert isinstance(refused, InvalidInput)
    assert refused.path == ("collisionKey",)
