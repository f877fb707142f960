"""Workspaces of an organization."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.errors import Conflict
from headgate_server.domain.filters import WorkspaceFilter
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.domain.workspaces import Workspace
from headgate_server.repositories import filters, pages
from headgate_server.repositories.organizations import own
from headgate_server.repositories.statements import named
from headgate_server.tables.organizations import KEPT_DAYS, workspaces


async def insert_workspace(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    id_: UUID,
    slug: str,
    name: str,
    most_kept_days: int = 0,
    is_stopped: bool = False,
) -> Workspace | None:
    """Store a workspace; None when the organization has one of this slug.

    Args:
        work: a unit of work of the organization.
        organization_id: whose.
        id_: of the new one.
        slug: its name in addresses.
        name: for people.
        most_kept_days: what is kept longer at first is kept so long; 0 does not limit.
        is_stopped: whether nothing starts there, for the organization is suspended.
    """
    kept = {
        column: min(days, most_kept_days) for column, days in KEPT_DAYS.items() if most_kept_days
    }
    statement = (
        insert(workspaces)
        .values(
            organization_id=organization_id,
            id=id_,
            slug=slug,
            name=name,
            created_at=work.now,
            updated_at=work.now,
            is_stopped=is_stopped,
            **kept,
        )
        .on_conflict_do_nothing(index_elements=["organization_id", "slug"])
        .returning(workspaces)
    )
    row = (await work.execute(statement)).one_or_none()
    return _workspace(row) if row is not None else None


async def lock_workspace(work: UnitOfWork, *, id_: UUID) -> Workspace | None:
    """Return a workspace and keep others from changing it until the end of the transaction.

    Rows that refer to it may be made meanwhile.
    """
    statement = _own(work).where(workspaces.c.id == id_).with_for_update(key_share=True)
    row = (await work.execute(statement)).one_or_none()
    return _workspace(row) if row is not None else None


async def update_workspace(work: UnitOfWork, *, id_: UUID, changes: dict[str, Any]) -> Workspace:
    """Write changed columns of a locked workspace and raise its version.

    Raises:
        Conflict: the organization has another workspace of this slug.
    """
    statement = (
        update(workspaces)
        .where(own(work, workspaces.c.organization_id), workspaces.c.id == id_)
        .values(**changes, version=workspaces.c.version + 1, updated_at=work.now)
        .returning(workspaces)
    )
    try:
        async with work.connection.begin_nested():
            return _workspace((await work.execute(statement)).one())
    except IntegrityError as error:
        raise Conflict(
            "A workspace with this slug exists in the organization.", path=["slug"]
        ) from error


async def find_organization_id(work: UnitOfWork, *, id_: UUID) -> UUID | None:
    """Return the organization of a workspace."""
    statement = select(workspaces.c.organization_id).where(workspaces.c.id == id_)
    return (await work.execute(statement)).scalar_one_or_none()


async def is_kept_open(work: UnitOfWork) -> bool:
    """Whether runs may start in the workspace, which nobody stops until the transaction ends.

    Whoever arms schedules asks before it locks them: who stops a workspace does it in that order.
    """
    statement = (
        select(workspaces.c.is_stopped)
        .where(workspaces.c.id == work.workspace_id)
        .with_for_update(read=True)
    )
    return (await work.execute(statement)).scalar_one_or_none() is False


async def is_in_organization(work: UnitOfWork, *, organization_id: UUID, id_: UUID) -> bool:
    """Whether a workspace belongs to an organization."""
    statement = select(workspaces.c.id).where(
        workspaces.c.organization_id == organization_id,
        workspaces.c.id == id_,
        workspaces.c.deleted_at.is_(None),
    )
    return (await work.execute(statement)).one_or_none() is not None


async def list_ids(work: UnitOfWork) -> list[UUID]:
    """Return the ids of the organization's workspaces, in order."""
    statement = (
        select(workspaces.c.id)
        .where(
            workspaces.c.organization_id == work.organization_id, workspaces.c.deleted_at.is_(None)
        )
        .order_by(workspaces.c.id)
    )
    return list((await work.execute(statement)).scalars())


