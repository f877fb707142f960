"""SQL of support access."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, insert, select, update

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.organizations import Closures
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.domain.support_grants import SupportGrant, SupportRole
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.repositories import closing, pages
from headgate_server.repositories.organizations import own
from headgate_server.tables.organizations import organizations
from headgate_server.tables.support_grants import support_grants

_GRANT = support_grants.c


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
            organizations.c.slug == slug,
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
