"""SQL of support access."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, insert, select, update
from sqlalchemy.dialects.postgresql import distinct_on

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.organizations import Closures
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.domain.support_grants import (
    Made,
    OperatedGrant,
    SupportGrant,
    SupportRole,
)
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.repositories import closing, pages
from headgate_server.repositories.organizations import is_called, own
from headgate_server.tables.audit_entries import audit_entries
from headgate_server.tables.organizations import organizations
from headgate_server.tables.support_grants import support_grants

_GRANT = support_grants.c
_ENTRY = audit_entries.c
_USED = "support_grant.used"


async def insert_grant(work: UnitOfWork, grant: SupportGrant) -> None:
    """Store what an operator asks for."""
    await work.execute(
        insert(support_grants).values(
            organization_id=grant.organization_id,
            id=grant.id,
            operator_id=grant.operator.id,
            operator_name=grant.operator.display_name,
            role=grant.role.value,
            reason=grant.reason,
            duration_seconds=int(grant.duration.total_seconds()),
            requested_at=grant.requested_at,
        )
    )


async def lock_grant(work: UnitOfWork, *, id_: UUID) -> SupportGrant | None:
    """Return a grant that the unit of work may see, and let nobody change it meanwhile."""
    statement = _own(work).where(_GRANT.id == id_).with_for_update()
    row = (await work.execute(statement)).one_or_none()
    return None if row is None else _grant(row)


async def approve_grant(
    work: UnitOfWork, *, id_: UUID, by: Actor, expires_at: datetime
) -> SupportGrant:
    """Let a grant begin."""
    return await _change(
        work,
        id_,
        approved_at=work.now,
        approved_by_kind=by.kind.value,
        approved_by_id=by.id,
        approved_by_name=by.display_name,
        expires_at=expires_at,
    )


async def end_grant(work: UnitOfWork, *, id_: UUID) -> SupportGrant:
    """End a grant, or decline a request."""
    return await _change(work, id_, ended_at=work.now)


async def settle_grant(work: UnitOfWork, *, id_: UUID) -> None:
    """Remember that the audit log tells of a grant's end."""
    await _change(work, id_, settled_at=work.now)


