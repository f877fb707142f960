"""Saved views: kept, changed, deleted and read.

A personal view is seen by whoever made it alone: for everybody else there is no such view.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.changes import changed, check_version, given
from headgate_server.domain.errors import LimitExceeded, NotFound
from headgate_server.domain.flows import check_name
from headgate_server.domain.pagination import COUNT_CAP, Page, PageRequest
from headgate_server.domain.saved_views import (
    MAX_VIEWS,
    NewSavedView,
    SavedView,
    SavedViewChanges,
    check_columns,
    check_filter,
    check_view,
)
from headgate_server.repositories import saved_views
from headgate_server.services.audit_entries.record import record_entry
from headgate_server.services.events import record_change


async def create_view(work: UnitOfWork, new: NewSavedView) -> SavedView:
    """Keep a view for the actor, or for everybody.

    Raises:
        InvalidInput: a bad name, page, filter or column.
        LimitExceeded: the actor has made 200 here.
    """
    check_view(new)
    current = await saved_views.count_own(work)
    if current >= MAX_VIEWS:
        raise LimitExceeded(
            f"You have kept {MAX_VIEWS} views here, which is the limit; delete some.",
            limit=MAX_VIEWS,
            current=current,
        )
    made = await saved_views.insert_view(work, new)
    await _record(work, made, after=made)
    return made


async def update_view(
    work: UnitOfWork,
    *,
    id_: UUID,
    changes: SavedViewChanges,
    expected_version: int | None = None,
) -> SavedView:
    """Change a view; what is so already changes nothing.

    Raises:
        InvalidInput: a bad name, filter or column.
        NotFound: there is none that the actor sees.
        VersionConflict: it is not of the expected version.
    """
    current = await _lock(work, id_, expected_version)
    differing = changed(current, given(changes))
    _check(differing)
    if not differing:
        return current
    made = await saved_views.update_view(work, id_, differing)
    await _record(work, made, before=current, after=made, fields=sorted(differing))
    return made


async def delete_view(work: UnitOfWork, *, id_: UUID, expected_version: int | None = None) -> None:
    """Delete a view.

    Raises:
        NotFound: there is none that the actor sees.
        VersionConflict: it is not of the expected version.
    """
    current = await _lock(work, id_, expected_version)
    await saved_views.delete_view(work, id_)
    await _record(work, current, before=current, verb="deleted")


async def get_many_views(work: UnitOfWork, wanted: Sequence[UUID]) -> dict[UUID, SavedView]:
    """Return those of the views that are in the workspace and that the actor sees, by id."""
    return await saved_views.get_many(work, wanted)


async def list_views(
    work: UnitOfWork, *, page: PageRequest, of_page: str | None = None
) -> Page[SavedView]:
    """Return a page of the views that the actor sees: the page key is ``(name, id)``."""
    return await saved_views.list_views(work, page=page, of_page=of_page)


async def count_views(work: UnitOfWork, *, of_page: str | None = None, cap: int = COUNT_CAP) -> int:
    """Return how many views the actor sees; ``cap + 1`` stands for more than ``cap``."""
    return await saved_views.count_views(work, of_page=of_page, cap=cap)


def _check(differing: dict[str, Any]) -> None:
    for name, check in (("name", check_name), ("filter", check_filter), ("columns", check_columns)):
        if name in differing:
            check(differing[name])


async def _lock(work: UnitOfWork, id_: UUID, expected_version: int | None) -> SavedView:
    current = await saved_views.lock_view(work, id_)
    if current is None:
        raise NotFound
    check_version(current.version, expected=expected_version)
    return current


async def _record(
    work: UnitOfWork,
    view: SavedView,
    *,
    before: SavedView | None = None,
    after: SavedView | None = None,
    verb: str | None = None,
    fields: Sequence[str] | None = None,
) -> None:
    """Write what was done: as an event for all who saw the view, or see it now, else for nobody."""
    seen = [one for one in (before, after) if one is not None and one.is_shared]
    if not seen:
        done = verb or ("created" if before is None else "updated")
        await record_entry(
            work,
            done,
            kind=ids.Kind.SAVED_VIEW,
            id_=view.id,
            name=view.name,
            before=before,
            after=after,
        )
        return
    await record_change(
        work,
        kind=ids.Kind.SAVED_VIEW,
        id_=view.id,
        name=seen[-1].name,
        version=view.version,
        changed=fields,
        verb=verb,
        before=before,
        after=after,
    )
