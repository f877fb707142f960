"""What becomes of a backfill's items: none is left out for another, and what failed runs again."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from headgate_server.domain.backfills import (
    Backfill,
    BackfillItemStatus,
    BackfillRequest,
    BackfillStatus,
)
from headgate_server.domain.collisions import Crowd, DueRun, Fate, judge
from headgate_server.domain.deployments import CollisionPolicy
from headgate_server.domain.errors import Conflict
from headgate_server.domain.ids import new_id
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.states import StateType
from headgate_server.loops import backfills as loop
from headgate_server.loops.loop import LoopContext
from headgate_server.repositories.flow_runs.transition import lock_run
from headgate_server.services import backfills
from headgate_server.services.flow_runs import change
from headgate_server.settings import Timers
from headgate_server.tables.backfills import backfills as backfill_rows
from headgate_server.tables.flows import deployments as deployment_rows
from tests.backend.services.test_collisions import judge_due, limit, make, names, start_all
from tests.backend.services.test_quotas import limit as limit_quotas
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

DAYS = 4
POLICIES = [CollisionPolicy.CANCEL_NEW, CollisionPolicy.CANCEL_OLD, CollisionPolicy.COALESCE]


async def make_backfill(world: World, *, parallelism: int = 3) -> Backfill:
    asked = BackfillRequest(
        deployment_id=world.deployed.deployment_id,
        parameter_sets=[{"day": n} for n in range(DAYS)],
        parallelism=parallelism,
    )
    async with world.work() as work:
        return await backfills.create_backfill(work, asked)


async def advance(world: World, made: Backfill) -> int:
    async with world.system() as work:
        return await backfills.advance_backfill(work, id_=made.id)


async def read(world: World, made: Backfill) -> tuple[Backfill, list[StateType | None]]:
    """Return a backfill as it is, and how the run of each item ended."""
    async with world.work() as work:
        now = (await backfills.get_many_backfills(work, [made.id]))[made.id]
        items = (await backfills.list_items(work, id_=made.id, page=PageRequest())).items
    return now, [item.outcome for item in items]


async def run_all(world: World, made: Backfill, *ends: StateType) -> None:
    """Have an agent run what a backfill makes until it is done; the first runs end as said."""
    left = list(ends)
    for _ in range(2 * DAYS):
        await advance(world, made)
        for lease in await start_all(world):
            await world.propose(lease, left.pop(0) if left else StateType.COMPLETED)


@pytest.mark.parametrize("policy", POLICIES)
async def test_every_item_runs_whatever_follows_at_the_deployments_limit(
    world: World, policy: CollisionPolicy
) -> None:
    await limit(world, 1, on_collision=policy)
    made = await make_backfill(world)

    await run_all(world, made)

    now, outcomes = await read(world, made)
    assert outcomes == [StateType.COMPLETED] * DAYS
    assert now.status is BackfillStatus.COMPLETED


async def test_runs_of_backfills_wait_for_others_and_others_do_not_wait_for_them(
    world: World,
) -> None:
    await limit(world, 2, on_collision=CollisionPolicy.COALESCE)
    await make(world)
    await start_all(world)
    made = await make_backfill(world)

    await advance(world, made)
    (other,) = await make(world)

    assert await names(world, other) == ["AwaitingConcurrencySlot"]
    assert len(await start_all(world)) == 1


@pytest.mark.parametrize("policy", [CollisionPolicy.CANCEL_NEW, CollisionPolicy.CANCEL_OLD])
async def test_others_wait_for_runs_of_backfills_and_cancel_none(
    world: World, policy: CollisionPolicy
) -> None:
    await limit(world, 1, on_collision=policy)
    made = await make_backfill(world)
    await advance(world, made)
    (waits,) = await make(world)
    (lease,) = await start_all(world)
    (newer,) = await make(world)
    others = await names(world, waits, newer)
    during = await names(world, lease.run_id)

    await world.propose(lease, StateType.COMPLETED)
    (other,) = await start_all(world)

    expected = ["AwaitingConcurrencySlot", "Cancelled"]
    stays = waits if policy is CollisionPolicy.CANCEL_NEW else newer
    assert others == (expected if stays is waits else expected[::-1])
    assert (during, other.run_id) == (["Running"], stays.id)


@pytest.mark.parametrize("policy", POLICIES)
async def test_runs_of_backfills_that_the_loop_judges_wait_as_well(
    world: World, policy: CollisionPolicy
) -> None:
    async with world.work() as work:
        soon = work.now + timedelta(minutes=1)
    of_backfill = {"triggered_by": {"type": "backfill"}, "is_patient": True}
    planned = await make(world, 3, expected_start=soon, **of_backfill)
    await limit(world, 1, on_collision=policy)
    world.shift.by = timedelta(minutes=2)

    assert await judge_due(world) == 3

    waits = ["AwaitingConcurrencySlot"] * 2
    assert sorted(await names(world, *planned)) == [*waits, "Scheduled"]


async def test_backfill_with_failed_items_says_so_and_runs_them_again(world: World) -> None:
    made = await make_backfill(world)
    await run_all(world, made, StateType.FAILED, StateType.COMPLETED, StateType.CRASHED)
    ended, outcomes = await read(world, made)
    async with world.work() as work:
        counts = (await backfills.get_many_outcomes(work, [made.id]))[made.id]
        again = await backfills.retry_backfill(work, id_=made.id, expected_version=ended.version)

    made_anew = await advance(world, made)
    await run_all(world, made)
    done, last = await read(world, made)

    assert (ended.status, again.status) == (BackfillStatus.FAILED, BackfillStatus.RUNNING)
    assert outcomes.count(StateType.COMPLETED) == DAYS - 2
    assert counts == {StateType.COMPLETED: 2, StateType.FAILED: 1, StateType.CRASHED: 1}
    assert made_anew == 2
    assert (done.status, last) == (BackfillStatus.COMPLETED, [StateType.COMPLETED] * DAYS)


async def test_item_whose_run_was_cancelled_or_is_gone_has_not_completed(world: World) -> None:
    made = await make_backfill(world, parallelism=DAYS)
    await advance(world, made)
    leases = await start_all(world)
    request = change.CancelRequest(is_forced=True)
    async with world.work() as work:
        await change.cancel_run(work, run_id=leases[0].run_id, request=request)
    for lease in leases[1:]:
        await world.propose(lease, StateType.COMPLETED)

    await advance(world, made)

    now, outcomes = await read(world, made)
    assert now.status is BackfillStatus.FAILED
    assert outcomes.count(StateType.CANCELLED) == 1


async def test_only_what_failed_is_run_again(world: World) -> None:
    good, gone = await make_backfill(world), await make_backfill(world)
    await run_all(world, good)
    async with world.work() as work:
        with pytest.raises(Conflict, match="No item"):
            await backfills.retry_backfill(work, id_=good.id)
        await backfills.cancel_backfill(work, id_=gone.id)
        with pytest.raises(Conflict, match="CANCELLED"):
            await backfills.retry_backfill(work, id_=gone.id)
        items = await backfills.get_many_counts(work, [good.id])

    assert items[good.id] == {BackfillItemStatus.ENDED: DAYS}


async def test_patient_runs_take_what_others_leave_and_cancel_nothing(world: World) -> None:
    async with world.work() as work:
        now = work.now
    held, first, second, patient = (new_id() for _ in range(4))
    new = [DueRun(patient, now, is_patient=True), DueRun(first, now), DueRun(second, now)]

    found = judge(new, policy=CollisionPolicy.CANCEL_NEW, limit=2, crowd=Crowd(held=[held]))
    alone = judge(new[:1], policy=CollisionPolicy.CANCEL_OLD, limit=1, crowd=Crowd(held=[held]))

    fates = {one.run_id: one.fate for one in found.verdicts}
    assert fates == {first: Fate.GO, second: Fate.CANCEL, patient: Fate.WAIT}
    assert (alone.verdicts[0].fate, alone.to_cancel) == (Fate.WAIT, ())


POISON = {"$ref": "#/components/P", "components": {"P": {"properties": {"day": {"type": 7}}}}}


async def fail_one(world: World) -> tuple[Backfill, LeaseRef]:
    """Run a backfill to its end; the run of one item fails."""
    made = await make_backfill(world, parallelism=DAYS)
    await advance(world, made)
    failed, *others = await start_all(world)
    await world.propose(failed, StateType.FAILED)
    for lease in others:
        await world.propose(lease, StateType.COMPLETED)
    await advance(world, made)
    return made, failed


async def test_item_follows_a_run_that_is_started_again_and_gets_no_second_one(
    world: World,
) -> None:
    made, failed = await fail_one(world)
    async with world.work() as work:
        await change.retry_run(work, run_id=failed.run_id)

    going_on, _ = await read(world, made)
    async with world.work() as work:
        with pytest.raises(Conflict, match="No item"):
            await backfills.retry_backfill(work, id_=made.id)
    made_anew = await advance(world, made)
    (lease,) = await start_all(world)
    await world.propose(lease, StateType.COMPLETED)
    await advance(world, made)
    done, outcomes = await read(world, made)

    assert (going_on.status, made_anew, lease.run_id) == (BackfillStatus.RUNNING, 0, failed.run_id)
    assert (done.status, outcomes) == (BackfillStatus.COMPLETED, [StateType.COMPLETED] * DAYS)


async def test_run_that_is_just_being_started_again_keeps_its_item(world: World) -> None:
    made, failed = await fail_one(world)

    async with world.work() as starting:
        assert await lock_run(starting, failed.run_id) is not None
        async with world.work() as work:
            with pytest.raises(Conflict, match="No item"):
                await backfills.retry_backfill(work, id_=made.id)
        await change.retry_run(starting, run_id=failed.run_id)

    now, _ = await read(world, made)
    assert now.status is BackfillStatus.RUNNING


async def set_schema(world: World, schema: dict[str, Any]) -> None:
    async with world.work() as work:
        await work.execute(
            update(deployment_rows)
            .where(deployment_rows.c.id == world.deployed.deployment_id)
            .values(parameter_schema=schema, is_schema_enforced=True)
        )


async def test_a_schema_that_is_none_refuses_its_own_items_alone(world: World) -> None:
    made = await make_backfill(world)
    await set_schema(world, POISON)

    await loop.run_once(LoopContext(world.database, world.bus, Timers()))
    now, _ = await read(world, made)

    assert now.status is BackfillStatus.RUNNING
    async with world.work() as work:
        counts = (await backfills.get_many_counts(work, [made.id]))[made.id]
    assert counts == {BackfillItemStatus.REFUSED: 3, BackfillItemStatus.WAITING: 1}


async def test_a_backfill_that_cannot_be_advanced_holds_no_other_up(world: World) -> None:
    broken, good = await make_backfill(world), await make_backfill(world)
    async with world.system() as work:
        await work.execute(
            update(backfill_rows)
            .where(backfill_rows.c.id == broken.id)
            .values(created_by_kind="nobody", due_at=work.now - timedelta(hours=1))
        )
    context = LoopContext(world.database, world.bus, Timers())

    assert await loop.run_once(context) == 3
    async with world.work() as work:
        counts = (await backfills.get_many_counts(work, [good.id]))[good.id]
        due = await backfills.list_due(work, most=10)

    assert counts == {BackfillItemStatus.STARTED: 3, BackfillItemStatus.WAITING: 1}
    assert broken.id not in [id_ for _, id_ in due]


async def test_items_wait_for_a_quota_and_run_once_it_has_room(world: World) -> None:
    made = await make_backfill(world, parallelism=DAYS)
    await limit_quotas(world, runs_per_day=1)

    first = await advance(world, made)
    (lease,) = await start_all(world)
    await world.propose(lease, StateType.COMPLETED)
    held = await advance(world, made)
    _, outcomes = await read(world, made)
    await limit_quotas(world, runs_per_day=None)
    await run_all(world, made)

    assert (first, held) == (1, 0)
    assert outcomes == [StateType.COMPLETED, None, None, None]
    now, outcomes = await read(world, made)
    assert now.status is BackfillStatus.COMPLETED
    assert outcomes == [StateType.COMPLETED] * DAYS
