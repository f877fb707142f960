"""Who may answer a pause: named roles, people and teams, and nobody else."""

import pytest

from headgate_server.domain.errors import Forbidden
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.pauses import Answer, Approvers, NewPause, PauseStatus
from headgate_server.domain.permissions import BuiltinRole
from headgate_server.domain.roles import BindingPlace
from headgate_server.domain.states import StateType
from headgate_server.domain.tenancy import NOWHERE, Actor, ActorKind, Origin, Principal, RunGrant
from headgate_server.repositories import members, users
from headgate_server.services import pauses
from headgate_server.services.flow_runs import create
from tests.factories.members import Member, make_member, within
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio


async def waits_for(world: World, approvers: Approvers) -> LeaseRef:
    lease = await world.started()
    async with world.work() as work:
        await pauses.pause_run(work, lease=lease, new=NewPause("1", approvers=approvers))
    return lease


async def answers(
    world: World, lease: LeaseRef, who: Principal, *, origin: Origin = NOWHERE
) -> bool:
    """Whether somebody's answer is taken; where it is not, nothing has changed."""
    try:
        place = world.tenant.workspace_id
        async with world.database.tenant(who, place, origin=origin) as work:
            checked = await pauses.check_answer(work, run_id=lease.run_id, answer=Answer())
            await pauses.resume_run(work, run_id=lease.run_id, checked=checked)
    except Forbidden:
        async with world.work() as work:
            pause = await pauses.find_pause(work, flow_run_id=lease.run_id, key="1")
        assert pause.status is PauseStatus.WAITING
        return False
    return True


async def make_operator(world: World) -> Member:
    held = within(BuiltinRole.OPERATOR, world.tenant.workspace_id)
    return await make_member(world.database, world.tenant, held)


async def email_of(world: World, member: Member) -> str:
    async with world.work() as work:
        found = await members.find_membership(work, id_=member.id)
    assert found is not None
    assert found.email is not None
    return found.email


async def test_named_person_alone_answers_once_the_address_is_proven(world: World) -> None:
    ann, ben = await make_operator(world), await make_operator(world)
    address = await email_of(world, ann)
    lease = await waits_for(world, Approvers(people=(address.upper(),)))

    assert not await answers(world, lease, ann.principal)
    async with world.database.system() as work:
        await users.set_email_verified(work, id_=ann.principal.actor.id or ann.id, email=address)
    assert not await answers(world, lease, ben.principal)
    assert not await answers(world, lease, world.tenant.owner)
    assert await answers(world, lease, ann.principal)


async def test_members_of_a_named_team_answer(world: World) -> None:
    ann, ben = await make_operator(world), await make_operator(world)
    organization_id = world.tenant.organization_id
    async with world.database.system() as work:
        team = await members.insert_team(work, organization_id=organization_id, name="approvers")
        assert team is not None
        await members.insert_team_member(
            work, organization_id=organization_id, team_id=team.id, membership_id=ann.id
        )
    lease = await waits_for(world, Approvers(teams=("approvers",)))

    assert not await answers(world, lease, ben.principal)
    assert await answers(world, lease, ann.principal)


async def test_role_counts_where_the_run_is_and_not_in_another_workspace(world: World) -> None:
    ann = await make_operator(world)
    elsewhere = (BuiltinRole.VIEWER, BindingPlace(None))
    ben = await make_member(world.database, world.tenant, elsewhere)
    lease = await waits_for(world, Approvers(roles=("Operator", "Auditor")))

    assert not await answers(world, lease, ben.principal)
    assert await answers(world, lease, ann.principal)


async def test_whoever_started_the_run_that_started_it_does_not_answer(world: World) -> None:
    parent = await world.started()
    run_actor = Actor(ActorKind.RUN, parent.run_id, "parent")
    token = Principal(
        actor=run_actor,
        organization_id=world.tenant.organization_id,
        workspace_id=world.tenant.workspace_id,
        scopes=world.tenant.owner.scopes,
        run=RunGrant(parent.run_id, parent.epoch),
    )
    async with world.database.tenant(token, world.tenant.workspace_id) as work:
        request = create.RunRequest(deployment_id=world.deployed.deployment_id)
        child = await create.create_run(work, request)
    (offered,) = await world.offer()
    lease = await world.claim(offered)
    await world.propose(lease, StateType.RUNNING)
    async with world.work() as work:
        asked = NewPause("1", approvers=Approvers(is_four_eyes=True))
        await pauses.pause_run(work, lease=lease, new=asked)
    ann = await make_operator(world)

    assert lease.run_id == child.id
    assert not await answers(world, lease, world.tenant.owner)
    assert await answers(world, lease, ann.principal)
