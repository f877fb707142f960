"""Members of organizations, their teams, and invitations."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.ids import new_id
from headgate_server.domain.members import Membership, Team
from headgate_server.domain.organizations import Organization
from headgate_server.domain.pagination import Beginning, Page, PageRequest
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.repositories import pages
from headgate_server.repositories.organizations import own
from headgate_server.tables.members import memberships, team_members, teams
from headgate_server.tables.organizations import organizations, users


@dataclass(frozen=True, slots=True)
class OrganizationMembership:
    """An organization that a person belongs to."""

    organization: Organization
    membership_id: UUID


async def insert_membership(
    work: UnitOfWork, *, organization_id: UUID, user_id: UUID, invited_by: Actor
) -> tuple[UUID, bool]:
    """Make a user a member; return the membership's id, and whether it is new or was there."""
    statement = (
        insert(memberships)
        .values(
            organization_id=organization_id,
            id=new_id(),
            user_id=user_id,
            invited_by_kind=invited_by.kind.value,
            invited_by_id=invited_by.id,
            invited_by_name=invited_by.display_name,
            joined_at=work.now,
        )
        .on_conflict_do_nothing(index_elements=["organization_id", "user_id"])
        .returning(memberships.c.id)
    )
    made = (await work.execute(statement)).scalar_one_or_none()
    if made is not None:
        return made, True
    found = select(memberships.c.id).where(
        memberships.c.organization_id == organization_id, memberships.c.user_id == user_id
    )
    return (await work.execute(found)).scalar_one(), False


async def is_member(work: UnitOfWork, *, organization_id: UUID, user_id: UUID) -> bool:
    """Whether somebody belongs to an organization."""
    statement = select(memberships.c.id).where(
        memberships.c.organization_id == organization_id, memberships.c.user_id == user_id
    )
    return (await work.execute(statement)).one_or_none() is not None


async def hold_members(
    work: UnitOfWork, *, organization_id: UUID, user_ids: Iterable[UUID]
) -> set[UUID]:
    """Return those of some people who belong to an organization; none leaves it meanwhile."""
    statement = (
        select(memberships.c.user_id)
        .where(
            memberships.c.organization_id == organization_id,
            memberships.c.user_id.in_(sorted(user_ids)),
        )
        .order_by(memberships.c.user_id)
        .with_for_update(read=True)
    )
    return set((await work.execute(statement)).scalars())


async def find_membership(work: UnitOfWork, *, id_: UUID) -> Membership | None:
    """Return a membership of the organization."""
    row = (await work.execute(_members(work).where(memberships.c.id == id_))).one_or_none()
    return _membership(row) if row is not None else None


async def find_by_user(work: UnitOfWork, *, user_id: UUID) -> Membership | None:
    """Return the membership of a person in the organization."""
    statement = _members(work).where(memberships.c.user_id == user_id)
    row = (await work.execute(statement)).one_or_none()
    return _membership(row) if row is not None else None


async def find_by_email(work: UnitOfWork, *, email: str) -> Membership | None:
    """Return the membership of the person of an address in the organization."""
    row = (await work.execute(_members(work).where(users.c.email == email))).one_or_none()
    return _membership(row) if row is not None else None


async def get_many(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, Membership]:
    """Return those of the memberships that are of the organization, by id."""
    rows = await work.execute(_members(work).where(memberships.c.id.in_(ids)))
    return {row.id: _membership(row) for row in rows}


async def list_members(work: UnitOfWork, *, page: PageRequest) -> Page[Membership]:
    """Return a page of the organization's members, who joined first first."""
    sort = pages.by(memberships.c.joined_at, memberships.c.id)
    return await pages.read(work, _members(work), sort=sort, page=page, make=_membership)


async def count_members(work: UnitOfWork, *, cap: int) -> int:
    """Return how many members the organization has, up to ``cap + 1``."""
    return await pages.count(work, _members(work), cap=cap)


async def delete_membership(work: UnitOfWork, *, id_: UUID) -> bool:
    """End a membership with all its bindings; whether there was one."""
    statement = delete(memberships).where(
        own(work, memberships.c.organization_id), memberships.c.id == id_
    )
    return (await work.execute(statement)).rowcount == 1


async def list_organizations_of(work: UnitOfWork, *, user_id: UUID) -> list[OrganizationMembership]:
    """Return the organizations that a person belongs to, by slug: as the system."""
    statement = (
        select(organizations, memberships.c.id.label("membership_id"))
        .join(memberships, memberships.c.organization_id == organizations.c.id)
        .where(memberships.c.user_id == user_id, organizations.c.deleted_at.is_(None))
        .order_by(organizations.c.slug)
    )
    return [
        OrganizationMembership(
            Organization(row.id, row.slug, row.name, row.version, row.updated_at),
            row.membership_id,
        )
        for row in await work.execute(statement)
    ]


async def insert_team(work: UnitOfWork, *, organization_id: UUID, name: str) -> Team | None:
    """Store a team; None when the organization has one of this name."""
    statement = (
        insert(teams)
        .values(
            organization_id=organization_id,
            id=new_id(),
            name=name,
            created_at=work.now,
            updated_at=work.now,
        )
        .on_conflict_do_nothing(index_elements=["organization_id", "name"])
        .returning(teams)
    )
    row = (await work.execute(statement)).one_or_none()
    return _team(row) if row is not None else None


async def rename_team(work: UnitOfWork, *, id_: UUID, name: str) -> Team:
    """Give a team another name; its version rises."""
    statement = (
        update(teams)
        .where(own(work, teams.c.organization_id), teams.c.id == id_)
        .values(name=name, version=teams.c.version + 1, updated_at=work.now)
        .returning(teams)
    )
    return _team((await work.execute(statement)).one())


