"""Members and teams: joining, leaving, and who is in which team."""

from collections.abc import Sequence
from itertools import chain
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.changes import check_absent
from headgate_server.domain.errors import Conflict, LimitExceeded, NotFound
from headgate_server.domain.members import Membership, Team
from headgate_server.domain.pagination import Beginning, Page, PageRequest
from headgate_server.domain.permissions import BuiltinRole
from headgate_server.domain.quotas import QuotaKind
from headgate_server.domain.roles import EVERYWHERE, Holder, HolderKind, builtin_role
from headgate_server.domain.tenancy import SYSTEM, Principal
from headgate_server.domain.workspaces import check_name
from headgate_server.repositories import api_keys, members, roles
from headgate_server.services import object_counts
from headgate_server.services.audit_entries.record import record_action, record_entry
from headgate_server.services.roles import check_grant, keeping_an_owner, wake_rights

MAX_TEAMS = 1000


async def add_owner(work: UnitOfWork, *, organization_id: UUID, user_id: UUID) -> UUID:
    """Make a user an owner of an organization, as the system, and return the membership's id.

    Who is a member already counts once, and their joining is told once.
    """
    membership_id, is_new = await members.insert_membership(
        work, organization_id=organization_id, user_id=user_id, invited_by=SYSTEM
    )
    if is_new:
        await object_counts.claim(work, QuotaKind.MEMBERS, organization_id=organization_id)
    await roles.insert_binding(
        work,
        organization_id=organization_id,
        holder=Holder(HolderKind.MEMBERSHIP, membership_id),
        role=builtin_role(BuiltinRole.OWNER),
        place=EVERYWHERE,
    )
    if not is_new:
        return membership_id
    await record_action(
        work,
        "added",
        kind=ids.Kind.MEMBERSHIP,
        id_=membership_id,
        name=ids.show(ids.Kind.USER, user_id),
        said={"role": BuiltinRole.OWNER},
        organization_id=organization_id,
    )
    return membership_id


async def remove_member(work: UnitOfWork, *, granter: Principal, id_: UUID) -> None:
    """End a membership, its bindings, and the keys of the person in this organization.

    Anyone may leave by themselves. The keys of pools stay, whoever made them: agents work on.

    Raises:
        NotFound: no such membership.
        Forbidden: the member holds what the granter does not, by themselves or through a team.
        Conflict: the organization would be left without an owner.
    """
    membership = await get_membership(work, id_=id_)
    if membership.user_id != granter.actor.id:
        team_ids = (await members.list_team_ids(work, [id_])).get(id_, [])
        held = await roles.list_bindings(work, [id_, *team_ids])
        for binding in chain.from_iterable(held.values()):
            check_grant(granter, binding.grant)
    async with keeping_an_owner(work):
        await members.delete_membership(work, id_=id_)
    revoked = await api_keys.revoke_all(work, owner_id=membership.user_id, but_of_pools=True)
    await object_counts.release(work, QuotaKind.MEMBERS)
    await object_counts.release(work, QuotaKind.API_KEYS, amount=len(revoked))
    for key_id in revoked:
        work.wake(channels.api_key(key_id))
    wake_rights(work)
    await record_action(
        work,
        "removed",
        kind=ids.Kind.MEMBERSHIP,
        id_=id_,
        name=membership.display_name,
        said={"revoked_keys": [ids.show(ids.Kind.API_KEY, key_id) for key_id in revoked]},
    )


async def get_membership(work: UnitOfWork, *, id_: UUID) -> Membership:
    """Return a membership of the organization.

    Raises:
        NotFound: there is none.
    """
    found = await members.find_membership(work, id_=id_)
    if found is None:
        raise NotFound
    return found


async def find_by_user(work: UnitOfWork, *, user_id: UUID) -> Membership | None:
    """Return the membership of a person in the organization."""
    return await members.find_by_user(work, user_id=user_id)


async def get_many_members(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, Membership]:
    """Return those of the memberships that are of the organization, by id."""
    return await members.get_many(work, ids_)


async def list_members(work: UnitOfWork, *, page: PageRequest) -> Page[Membership]:
    """Return a page of members, who joined first first: the page key is ``(joined_at, id)``."""
    return await members.list_members(work, page=page)


async def count_members(work: UnitOfWork, *, cap: int) -> int:
    """Return how many members there are; ``cap + 1`` stands for more than ``cap``."""
    return await members.count_members(work, cap=cap)


