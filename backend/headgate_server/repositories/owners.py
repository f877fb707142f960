"""Who owns an organization, and so every workspace of it."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, literal, select, true

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.permissions import BuiltinRole
from headgate_server.repositories.organizations import own
from headgate_server.tables.members import memberships, team_members
from headgate_server.tables.organizations import users
from headgate_server.tables.roles import role_bindings


async def lock_owners(work: UnitOfWork) -> None:
    """Let no other unit of work change who owns the organization until this one ends."""
    key = func.hashtextextended(f"headgate.owners.{work.organization_id}", 0)
    await work.execute(select(func.pg_advisory_xact_lock(key)))


async def has_owner(work: UnitOfWork, *, is_able: bool, but: UUID | None = None) -> bool:
    """Whether a person owns the organization, by themselves or through a team.

    Args:
        work: a unit of work of the organization.
        is_able: whether one counts only who is not suspended.
        but: a binding that does not count.
    """
    member_id = func.coalesce(role_bindings.c.membership_id, team_members.c.membership_id)
    through = and_(
        team_members.c.organization_id == role_bindings.c.organization_id,
        team_members.c.team_id == role_bindings.c.team_id,
    )
    owner = (
        select(literal(1))
        .select_from(role_bindings.outerjoin(team_members, through))
        .where(
            own(work, role_bindings.c.organization_id),
            role_bindings.c.builtin_role == BuiltinRole.OWNER.value,
            role_bindings.c.workspace_id.is_(None),
            true() if but is None else role_bindings.c.id != but,
            is_able_member(member_id) if is_able else member_id.is_not(None),
        )
    )
    return bool((await work.execute(select(owner.exists()))).scalar_one())


def is_able_member(member_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that a binding is of a member who is not suspended."""
    # Not all columns of people may be read.
    return (
        select(literal(1))
        .where(
            memberships.c.organization_id == role_bindings.c.organization_id,
            memberships.c.id == member_id,
            users.c.id == memberships.c.user_id,
            users.c.suspended_at.is_(None),
        )
        .correlate(role_bindings, team_members)
        .exists()
    )