async def lock_over(work: UnitOfWork, *, most: int) -> list[SupportGrant]:
    """Return grants that ended by themselves and were not told of; nobody else gets them."""
    statement = (
        select(support_grants)
        .where(
            _GRANT.approved_at.is_not(None),
            _GRANT.settled_at.is_(None),
            _GRANT.expires_at <= work.now,
        )
        .order_by(_GRANT.expires_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return [_grant(row) for row in await work.execute(statement)]


async def list_made(work: UnitOfWork, grant: SupportGrant, *, most: int) -> list[Made]:
    """Return what support has made or changed and not deleted again, the latest first."""
    if grant.approved_at is None:
        return []
    latest = (
        select(
            _ENTRY.action,
            _ENTRY.target_kind,
            _ENTRY.target_id,
            _ENTRY.target_name,
            _ENTRY.workspace_id,
            _ENTRY.at,
        )
        .ext(distinct_on(_ENTRY.target_id))
        .where(
            own(work, _ENTRY.organization_id),
            _ENTRY.organization_id == grant.organization_id,
            _ENTRY.at >= grant.approved_at,
            _ENTRY.at <= (grant.ended_at or grant.expires_at),
            _ENTRY.support_grant_id == grant.id,
            _ENTRY.action != _USED,
        )
        .order_by(_ENTRY.target_id, _ENTRY.at.desc(), _ENTRY.id.desc())
        .subquery()
    )
    statement = (
        select(latest)
        .where(latest.c.action.not_like("%.deleted"))
        .order_by(latest.c.at.desc(), latest.c.target_id)
        .limit(most)
    )
    return [
        Made(
            action=row.action,
            kind=row.target_kind,
            id=row.target_id,
            name=row.target_name,
            workspace_id=row.workspace_id,
            at=row.at,
        )
        for row in await work.execute(statement)
    ]


@dataclass(frozen=True, slots=True)
class LiveGrant:
    """A grant that is in force, what of its organization is closed, and what it asks for."""

    grant: SupportGrant
    closures: Closures
    requires_second_factor: bool


async def find_live(work: UnitOfWork, *, operator_id: UUID, slug: str) -> LiveGrant | None:
    """Return the grant by which an operator may look into an organization now, as the system.

    Of several the one that lasts longest.
    """
    statement = (
        select(
            support_grants,
            closing.closures_of(_GRANT.organization_id).label("closures"),
            organizations.c.requires_second_factor,
        )
        .join(organizations, organizations.c.id == _GRANT.organization_id)
        .where(
            is_called(slug),
            organizations.c.deleted_at.is_(None),
            _GRANT.operator_id == operator_id,
            _GRANT.ended_at.is_(None),
            _GRANT.expires_at > work.now,
        )
        .order_by(_GRANT.expires_at.desc())
        .limit(1)
    )
    row = (await work.execute(statement)).one_or_none()
    if row is None:
        return None
    return LiveGrant(_grant(row), closing.read_closures(row.closures), row.requires_second_factor)


async def list_operated(
    work: UnitOfWork, *, operator_id: UUID, page: PageRequest
) -> Page[OperatedGrant]:
    """Return a page of what an operator asked for, the latest first; as the system."""
    sort = pages.Sort((_GRANT.requested_at, _GRANT.id), is_descending=True)
    statement = _operated(operator_id)
    return await pages.read(work, statement, sort=sort, page=page, make=_operated_grant)


async def count_operated(work: UnitOfWork, *, operator_id: UUID, cap: int) -> int:
    """Return how many an operator asked for, up to ``cap + 1``; as the system."""
    return await pages.count(work, _operated(operator_id), cap=cap)


async def list_grants(work: UnitOfWork, *, page: PageRequest) -> Page[SupportGrant]:
    """Return a page of what the unit of work may see, the latest first."""
    sort = pages.Sort((_GRANT.requested_at, _GRANT.id), is_descending=True)
    return await pages.read(work, _own(work), sort=sort, page=page, make=_grant)


async def count_grants(work: UnitOfWork, *, cap: int) -> int:
    """Return how many there are, up to ``cap + 1``."""
    return await pages.count(work, _own(work), cap=cap)


async def _change(work: UnitOfWork, id_: UUID, **changes: Any) -> SupportGrant:
    statement = (
        update(support_grants)
        .where(own(work, _GRANT.organization_id), _GRANT.id == id_)
        .values(**changes)
        .returning(support_grants)
    )
    return _grant((await work.execute(statement)).one())


def _operated(operator_id: UUID) -> Select[Any]:
    return (
        select(
            support_grants,
            organizations.c.slug.label("organization_slug"),
            organizations.c.name.label("organization_name"),
        )
        .join(organizations, organizations.c.id == _GRANT.organization_id)
        .where(_GRANT.operator_id == operator_id, organizations.c.deleted_at.is_(None))
    )


def _operated_grant(row: Row[Any]) -> OperatedGrant:
    return OperatedGrant(_grant(row), row.organization_slug, row.organization_name)


def _own(work: UnitOfWork) -> Select[Any]:
    return select(support_grants).where(own(work, _GRANT.organization_id))


def _grant(row: Row[Any]) -> SupportGrant:
    by = None
    if row.approved_by_kind is not None:
        by = Actor(ActorKind(row.approved_by_kind), row.approved_by_id, row.approved_by_name)
    return SupportGrant(
        organization_id=row.organization_id,
        id=row.id,
        operator=Actor(ActorKind.USER, row.operator_id, row.operator_name),
        role=SupportRole(row.role),
        reason=row.reason,
        duration=timedelta(seconds=row.duration_seconds),
        requested_at=row.requested_at,
        approved_at=row.approved_at,
        approved_by=by,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
    )