async def list_by_state(
    work: UnitOfWork, *, organization_id: UUID, is_archived: bool = False
) -> list[UUID]:
    """Return the workspaces of an organization that are archived, or are not; no deleted ones."""
    at = workspaces.c.archived_at
    rows = await work.execute(
        select(workspaces.c.id)
        .where(
            workspaces.c.organization_id == organization_id,
            at.is_not(None) if is_archived else at.is_(None),
            workspaces.c.deleted_at.is_(None),
        )
        .order_by(workspaces.c.id)
    )
    return list(rows.scalars())


async def find_places(
    work: UnitOfWork, ids: Sequence[UUID], *, among: Sequence[UUID]
) -> dict[UUID, UUID]:
    """Return in which of these workspaces objects lie, by their ids; in one statement.

    Needs the system's unit of work: no other sees several workspaces at once.
    """
    rows = await work.execute(named("find_places"), {"ids": list(ids), "among": list(among)})
    return {row.id: row.workspace_id for row in rows}


async def find_workspace(work: UnitOfWork, *, id_: UUID) -> Workspace | None:
    """Return a workspace of an organization the unit of work may see."""
    row = (await work.execute(_own(work).where(workspaces.c.id == id_))).one_or_none()
    return _workspace(row) if row is not None else None


async def find_by_slug(work: UnitOfWork, *, organization_id: UUID, slug: str) -> Workspace | None:
    """Return the workspace of a slug."""
    statement = _own(work).where(
        workspaces.c.organization_id == organization_id, workspaces.c.slug == slug
    )
    row = (await work.execute(statement)).one_or_none()
    return _workspace(row) if row is not None else None


async def get_many(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, Workspace]:
    """Return those of the workspaces that exist and may be seen, by id."""
    rows = await work.execute(_own(work).where(workspaces.c.id.in_(ids)))
    return {row.id: _workspace(row) for row in rows}


async def list_workspaces(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    page: PageRequest,
    filter: WorkspaceFilter | None,
    only: Collection[UUID] | None = None,
) -> Page[Workspace]:
    """Return a page of an organization's workspaces, by slug and id; of ``only`` these if given."""
    sort = pages.by(workspaces.c.slug, workspaces.c.id)
    statement = _matching(work, organization_id, filter, only)
    return await pages.read(work, statement, sort=sort, page=page, make=_workspace)


async def count_workspaces(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    filter: WorkspaceFilter | None,
    only: Collection[UUID] | None = None,
    cap: int,
) -> int:
    """Return how many workspaces match, up to ``cap + 1``."""
    return await pages.count(work, _matching(work, organization_id, filter, only), cap=cap)


def _own(work: UnitOfWork) -> Select[Any]:
    return select(workspaces).where(
        own(work, workspaces.c.organization_id), workspaces.c.deleted_at.is_(None)
    )


def _matching(
    work: UnitOfWork,
    organization_id: UUID,
    filter: WorkspaceFilter | None,
    only: Collection[UUID] | None,
) -> Select[Any]:
    found = _own(work).where(
        workspaces.c.organization_id == organization_id, *filters.workspaces(filter)
    )
    return found if only is None else found.where(workspaces.c.id.in_(only))


def _workspace(row: Row[Any]) -> Workspace:
    return Workspace(
        organization_id=row.organization_id,
        id=row.id,
        slug=row.slug,
        name=row.name,
        version=row.version,
        runs_kept_days=row.runs_kept_days,
        logs_kept_days=row.logs_kept_days,
        events_kept_days=row.events_kept_days,
        updated_at=row.updated_at,
        archived_at=row.archived_at,
        is_stopped=row.is_stopped,
    )