async def find_team(work: UnitOfWork, *, id_: UUID) -> Team | None:
    """Return a team of the organization."""
    row = (await work.execute(_teams(work).where(teams.c.id == id_))).one_or_none()
    return _team(row) if row is not None else None


async def find_team_by_name(work: UnitOfWork, *, name: str) -> Team | None:
    """Return the organization's team of a name."""
    row = (await work.execute(_teams(work).where(teams.c.name == name))).one_or_none()
    return _team(row) if row is not None else None


async def find_teams_by_name(work: UnitOfWork, names: Sequence[str]) -> dict[str, Team]:
    """Return those of the organization's teams that have one of some names, by name."""
    rows = await work.execute(_teams(work).where(teams.c.name.in_(names)))
    return {row.name: _team(row) for row in rows}


async def get_many_teams(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, Team]:
    """Return those of the teams that are of the organization, by id."""
    rows = await work.execute(_teams(work).where(teams.c.id.in_(ids)))
    return {row.id: _team(row) for row in rows}


async def list_teams(work: UnitOfWork, *, page: PageRequest) -> Page[Team]:
    """Return a page of the organization's teams, by name."""
    sort = pages.by(teams.c.name, teams.c.id)
    return await pages.read(work, _teams(work), sort=sort, page=page, make=_team)


async def count_teams(work: UnitOfWork, *, cap: int) -> int:
    """Return how many teams the organization has, up to ``cap + 1``."""
    return await pages.count(work, _teams(work), cap=cap)


async def delete_team(work: UnitOfWork, *, id_: UUID) -> bool:
    """Delete a team with all its bindings; whether there was one."""
    statement = delete(teams).where(own(work, teams.c.organization_id), teams.c.id == id_)
    return (await work.execute(statement)).rowcount == 1


async def insert_team_member(
    work: UnitOfWork, *, organization_id: UUID, team_id: UUID, membership_id: UUID
) -> None:
    """Put a member into a team; putting them there again changes nothing."""
    await work.execute(
        insert(team_members)
        .values(organization_id=organization_id, team_id=team_id, membership_id=membership_id)
        .on_conflict_do_nothing()
    )


async def delete_team_member(work: UnitOfWork, *, team_id: UUID, membership_id: UUID) -> None:
    """Take a member out of a team."""
    await work.execute(
        delete(team_members).where(
            own(work, team_members.c.organization_id),
            team_members.c.team_id == team_id,
            team_members.c.membership_id == membership_id,
        )
    )


async def list_team_ids(work: UnitOfWork, members: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """Return the teams of each of some members, by membership."""
    statement = (
        select(team_members.c.membership_id, team_members.c.team_id)
        .where(
            own(work, team_members.c.organization_id),
            team_members.c.membership_id.in_(members),
        )
        .order_by(team_members.c.team_id)
    )
    found: dict[UUID, list[UUID]] = {id_: [] for id_ in members}
    for row in await work.execute(statement):
        found[row.membership_id].append(row.team_id)
    return found


async def list_first_teams(
    work: UnitOfWork, members: Sequence[UUID]
) -> dict[UUID, Beginning[Team]]:
    """Return the first teams of each of some members, in the order of their ids."""

    def of(some: Sequence[UUID]) -> Select[Any]:
        return (
            _teams(work)
            .join(
                team_members,
                (team_members.c.organization_id == teams.c.organization_id)
                & (team_members.c.team_id == teams.c.id),
            )
            .where(team_members.c.membership_id.in_(some))
        )

    return await pages.read_beginnings(
        work,
        members,
        of,
        owner=team_members.c.membership_id,
        sort=pages.by(teams.c.id),
        make=_team,
    )


async def list_first_members(
    work: UnitOfWork, team_ids: Sequence[UUID]
) -> dict[UUID, Beginning[Membership]]:
    """Return the first members of each of some teams, who joined the organization first first."""

    def of(some: Sequence[UUID]) -> Select[Any]:
        return (
            _members(work)
            .join(
                team_members,
                (team_members.c.organization_id == memberships.c.organization_id)
                & (team_members.c.membership_id == memberships.c.id),
            )
            .where(team_members.c.team_id.in_(some))
        )

    return await pages.read_beginnings(
        work,
        team_ids,
        of,
        owner=team_members.c.team_id,
        sort=pages.by(memberships.c.joined_at, memberships.c.id),
        make=_membership,
    )


def _members(work: UnitOfWork) -> Select[Any]:
    return (
        select(memberships, users.c.display_name, users.c.email, users.c.email_verified_at)
        .join(users, users.c.id == memberships.c.user_id)
        .where(own(work, memberships.c.organization_id))
    )


def _teams(work: UnitOfWork) -> Select[Any]:
    return select(teams).where(own(work, teams.c.organization_id))


def _membership(row: Row[Any]) -> Membership:
    return Membership(
        organization_id=row.organization_id,
        id=row.id,
        user_id=row.user_id,
        display_name=row.display_name,
        email=row.email,
        is_email_verified=row.email_verified_at is not None,
        invited_by=Actor(ActorKind(row.invited_by_kind), row.invited_by_id, row.invited_by_name),
        joined_at=row.joined_at,
    )


def _team(row: Row[Any]) -> Team:
    return Team(
        organization_id=row.organization_id,
        id=row.id,
        name=row.name,
        version=row.version,
        updated_at=row.updated_at,
    )
