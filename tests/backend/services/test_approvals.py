"""Who may answer a pause: named roles, people and teams, and nobody else."""

from uuid import UUID

import pytest

from headgate_server.domain.errors import Forbidden
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.pauses import Answer, Approvers, NewPause, PauseStatus
from headgate_server.domain.permissions import BuiltinRole, Scope
from headgate_server.domain.roles import BindingPlace
from headgate_server.domain.states import StateType
from headgate_server.domain.tenancy import NOWHERE, Actor, ActorKind, Origin, Principal, RunGrant
from headgate_server.repositories import members, users
from headgate_server.services import members as member_rules
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


async def refusal(
    world: World, lease: LeaseRef, who: Principal, *, origin: Origin = NOWHERE
) -> Forbidden | None:
    """Return why somebody's answer is not taken, and nothing has changed; None where it is."""
    try:
        place = world.tenant.workspace_id
        async with world.database.tenant(who, place, origin=origin) as work:
            checked = await pauses.check_answer(work, run_id=lease.run_id, answer=Answer())
            await pauses.resume_run(work, run_id=lease.run_id, checked=checked)
    except Forbidden as error:
        async with world.work() as work:
            pause = await pauses.find_pause(work, flow_run_id=lease.run_id, key="1")
        assert pause.status is PauseStatus.WAITING
        return error
    return None


async def answers(
    world: World, lease: LeaseRef, who: Principal, *, origin: Origin = NOWHERE
) -> bool:
    """Whether somebody's answer is taken."""
    return await refusal(world, lease, who, origin=origin) is None


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


async def make_team(world: World, name: str, *people: Member) -> UUID:
    organization_id = world.tenant.organization_id
    async with world.database.system() as work:
        team = await members.insert_team(work, organization_id=organization_id, name=name)
        assert team is not None
        for one in people:
            await members.insert_team_member(
                work, organization_id=organization_id, team_id=team.id, membership_id=one.id
            )
    return team.id


async def change_team(world: World, id_: UUID, *, name: str | None) -> None:
    """Give a team another name, or delete it."""
    async with world.database.tenant(world.tenant.owner, None) as work:
        if name is None:
            await member_rules.delete_team(work, granter=world.tenant.owner, id_=id_)
        else:
            await member_rules.upsert_team(work, granter=world.tenant.owner, name=name, id_=id_)


async def test_renamed_team_answers_and_another_of_its_former_name_does_not(world: World) -> None:
    ann, ben, cleo = [await make_operator(world) for _ in range(3)]
    team_id = await make_team(world, "approvers", ann)
    lease = await waits_for(world, Approvers(teams=("approvers",)))

    await change_team(world, team_id, name="release managers")
    await make_team(world, "approvers", ben)

    assert not await answers(world, lease, ben.principal)
    refused = await refusal(world, lease, cleo.principal)
    assert refused is not None
    assert refused.message == "Only the team release managers may answer this."
    assert await answers(world, lease, ann.principal)


async def test_who_manages_members_answers_where_no_team_is_there_any_more(world: World) -> None:
    ann = await make_operator(world)
    team_id = await make_team(world, "approvers", ann)
    lease = await waits_for(world, Approvers(teams=("approvers",)))
    assert not await answers(world, lease, world.tenant.owner)

    await change_team(world, team_id, name=None)

    refused = await refusal(world, lease, ann.principal)
    assert refused is not None
    assert "the team approvers (there is none): whoever manages members" in refused.message
    assert refused.missing_scopes == (Scope.MEMBERS_WRITE,)
    assert await answers(world, lease, world.tenant.owner)


async def test_team_that_is_made_later_answers_by_its_name(world: World) -> None:
    ann = await make_operator(world)
    lease = await waits_for(world, Approvers(teams=("approvers",)))

    await make_team(world, "approvers", ann)

    assert not await answers(world, lease, world.tenant.owner)
    assert await answers(world, lease, ann.principal)


async def test_team_that_is_deleted_leaves_the_answer_to_the_others_that_are_named(
    world: World,
) -> None:
    ann, ben = await make_operator(world), await make_operator(world)
    first, _ = [await make_team(world, "first", ann), await make_team(world, "second", ben)]
    lease = await waits_for(world, Approvers(teams=("first", "second")))

    await change_team(world, first, name=None)

    assert not await answers(world, lease, ann.principal)
    assert not await answers(world, lease, world.tenant.owner)
    assert await answers(world, lease, ben.principal)
