"""Reading the audit log."""

from collections.abc import Sequence
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.audit_entries import AuditEntry
from headgate_server.domain.filters import AuditFilter
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.repositories import audit_entries


async def list_entries(
    work: UnitOfWork, *, organization_id: UUID, page: PageRequest, filter: AuditFilter | None = None
) -> Page[AuditEntry]:
    """Return a page of entries, the latest first: the page key is ``(at, id)``."""
    return await audit_entries.list_entries(
        work, organization_id=organization_id, page=page, filter=filter
    )


async def count_entries(
    work: UnitOfWork, *, organization_id: UUID, filter: AuditFilter | None = None, cap: int
) -> int:
    """Return how many entries match; ``cap + 1`` stands for more than ``cap``."""
    return await audit_entries.count_entries(
        work, organization_id=organization_id, filter=filter, cap=cap
    )


async def get_many_entries(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, AuditEntry]:
    """Return those of the entries that are of the organization, by id."""
    return await audit_entries.get_many(work, ids_)
