"""Saved views over the API: list, delete."""

from datetime import datetime
from typing import Any

import msgspec

from headgate.api.calls import PAGE_SIZE, Answer, Page, ask, ask_workspace, change, read_page
from headgate.api.transport import Transport
from headgate.errors import NotFoundError

NOUN = "saved_views"


class Keeper(Answer, frozen=True):
    """Who kept a view."""

    display_name: str


class SavedView(Answer, frozen=True):
    """What a page was narrowed to, under a name.

    Args:
        filter: an object that the page alone understands.
        shared: whether everybody in the workspace sees it.
    """

    id: str
    name: str
    page: str
    filter: dict[str, Any]
    columns: list[str] | None
    shared: bool
    created_at: datetime
    updated_at: datetime
    created_by: Keeper | None = None


async def list_views(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    page: str | None = None,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[SavedView]:
    """Return the caller's own views of a workspace and those that are shared, by name.

    Args:
        page: only those of this page.
    """
    place = await ask_workspace(
        transport,
        NOUN,
        "SavedViews",
        organization=organization,
        workspace=workspace,
        page=page,
        first=first,
        after=after,
    )
    return read_page(place["savedViews"], item=SavedView)


async def get(transport: Transport, *, view_id: str) -> SavedView:
    """Return a view.

    Raises:
        NotFoundError: there is none, or it is somebody else's.
    """
    found = await ask(transport, NOUN, "SavedView", variables={"id": view_id})
    if not found:
        message = f"There is no saved view {view_id}, or this key may not see it"
        raise NotFoundError(message)
    return msgspec.convert(found, SavedView)


async def delete(transport: Transport, *, view_id: str) -> None:
    """Delete a view.

    Raises:
        NotFoundError: there is none, or it is somebody else's.
    """
    await change(transport, NOUN, "SavedViewDelete", input={"id": view_id})
