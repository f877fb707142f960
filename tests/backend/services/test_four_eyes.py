"""Four eyes: whoever had a run made, in whichever way, does not answer for it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import pytest

from headgate_server.domain.api_keys import NewApiKey
from headgate_server.domain.backfills import BackfillRequest
from headgate_server.domain.ids import new_id
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.pauses import Approvers, NewPause, PauseStatus
from headgate_server.domain.permissions import BuiltinRole, Scope
from headgate_server.domain.reruns import WHOLE_RUN, RerunRequest
from headgate_server.domain.schedules.schedule import ScheduleRequest
from headgate_server.domain.schedules.specs import IntervalSpec
from headgate_server.domain.states import StateType, propose
from headgate_server.domain.tenancy import (
    NOWHERE,
    Actor,
    ActorKind,
    Origin,
    Principal,
    RunGrant,
)
from headgate_server.services import api_keys, backfills, deletions, pauses, service_accounts
from headgate_server.services.flow_runs import change, create
from headgate_server.services.schedules import fire, upsert
from tests.backend.services.test_approvals import answers, make_operator
from tests.factories.members import everywhere, make_member
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

EVERY_MINUTE = timedelta(minutes=1)


FOUR_EYES = Approvers(is_four_eyes=True)
CHAIN = 12


@dataclass(frozen=True, slots=True)
class Shown:
    """Somebody who acts, and by which key."""

    principal: Principal
    origin: Origin = NOWHERE


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


@dataclass(frozen=True, slots=True)
class Robot:
    """A service account, and who it is asked as: by a key that somebody made."""

    world: World
    id: UUID

    async def make_key(self, granter: Principal) -> Shown:
        new = NewApiKey(
            name="robot",
            owner=Actor(ActorKind.SERVICE_ACCOUNT, self.id, "robot"),
            scopes=frozenset({Scope.RUNS_WRITE}),
        )
        origin = Origin(api_key_id=granter.api_key_id)
        async with self.world.database.tenant(granter, None, origin=origin) as work:
            key, _ = await api_keys.create_key(work, granter=granter, new=new, pepper="")
        asks = replace(granter, actor=new.owner, scopes=new.scopes, rights=None, api_key_id=key.id)
        return Shown(asks, Origin(api_key_id=key.id))

    async def rotate(self, shown: Shown, granter: Principal) -> None:
        assert shown.origin.api_key_id is not None
        async with self.world.database.tenant(granter, None) as work:
            await api_keys.rotate_key(work, granter=granter, id_=shown.origin.api_key_id, pepper="")


async def make_robot(world: World) -> Robot:
    async with world.database.tenant(world.tenant.owner, None) as work:
        made = await service_accounts.create_service_account(
            work, organization_id=world.tenant.organization_id, name="robot"
        )
    return Robot(world, made.id)


async def make_owner(world: World) -> Principal:
    held = everywhere(BuiltinRole.OWNER)
    return (await make_member(world.database, world.tenant, held)).principal


async def start_as(world: World, shown: Shown) -> LeaseRef:
    """Have somebody make a run that asks for the answer of another."""
    request = create.RunRequest(deployment_id=world.deployed.deployment_id)
    place = world.tenant.workspace_id
    async with world.database.tenant(shown.principal, place, origin=shown.origin) as work:
        await create.create_run(work, request)
    return await pause_next(world)


async def test_whoever_started_a_run_does_not_answer_by_a_key_that_they_made(
    world: World,
) -> None:
    ann, ben = await make_owner(world), await make_owner(world)
    robot = await make_robot(world)
    by_ann, by_ben, turned = [await robot.make_key(who) for who in (ann, ben, ben)]
    await robot.rotate(turned, ann)
    lease = await start_as(world, Shown(ann))

    own_key = Shown(replace(ann, api_key_id=new_id()))
    for shown in (own_key, by_ann, turned):
        assert not await answers(world, lease, shown.principal, origin=shown.origin)
    assert await answers(world, lease, by_ben.principal, origin=by_ben.origin)


async def test_key_that_a_key_made_stands_for_who_was_shown_the_first(world: World) -> None:
    ann, ben = await make_owner(world), await make_owner(world)
    first, second = await make_robot(world), await make_robot(world)
    by_ann, by_ben = await first.make_key(ann), await first.make_key(ben)
    every = replace(by_ann.principal, scopes=ann.scopes)
    below_ann = await second.make_key(every)
    below_ben = await second.make_key(replace(by_ben.principal, scopes=ben.scopes))
    lease = await start_as(world, Shown(ann))

    assert not await answers(world, lease, below_ann.principal, origin=below_ann.origin)
    assert await answers(world, lease, below_ben.principal, origin=below_ben.origin)


async def test_whoever_made_a_key_of_the_account_that_started_a_run_does_not_answer(
    world: World,
) -> None:
    ann, ben = await make_owner(world), await make_owner(world)
    robot = await make_robot(world)
    other = await make_robot(world)
    by_ann = await robot.make_key(ann)
    same, same_person = await robot.make_key(ben), await other.make_key(ann)
    lease = await start_as(world, by_ann)

    for shown in (same, same_person, Shown(ann)):
        assert not await answers(world, lease, shown.principal, origin=shown.origin)
    assert await answers(world, lease, (await make_owner(world)))


async def test_no_run_answers_where_a_second_person_has_to(world: World) -> None:
    ann, ben = await make_owner(world), await make_owner(world)
    lease = await start_as(world, Shown(ann))
    async with world.database.tenant(ben, world.tenant.workspace_id) as work:
        other = await create.create_run(
            work, create.RunRequest(deployment_id=world.deployed.deployment_id)
        )
    run = replace(ben, actor=Actor(ActorKind.RUN, other.id, "other"), run=RunGrant(other.id, 1))

    assert not await answers(world, lease, run)
    assert await answers(world, lease, ben)


async def test_no_chain_of_runs_is_too_long_to_tell_who_began_it(world: World) -> None:
    ann = (await make_operator(world)).principal
    who = ann
    for _ in range(CHAIN):
        request = create.RunRequest(deployment_id=world.deployed.deployment_id)
        async with world.database.tenant(who, world.tenant.workspace_id) as work:
            made = await create.create_run(work, request)
            await change.cancel_run(work, run_id=made.id, request=change.CancelRequest())
        who = replace(ann, actor=Actor(ActorKind.RUN, made.id, "run"), run=RunGrant(made.id, 1))
    lease = await start_as(world, Shown(who))

    assert not await answers(world, lease, ann)
    assert await answers(world, lease, world.tenant.owner)


async def test_who_had_a_run_started_again_by_a_run_of_theirs_does_not_answer(
    world: World,
) -> None:
    ann, ben = [(await make_operator(world)).principal for _ in range(2)]
    ended = await world.started()
    await world.propose(ended, StateType.FAILED)
    async with world.database.tenant(ann, world.tenant.workspace_id) as work:
        robot = await create.create_run(
            work, create.RunRequest(deployment_id=world.deployed.deployment_id)
        )
    await world.claim((await world.offer())[0])
    run = replace(ann, actor=Actor(ActorKind.RUN, robot.id, "run"), run=RunGrant(robot.id, 1))
    async with world.database.tenant(run, world.tenant.workspace_id) as work:
        await change.retry_run(work, run_id=ended.run_id)
    lease = await pause_next(world)

    assert not await answers(world, lease, ann)
    assert await answers(world, lease, ben)


async def start_below(world: World, parent: LeaseRef) -> None:
    """Have a run of the owner make another, and end."""
    actor = Actor(ActorKind.RUN, parent.run_id, "parent")
    run = replace(world.tenant.owner, actor=actor, run=RunGrant(parent.run_id, parent.epoch))
    request = create.RunRequest(deployment_id=world.deployed.deployment_id)
    async with world.database.tenant(run, world.tenant.workspace_id) as work:
        await create.create_run(work, request)
    await world.propose(parent, StateType.COMPLETED)


async def test_nobody_answers_where_what_led_to_a_run_is_deleted(world: World) -> None:
    ann = (await make_operator(world)).principal
    parent = await world.started()
    await start_below(world, parent)
    lease = await pause_next(world)
    async with world.work() as work:
        await deletions.delete_flow_run(work, id_=parent.run_id)

    assert not await answers(world, lease, world.tenant.owner)
    assert not await answers(world, lease, ann)
