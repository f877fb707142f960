"""Saved views: their rows, as far as the actor of the unit of work may see them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, delete, func, insert, or_, select, update

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.domain.saved_views import NewSavedView, SavedView
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.repositories import pages
from headgate_server.tables.saved_views import saved_views


async def insert_view(work: UnitOfWork, new: NewSavedView) -> SavedView:
    """Store a view of the actor's."""
    statement = (
        insert(saved_views)
        .values(
            workspace_id=work.workspace_id,
            id=ids.new_id(),
            name=new.name,
            page=new.page,
            filter=new.filter,
            columns=None if new.columns is None else list(new.columns),
            is_shared=new.is_shared,
            created_by_kind=work.actor.kind.value,
            created_by_id=work.actor.id,
            created_by_name=work.actor.display_name,
            created_at=work.now,
            updated_at=work.now,
        )
        .returning(saved_views)
    )
    return _view((await work.execute(statement)).one())


async def count_own(work: UnitOfWork) -> int:
    """Return how many views the actor has made in the workspace."""
    counted = await work.execute(
        select(func.count()).where(saved_views.c.workspace_id == work.workspace_id, _is_own(work))
    )
    return counted.scalar_one()


async def lock_view(work: UnitOfWork, id_: UUID) -> SavedView | None:
    """Return a view that the actor sees, and that nobody changes until the transaction ends."""
    statement = _seen(work).where(saved_views.c.id == id_).with_for_update()
    row = (await work.execute(statement)).one_or_none()
    return _view(row) if row is not None else None


async def update_view(work: UnitOfWork, id_: UUID, changes: dict[str, Any]) -> SavedView:
    """Change a locked view and raise its version."""
    statement = (
        update(saved_views)
        .where(saved_views.c.workspace_id == work.workspace_id, saved_views.c.id == id_)
        .values(**changes, version=saved_views.c.version + 1, updated_at=work.now)
        .returning(saved_views)
    )
    return _view((await work.execute(statement)).one())


async def delete_view(work: UnitOfWork, id_: UUID) -> None:
    """Delete a locked view."""
    await work.execute(
        delete(saved_views).where(
            saved_views.c.workspace_id == work.workspace_id, saved_views.c.id == id_
        )
    )


async def get_many(work: UnitOfWork, wanted: Sequence[UUID]) -> dict[UUID, SavedView]:
    """Return those of the views that the actor sees, by id."""
    rows = await work.execute(_seen(work).where(saved_views.c.id.in_(wanted)))
    return {row.id: _view(row) for row in rows}


async def list_views(
    work: UnitOfWork, *, page: PageRequest, of_page: str | None
) -> Page[SavedView]:
    """Return a page of the views that the actor sees, by name."""
    sort = pages.by(saved_views.c.name, saved_views.c.id)
    return await pages.read(work, _matching(work, of_page), sort=sort, page=page, make=_view)


async def count_views(work: UnitOfWork, *, of_page: str | None, cap: int) -> int:
    """Return how many views the actor sees, up to ``cap + 1``."""
    return await pages.count(work, _matching(work, of_page), cap=cap)


def _is_own(work: UnitOfWork) -> ColumnElement[bool]:
    return (saved_views.c.created_by_kind == work.actor.kind.value) & (
        saved_views.c.created_by_id == work.actor.id
    )


def _seen(work: UnitOfWork) -> Select[Any]:
    return select(saved_views).where(
        saved_views.c.workspace_id == work.workspace_id,
        or_(saved_views.c.is_shared, _is_own(work)),
    )


def _matching(work: UnitOfWork, of_page: str | None) -> Select[Any]:
    statement = _seen(work)
    return statement if of_page is None else statement.where(saved_views.c.page == of_page)


def _view(row: Row[Any]) -> SavedView:
    return SavedView(
        workspace_id=row.workspace_id,
        id=row.id,
        name=row.name,
        page=row.page,
        filter=row.filter,
        columns=None if row.columns is None else tuple(row.columns),
        is_shared=row.is_shared,
        version=row.version,
        created_by=Actor(ActorKind(row.created_by_kind), row.created_by_id, row.created_by_name),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
