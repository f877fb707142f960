"""Service accounts of an organization."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, delete, insert, select

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.domain.service_accounts import ServiceAccount
from headgate_server.repositories import pages
from headgate_server.repositories.organizations import own
from headgate_server.tables.organizations import service_accounts


async def insert_account(
    work: UnitOfWork, *, organization_id: UUID, id_: UUID, display_name: str
) -> ServiceAccount:
    """Store a service account."""
    statement = (
        insert(service_accounts)
        .values(
            organization_id=organization_id,
            id=id_,
            display_name=display_name,
            created_at=work.now,
        )
        .returning(service_accounts)
    )
    return _account((await work.execute(statement)).one())


async def delete_account(work: UnitOfWork, *, id_: UUID) -> bool:
    """Delete a service account with its bindings; whether there was one."""
    statement = delete(service_accounts).where(
        own(work, service_accounts.c.organization_id), service_accounts.c.id == id_
    )
    return (await work.execute(statement)).rowcount == 1


async def find_account(work: UnitOfWork, *, id_: UUID) -> ServiceAccount | None:
    """Return a service account of an organization the unit of work may see."""
    statement = _own(work).where(service_accounts.c.id == id_)
    row = (await work.execute(statement)).one_or_none()
    return _account(row) if row is not None else None


async def hold_accounts(
    work: UnitOfWork, *, organization_id: UUID, ids: Iterable[UUID]
) -> set[UUID]:
    """Return those of some machines that an organization has; none is deleted meanwhile."""
    statement = (
        select(service_accounts.c.id)
        .where(
            service_accounts.c.organization_id == organization_id,
            service_accounts.c.id.in_(sorted(ids)),
        )
        .order_by(service_accounts.c.id)
        .with_for_update(read=True)
    )
    return set((await work.execute(statement)).scalars())


async def get_many(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, ServiceAccount]:
    """Return those of the service accounts that exist and may be seen, by id."""
    rows = await work.execute(_own(work).where(service_accounts.c.id.in_(ids)))
    return {row.id: _account(row) for row in rows}


async def list_accounts(
    work: UnitOfWork, *, organization_id: UUID, page: PageRequest
) -> Page[ServiceAccount]:
    """Return a page of an organization's service accounts, oldest first."""
    statement = _own(work).where(service_accounts.c.organization_id == organization_id)
    sort = pages.by(service_accounts.c.id)
    return await pages.read(work, statement, sort=sort, page=page, make=_account)


async def count_accounts(work: UnitOfWork, *, organization_id: UUID, cap: int) -> int:
    """Return how many service accounts an organization has, up to ``cap + 1``."""
    statement = select(service_accounts.c.id).where(
        service_accounts.c.organization_id == organization_id
    )
    return await pages.count(work, statement, cap=cap)


def _own(work: UnitOfWork) -> Select[Any]:
    return select(service_accounts).where(own(work, service_accounts.c.organization_id))


def _account(row: Row[Any]) -> ServiceAccount:
    return ServiceAccount(
        organization_id=row.organization_id,
        id=row.id,
        display_name=row.display_name,
        created_at=row.created_at,
    )