async def upsert_team(
    work: UnitOfWork,
    *,
    granter: Principal,
    name: str,
    id_: UUID | None = None,
    expected_version: int | None = None,
) -> Team:
    """Make the team of a name, or give a team another name.

    Runs name teams that may answer them: whoever takes a name from a team, so that another may
    have it, could as well have joined that team.

    Args:
        work: the unit of work.
        granter: who does it.
        name: the team's.
        id_: the team to rename.
        expected_version: 0 refuses where a team of the name is there already; teams have no others.

    Raises:
        InvalidInput: a bad name.
        Forbidden: the team holds what the granter does not.
        NotFound: no team of this id.
        Conflict: another team has this name, or none was expected to have it.
        LimitExceeded: the organization has ``MAX_TEAMS`` already.
    """
    check_name(name)
    named = await members.find_team_by_name(work, name=name)
    if id_ is not None:
        current = await _check_team(work, granter=granter, id_=id_)
        if named is not None and named.id != id_:
            raise Conflict("Another team has this name.", path=["name"])
        return named or await _rename_team(work, current, name=name)
    if named is not None:
        check_absent(ids.show(ids.Kind.TEAM, named.id), expected=expected_version)
        return named
    if await members.count_teams(work, cap=MAX_TEAMS) >= MAX_TEAMS:
        message = f"An organization has at most {MAX_TEAMS} teams; delete one first."
        raise LimitExceeded(message, limit=MAX_TEAMS, current=MAX_TEAMS)
    made = await members.insert_team(work, organization_id=granter.organization_id, name=name)
    if made is None:
        raise Conflict("Another caller has just made this team; send it again.", path=["name"])
    await record_entry(work, "created", kind=ids.Kind.TEAM, id_=made.id, name=name, after=made)
    return made


async def delete_team(work: UnitOfWork, *, granter: Principal, id_: UUID) -> None:
    """Delete a team; its members lose what they held through it.

    Raises:
        NotFound: no such team.
        Forbidden: the team holds what the granter does not.
        Conflict: the organization would be left without an owner.
    """
    team = await _check_team(work, granter=granter, id_=id_)
    async with keeping_an_owner(work):
        await members.delete_team(work, id_=id_)
    wake_rights(work)
    await record_entry(work, "deleted", kind=ids.Kind.TEAM, id_=id_, name=team.name, before=team)


async def add_to_team(
    work: UnitOfWork,
    *,
    granter: Principal,
    team_id: UUID,
    membership_id: UUID,
) -> Team:
    """Put a member into a team, who then holds what it holds.

    Raises:
        NotFound: no such team or member.
        Forbidden: the team holds what the granter does not.
    """
    team = await _check_team(work, granter=granter, id_=team_id)
    member = await get_membership(work, id_=membership_id)
    await members.insert_team_member(
        work,
        organization_id=granter.organization_id,
        team_id=team_id,
        membership_id=membership_id,
    )
    wake_rights(work)
    await _record_member(work, "member_added", team, member)
    return team


async def take_from_team(
    work: UnitOfWork, *, granter: Principal, team_id: UUID, membership_id: UUID
) -> Team:
    """Take a member out of a team.

    Raises:
        NotFound: no such team or member.
        Forbidden: the team holds what the granter does not.
        Conflict: the organization would be left without an owner.
    """
    team = await _check_team(work, granter=granter, id_=team_id)
    member = await get_membership(work, id_=membership_id)
    async with keeping_an_owner(work):
        await members.delete_team_member(work, team_id=team_id, membership_id=membership_id)
    wake_rights(work)
    await _record_member(work, "member_removed", team, member)
    return team


async def get_many_teams(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, Team]:
    """Return those of the teams that are of the organization, by id."""
    return await members.get_many_teams(work, ids_)


async def list_teams(work: UnitOfWork, *, page: PageRequest) -> Page[Team]:
    """Return a page of teams, by name: the page key is ``(name, id)``."""
    return await members.list_teams(work, page=page)


async def count_teams(work: UnitOfWork, *, cap: int) -> int:
    """Return how many teams there are; ``cap + 1`` stands for more than ``cap``."""
    return await members.count_teams(work, cap=cap)


async def list_first_teams(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, Beginning[Team]]:
    """Return the first teams that each of some members is in, by membership."""
    return await members.list_first_teams(work, ids_)


async def list_first_members(
    work: UnitOfWork, ids_: Sequence[UUID]
) -> dict[UUID, Beginning[Membership]]:
    """Return the first members of each of some teams, by team."""
    return await members.list_first_members(work, ids_)


async def _check_team(work: UnitOfWork, *, granter: Principal, id_: UUID) -> Team:
    team = await members.find_team(work, id_=id_)
    if team is None:
        raise NotFound
    for binding in (await roles.list_bindings(work, [id_]))[id_]:
        check_grant(granter, binding.grant)
    return team


async def _rename_team(work: UnitOfWork, team: Team, *, name: str) -> Team:
    renamed = await members.rename_team(work, id_=team.id, name=name)
    await record_entry(
        work, "updated", kind=ids.Kind.TEAM, id_=team.id, name=name, before=team, after=renamed
    )
    return renamed


async def _record_member(work: UnitOfWork, verb: str, team: Team, member: Membership) -> None:
    said = {"member": ids.show(ids.Kind.MEMBERSHIP, member.id), "name": member.display_name}
    await record_action(work, verb, kind=ids.Kind.TEAM, id_=team.id, name=team.name, said=said)
