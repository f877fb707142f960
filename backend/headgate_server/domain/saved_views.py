"""Saved views: what a page was narrowed to, kept under a name; personal, or everybody's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import UNSET, UnsetType

from headgate_server.domain.documents import check_document
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.flows import check_name
from headgate_server.domain.names import KEY, KEY_RULE
from headgate_server.domain.tenancy import Actor

MAX_VIEWS = 200
"""So many views of a workspace one person may have made."""
MAX_FILTER_BYTES = 16 * 1024
MAX_COLUMNS, MAX_COLUMN_LENGTH = 50, 100


@dataclass(frozen=True, slots=True)
class NewSavedView:
    """A view that somebody keeps.

    Args:
        page: which page it is of, as the one who reads it names it.
        filter: what the page is narrowed to; the page alone knows what it means.
        columns: which columns are shown, in order; None leaves that to the page.
        is_shared: whether everybody in the workspace sees it.
    """

    name: str
    page: str
    filter: dict[str, Any]
    columns: Sequence[str] | None = None
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class SavedViewChanges:
    """What changes of a view; what is UNSET stays."""

    name: str | UnsetType = UNSET
    filter: dict[str, Any] | UnsetType = UNSET
    columns: tuple[str, ...] | UnsetType | None = UNSET
    is_shared: bool | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class SavedView:
    """A view that is kept; a personal one is seen by whoever made it alone."""

    workspace_id: UUID
    id: UUID
    name: str
    page: str
    filter: dict[str, Any]
    columns: tuple[str, ...] | None
    is_shared: bool
    version: int
    created_by: Actor
    created_at: datetime
    updated_at: datetime


def check_view(new: NewSavedView) -> NewSavedView:
    """Return a view that can be stored.

    Raises:
        InvalidInput: a bad name, page, filter or column.
    """
    check_name(new.name)
    if not KEY.fullmatch(new.page):
        raise InvalidInput(f"page {KEY_RULE}", path=["page"])
    check_filter(new.filter)
    check_columns(new.columns)
    return new


def check_filter(filter_: dict[str, Any]) -> dict[str, Any]:
    """Return a filter that can be stored.

    Raises:
        InvalidInput: over-long.
    """
    return check_document(filter_, field="filter", most_bytes=MAX_FILTER_BYTES)


def check_columns(columns: Sequence[str] | None) -> Sequence[str] | None:
    """Return columns that can be stored.

    Raises:
        InvalidInput: too many, or one that is empty or over-long.
    """
    if columns is None:
        return None
    if len(columns) > MAX_COLUMNS or any(
        not 1 <= len(column) <= MAX_COLUMN_LENGTH or not column.isprintable() for column in columns
    ):
        raise InvalidInput(
            f"columns holds at most {MAX_COLUMNS} names of 1 to {MAX_COLUMN_LENGTH} printable "
            "characters.",
            path=["columns"],
        )
    return columns
