"""Four eyes: whoever had a run made, in whichever way, does not answer for it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest

from headgate_server.domain.backfills import BackfillRequest
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.pauses import Approvers, NewPause, PauseStatus
from headgate_server.domain.reruns import WHOLE_RUN, RerunRequest
from headgate_server.domain.schedules.schedule import ScheduleRequest
from headgate_server.domain.schedules.specs import IntervalSpec
from headgate_server.domain.states import StateType, propose
from headgate_server.domain.tenancy import Principal
from headgate_server.services import backfills, pauses
from headgate_server.services.flow_runs import change
from headgate_server.services.schedules import fire, upsert
from tests.backend.services.test_approvals import answers, make_operator
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

EVERY_MINUTE = timedelta(minutes=1)


FOUR_EYES = Approvers(is_four_eyes=True)


async def pause_next(world: World, approvers: Approvers = FOUR_EYES) -> LeaseRef:
    """Start the run that waits, and have it ask for the answer of somebody who did not start it."""
    (offered,) = await world.offer()
    lease = await world.claim(offered)
    await world.propose(lease, StateType.RUNNING)
    asked = NewPause("1", approvers=approvers)
    async with world.work() as work:
        await pauses.pause_run(work, lease=lease, new=asked)
    return lease


async def make_backfill(world: World) -> UUID:
    asked = BackfillRequest(
        deployment_id=world.deployed.deployment_id, parameter_sets=[{}, {}], parallelism=1
    )
    async with world.work() as work:
        return (await backfills.create_backfill(work, asked)).id


async def advance(world: World, backfill_id: UUID) -> None:
    async with world.system() as work:
        await backfills.advance_backfill(work, id_=backfill_id)


async def test_whoever_made_the_backfill_does_not_answer(world: World) -> None:
    ann = (await make_operator(world)).principal
    await advance(world, await make_backfill(world))
    lease = await pause_next(world)

    assert not await answers(world, lease, world.tenant.owner)
    assert await answers(world, lease, ann)


@pytest.mark.parametrize("verb", ["resumed", "retried"])
async def test_whoever_let_the_backfill_go_on_does_not_answer(world: World, verb: str) -> None:
    ann, ben = [(await make_operator(world)).principal for _ in range(2)]
    backfill_id = await make_backfill(world)
    if verb == "retried":
        await advance(world, backfill_id)
        (offered,) = await world.offer()
        lease = await world.claim(offered)
        await world.propose(lease, StateType.RUNNING)
        await world.propose(lease, StateType.FAILED)
        async with world.database.tenant(ann, world.tenant.workspace_id) as work:
            await backfills.retry_backfill(work, id_=backfill_id)
    else:
        async with world.work() as work:
            await backfills.set_paused(work, id_=backfill_id, is_paused=True)
        async with world.database.tenant(ann, world.tenant.workspace_id) as work:
            await backfills.set_paused(work, id_=backfill_id, is_paused=False)
    await advance(world, backfill_id)
    lease = await pause_next(world)

    assert not await answers(world, lease, ann)
    assert await answers(world, lease, ben)


async def set_schedule(world: World, who: Principal, *, every: timedelta) -> UUID:
    async with world.work() as work:
        anchor = work.now
    wanted = ScheduleRequest(slug="often", spec=IntervalSpec(every, anchor))
    async with world.database.tenant(who, world.tenant.workspace_id) as work:
        made, _ = await upsert.upsert_schedule(
            work, deployment_id=world.deployed.deployment_id, wanted=wanted
        )
    return made.id


async def test_whoever_made_the_schedule_or_changed_it_last_does_not_answer(world: World) -> None:
    ann, ben = [(await make_operator(world)).principal for _ in range(2)]
    await set_schedule(world, world.tenant.owner, every=EVERY_MINUTE)
    await set_schedule(world, ben, every=2 * EVERY_MINUTE)
    await set_schedule(world, ann, every=EVERY_MINUTE)
    async with world.database.system() as work:
        await fire.materialise(work, horizon=2 * EVERY_MINUTE, limit=10)
    world.shift.by = 2 * EVERY_MINUTE
    lease = await pause_next(world)

    assert not await answers(world, lease, world.tenant.owner)
    assert not await answers(world, lease, ann)
    assert await answers(world, lease, ben)


async def test_whoever_started_a_run_of_a_backfill_again_does_not_answer(world: World) -> None:
    ann, ben = [(await make_operator(world)).principal for _ in range(2)]
    await advance(world, await make_backfill(world))
    (offered,) = await world.offer()
    lease = await world.claim(offered)
    await world.propose(lease, StateType.RUNNING)
    await world.propose(lease, StateType.FAILED)
    async with world.database.tenant(ann, world.tenant.workspace_id) as work:
        await change.retry_run(work, run_id=lease.run_id)
    lease = await pause_next(world)

    assert not await answers(world, lease, ann)
    assert not await answers(world, lease, world.tenant.owner)
    assert await answers(world, lease, ben)


OPERATORS, ANYBODY = Approvers(roles=("Operator",)), Approvers()
LARGER = RerunRequest(parameters={"size": 1_000_000})


async def retry(world: World, lease: LeaseRef, request: RerunRequest) -> None:
    await world.propose(lease, StateType.COMPLETED)
    async with world.work() as work:
        await change.retry_run(work, run_id=lease.run_id, request=request)


async def set_scheduled(world: World, lease: LeaseRef, request: RerunRequest) -> None:
    """Take a run from its process and have it start anew."""
    del request
    forced = change.Correction(is_forced=True)
    state = propose(StateType.SCHEDULED)
    async with world.work() as work:
        done = await change.set_state(
            work, run_id=lease.run_id, state=state, lease=None, key=None, correction=forced
        )
    assert done.is_accepted


@pytest.mark.parametrize(
    ("approvers", "again", "request_", "is_asked"),
    [
        (FOUR_EYES, retry, WHOLE_RUN, True),
        (FOUR_EYES, retry, LARGER, True),
        (FOUR_EYES, set_scheduled, WHOLE_RUN, True),
        (OPERATORS, retry, WHOLE_RUN, True),
        (ANYBODY, retry, LARGER, True),
        (ANYBODY, retry, WHOLE_RUN, False),
    ],
)
async def test_approval_holds_for_the_start_and_the_parameters_it_was_given_for(
    world: World,
    approvers: Approvers,
    again: Callable[[World, LeaseRef, RerunRequest], Awaitable[None]],
    request_: RerunRequest,
    is_asked: bool,  # noqa: FBT001  parametrized
) -> None:
    ann = (await make_operator(world)).principal
    await world.create()
    lease = await pause_next(world, approvers)
    assert await answers(world, lease, ann)

    await again(world, lease, request_)
    lease = await pause_next(world, approvers)

    async with world.work() as work:
        pause = await pauses.find_pause(work, flow_run_id=lease.run_id, key="1")
    assert (pause.status is PauseStatus.WAITING) is is_asked
    assert (pause.answered_by is None) is is_asked
