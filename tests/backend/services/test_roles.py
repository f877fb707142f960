"""Roles and their bindings: nobody gains by giving, and an organization keeps an owner."""

import asyncio
from uuid import UUID

import pytest

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.errors import Conflict, Forbidden, InvalidInput, NotFound
from headgate_server.domain.ids import new_id
from headgate_server.domain.permissions import BuiltinRole, Grant, Scope
from headgate_server.domain.roles import (
    EVERYWHERE,
    BindingPlace,
    Holder,
    HolderKind,
    ObjectKind,
    builtin_role,
)
from headgate_server.domain.tenancy import Principal
from headgate_server.repositories import users
from headgate_server.services import members, people, roles
from tests.factories.members import Member, everywhere, make_member, within
from tests.factories.tenants import Tenant, make_tenant

OWNER, ADMIN = builtin_role(BuiltinRole.OWNER), builtin_role(BuiltinRole.ADMIN)
VIEWER = builtin_role(BuiltinRole.VIEWER)


@pytest.fixture
async def tenant(database: Database) -> Tenant:
    return await make_tenant(database)


def _holder(member: Member) -> Holder:
    return Holder(HolderKind.MEMBERSHIP, member.id)


async def _own_membership(work: UnitOfWork, tenant: Tenant) -> Holder:
    assert tenant.owner.actor.id is not None
    found = await members.find_by_user(work, user_id=tenant.owner.actor.id)
    assert found is not None
    return Holder(HolderKind.MEMBERSHIP, found.id)


async def _suspend(database: Database, member: Member) -> None:
    assert member.principal.actor.id is not None
    async with database.system() as work:
        found = await users.find_user(work, id_=member.principal.actor.id)
        assert found is not None
        assert found.email is not None
        await people.suspend_person(work, email=found.email)


async def give(
    work: UnitOfWork,
    granter: Principal,
    holder: Holder,
    role_id: UUID,
    place: BindingPlace = EVERYWHERE,
) -> None:
    await roles.bind_role(work, granter=granter, holder=holder, role_id=role_id, place=place)


async def test_admin_makes_admins_but_no_owners(database: Database, tenant: Tenant) -> None:
    admin = await make_member(database, tenant, everywhere(BuiltinRole.ADMIN))
    other = await make_member(database, tenant)

    async with database.tenant(admin.principal, None) as work:
        await give(work, admin.principal, _holder(other), ADMIN.id)
        with pytest.raises(Forbidden) as refused:
            await give(work, admin.principal, _holder(other), OWNER.id)
        held = (await roles.list_first_bindings(work, [other.id]))[other.id].items

    assert refused.value.missing_scopes == (Scope.BILLING_WRITE,)
    assert [(one.role.name, one.place) for one in held] == [("Admin", EVERYWHERE)]


async def test_admin_of_one_workspace_gives_nothing_elsewhere(
    database: Database, tenant: Tenant
) -> None:
    here = BindingPlace(tenant.workspace_id)
    admin = await make_member(database, tenant, within(BuiltinRole.ADMIN, tenant.workspace_id))
    other = await make_member(database, tenant)

    async with database.tenant(admin.principal, tenant.workspace_id) as work:
        await give(work, admin.principal, _holder(other), VIEWER.id, here)
        with pytest.raises(Forbidden):
            await give(work, admin.principal, _holder(other), VIEWER.id)


async def test_last_owner_stays(database: Database, tenant: Tenant) -> None:
    async with database.tenant(tenant.owner, None) as work:
        holder = await _own_membership(work, tenant)
        with pytest.raises(Conflict, match="without an owner"):
            await roles.unbind_role(
                work, granter=tenant.owner, holder=holder, role_id=OWNER.id, place=EVERYWHERE
            )


async def test_last_owner_who_can_act_stays(database: Database, tenant: Tenant) -> None:
    second = await make_member(database, tenant, everywhere(BuiltinRole.OWNER))
    await _suspend(database, second)

    async with database.tenant(tenant.owner, None) as work:
        holder = await _own_membership(work, tenant)
        with pytest.raises(Conflict, match="without an owner"):
            await members.remove_member(work, granter=tenant.owner, id_=holder.id)


