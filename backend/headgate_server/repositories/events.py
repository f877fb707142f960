"""SQL of the published events: reading."""

from typing import Any

from sqlalchemy import Row, Select, select

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.events import Event
from headgate_server.domain.filters import EventFilter
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.repositories import filters, pages
from headgate_server.tables.events import events

EVENTS_A_STATEMENT = 1000
"""Keeps a statement below the 32,767 values that the protocol allows."""


async def list_events(
    work: UnitOfWork, *, page: PageRequest, filter: EventFilter | None, is_ascending: bool
) -> Page[Event]:
    """Return a page of published events by time and sequence."""
    sort = pages.Sort((events.c.occurred_at, events.c.sequence), is_descending=not is_ascending)
    return await pages.read(work, _matching(work, filter), sort=sort, page=page, make=_event)


async def count_events(work: UnitOfWork, *, filter: EventFilter | None, cap: int) -> int:
    """Return how many published events match, up to ``cap + 1``."""
    return await pages.count(work, _matching(work, filter), cap=cap)


def _matching(work: UnitOfWork, filter: EventFilter | None) -> Select[Any]:
    return select(events).where(events.c.workspace_id == work.workspace_id, *filters.events(filter))


def _event(row: Row[Any]) -> Event:
    return Event(
        workspace_id=row.workspace_id,
        id=row.id,
        sequence=row.sequence,
        occurred_at=row.occurred_at,
        received_at=row.received_at,
        name=row.name,
        resource_id=row.resource_id,
        resource=row.resource,
        payload=row.payload,
        related=tuple(row.related),
    )