async def test_where_all_owners_are_suspended_others_may_still_be_removed(
    database: Database, tenant: Tenant
) -> None:
    admin = await make_member(database, tenant, everywhere(BuiltinRole.ADMIN))
    other = await make_member(database, tenant)
    async with database.tenant(tenant.owner, None) as work:
        first = await _own_membership(work, tenant)
    await _suspend(database, Member(first.id, tenant.owner))

    async with database.tenant(admin.principal, None) as work:
        await members.remove_member(work, granter=admin.principal, id_=other.id)
        assert list(await members.get_many_members(work, [first.id, other.id])) == [first.id]


async def test_who_is_suspended_is_not_named_as_one_who_could_grant(
    database: Database, tenant: Tenant
) -> None:
    second = await make_member(database, tenant, everywhere(BuiltinRole.OWNER))
    await _suspend(database, second)

    async with database.tenant(tenant.owner, None) as work:
        able = await roles.list_granters(work, Grant(frozenset({Scope.RUNS_READ})))

    assert [one.user_id for one in able] == [tenant.owner.actor.id]


async def test_two_owners_who_take_from_each_other_leave_one(
    database: Database, tenant: Tenant
) -> None:
    second = await make_member(database, tenant, everywhere(BuiltinRole.OWNER))
    async with database.tenant(tenant.owner, None) as work:
        first = await _own_membership(work, tenant)

    async def take(holder: Holder) -> bool:
        try:
            async with database.tenant(tenant.owner, None) as work:
                await roles.unbind_role(
                    work, granter=tenant.owner, holder=holder, role_id=OWNER.id, place=EVERYWHERE
                )
        except Conflict:
            return False
        return True

    done = await asyncio.gather(take(first), take(_holder(second)))

    async with database.tenant(tenant.owner, None) as work:
        held = await roles.list_first_bindings(work, [first.id, second.id])
    assert sorted(done) == [False, True]
    assert sum(len(bindings.items) for bindings in held.values()) == 1


async def test_owner_through_a_team_counts_until_the_team_is_empty(
    database: Database, tenant: Tenant
) -> None:
    other = await make_member(database, tenant)
    async with database.tenant(tenant.owner, None) as work:
        team = await members.upsert_team(work, granter=tenant.owner, name="Owners")
        await give(work, tenant.owner, Holder(HolderKind.TEAM, team.id), OWNER.id)
        await members.add_to_team(
            work, granter=tenant.owner, team_id=team.id, membership_id=other.id
        )
        first = await _own_membership(work, tenant)
        await roles.unbind_role(
            work, granter=tenant.owner, holder=first, role_id=OWNER.id, place=EVERYWHERE
        )
        with pytest.raises(Conflict, match="without an owner"):
            await members.take_from_team(
                work, granter=tenant.owner, team_id=team.id, membership_id=other.id
            )


async def test_admin_removes_no_member_who_owns_through_a_team(
    database: Database, tenant: Tenant
) -> None:
    admin = await make_member(database, tenant, everywhere(BuiltinRole.ADMIN))
    other = await make_member(database, tenant)
    async with database.tenant(tenant.owner, None) as work:
        team = await members.upsert_team(work, granter=tenant.owner, name="Owners")
        await give(work, tenant.owner, Holder(HolderKind.TEAM, team.id), OWNER.id)
        await members.add_to_team(
            work, granter=tenant.owner, team_id=team.id, membership_id=other.id
        )

    async with database.tenant(admin.principal, None) as work:
        with pytest.raises(Forbidden) as refused:
            await members.remove_member(work, granter=admin.principal, id_=other.id)

    assert refused.value.missing_scopes == (Scope.BILLING_WRITE,)


async def test_name_of_a_team_is_not_taken_by_who_may_not_join_it(
    database: Database, tenant: Tenant
) -> None:
    admin = await make_member(database, tenant, everywhere(BuiltinRole.ADMIN))
    async with database.tenant(tenant.owner, None) as work:
        team = await members.upsert_team(work, granter=tenant.owner, name="release")
        await give(work, tenant.owner, Holder(HolderKind.TEAM, team.id), OWNER.id)

    with pytest.raises(Forbidden):
        async with database.tenant(admin.principal, None) as work:
            await members.upsert_team(work, granter=admin.principal, name="old", id_=team.id)
    async with database.tenant(admin.principal, None) as work:
        same = await members.upsert_team(work, granter=admin.principal, name="release")
        with pytest.raises(Forbidden):
            await members.add_to_team(
                work, granter=admin.principal, team_id=same.id, membership_id=admin.id
            )
    async with database.tenant(tenant.owner, None) as work:
        renamed = await members.upsert_team(work, granter=tenant.owner, name="old", id_=team.id)

    assert (same.id, renamed.id, renamed.name) == (team.id, team.id, "old")


async def test_role_that_gives_more_than_its_maker_holds_is_refused(
    database: Database, tenant: Tenant
) -> None:
    admin = await make_member(database, tenant, everywhere(BuiltinRole.ADMIN))
    async with database.tenant(tenant.owner, None) as work:
        rich = await roles.upsert_role(
            work,
            granter=tenant.owner,
            name="Treasurer",
            scopes=frozenset({Scope.BILLING_WRITE}),
        )

    async with database.tenant(admin.principal, None) as work:
        for name, scopes in (("Mine", {Scope.BILLING_WRITE}), ("Treasurer", {Scope.ORG_READ})):
            with pytest.raises(Forbidden):
                await roles.upsert_role(
                    work,
                    granter=admin.principal,
                    name=name,
                    scopes=frozenset(scopes),
                )
        with pytest.raises(Forbidden):
            await roles.delete_role(work, granter=admin.principal, id_=rich.id)


@pytest.mark.parametrize("name", ["owner", "VIEWER", " padded", ""])
async def test_bad_name_of_a_role_is_refused(database: Database, tenant: Tenant, name: str) -> None:
    async with database.tenant(tenant.owner, None) as work:
        with pytest.raises(InvalidInput):
            await roles.upsert_role(
                work,
                granter=tenant.owner,
                name=name,
                scopes=frozenset({Scope.RUNS_READ}),
            )


async def test_role_that_somebody_holds_stays(database: Database, tenant: Tenant) -> None:
    async with database.tenant(tenant.owner, None) as work:
        role = await roles.upsert_role(
            work,
            granter=tenant.owner,
            name="Reader",
            scopes=frozenset({Scope.RUNS_READ}),
        )
    member = await make_member(database, tenant, (role, EVERYWHERE))

    async with database.tenant(tenant.owner, None) as work:
        with pytest.raises(Conflict, match="Somebody holds"):
            await roles.delete_role(work, granter=tenant.owner, id_=role.id)
        await roles.unbind_role(
            work,
            granter=tenant.owner,
            holder=_holder(member),
            role_id=role.id,
            place=EVERYWHERE,
        )
        await roles.delete_role(work, granter=tenant.owner, id_=role.id)


async def test_nothing_is_bound_to_what_does_not_exist(database: Database, tenant: Tenant) -> None:
    member = await make_member(database, tenant)
    here = tenant.workspace_id
    impossible = [
        (Holder(HolderKind.MEMBERSHIP, new_id()), VIEWER.id, EVERYWHERE),
        (Holder(HolderKind.TEAM, new_id()), VIEWER.id, EVERYWHERE),
        (Holder(HolderKind.SERVICE_ACCOUNT, new_id()), VIEWER.id, EVERYWHERE),
        (_holder(member), new_id(), EVERYWHERE),
        (_holder(member), VIEWER.id, BindingPlace(new_id())),
        (_holder(member), VIEWER.id, BindingPlace(here, ObjectKind.DEPLOYMENT, new_id())),
        (_holder(member), VIEWER.id, BindingPlace(here, ObjectKind.WORK_POOL, new_id())),
    ]

    async with database.tenant(tenant.owner, here) as work:
        for holder, role_id, place in impossible:
            with pytest.raises(NotFound):
                await give(work, tenant.owner, holder, role_id, place)


async def test_who_could_give_a_scope_is_named(database: Database, tenant: Tenant) -> None:
    admin = await make_member(database, tenant, within(BuiltinRole.ADMIN, tenant.workspace_id))
    await make_member(database, tenant, everywhere(BuiltinRole.DEVELOPER))

    async with database.tenant(tenant.owner, None) as work:
        owner = await _own_membership(work, tenant)
        runs = frozenset({Scope.RUNS_WRITE})
        here = await roles.list_granters(work, Grant(runs, tenant.workspace_id))
        anywhere = await roles.list_granters(work, Grant(runs))

    assert {one.id for one in here} == {owner.id, admin.id}
    assert [one.id for one in anywhere] == [owner.id]
