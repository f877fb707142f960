"""SQL of the published events: reading."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, or_, select

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.events import ANY_ENDING, Event, EventPatterns
from headgate_server.domain.filters import EventFilter
from headgate_server.domain.pagination import Page, PageRequest, Portion
from headgate_server.repositories import filters, pages, portions
from headgate_server.repositories.statements import named
from headgate_server.tables.events import control_plane, events


@dataclass(frozen=True, slots=True)
class Edges:
    """Where the events of a workspace begin and end.

    Args:
        last: the number of the latest one; 0 before the first.
        dropped: the highest number that retention has deleted and before which none is kept; 0
            where none is gone.
    """

    last: int
    dropped: int


async def list_events(
    work: UnitOfWork, *, page: PageRequest, filter: EventFilter | None, is_ascending: bool
) -> Page[Event]:
    """Return a page of published events by time and sequence."""
    sort = pages.Sort((events.c.occurred_at, events.c.sequence), is_descending=not is_ascending)
    return await pages.read(work, _matching(work, filter), sort=sort, page=page, make=_event)


async def count_events(work: UnitOfWork, *, filter: EventFilter | None, cap: int) -> int:
    """Return how many published events match, up to ``cap + 1``."""
    return await pages.count(work, _matching(work, filter), cap=cap)


async def find_edges(work: UnitOfWork) -> Edges | None:
    """Return where the workspace's events begin and end; None where there is no such workspace."""
    row = (
        await work.execute(named("find_event_edges"), {"workspace_id": work.workspace_id})
    ).one_or_none()
    return None if row is None else Edges(last=row.last, dropped=row.dropped)


async def list_behind(
    work: UnitOfWork, *, after: int, most: int, most_bytes: int, patterns: EventPatterns
) -> Portion[Event]:
    """Return events behind a number in the order they were published, up to so many or so large."""
    statement = select(events).where(events.c.workspace_id == work.workspace_id, *_like(patterns))
    return await portions.read(
        work,
        statement,
        number="sequence",
        large=("payload", "resource", "related"),
        after=after,
        most=most,
        most_bytes=most_bytes,
        make=_event,
    )


async def read_timeline(work: UnitOfWork) -> UUID:
    """Return which history this database tells; a restored one is given another."""
    return (await work.execute(select(control_plane.c.generation))).scalar_one()


def _like(patterns: EventPatterns) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if patterns.names is not None:
        whole = [name for name in patterns.names if not name.endswith(ANY_ENDING)]
        beginnings = [name[:-1] for name in patterns.names if name.endswith(ANY_ENDING)]
        conditions.append(
            or_(
                events.c.name.in_(whole),
                *(events.c.name.startswith(start, autoescape=True) for start in beginnings),
            )
        )
    if patterns.resource_ids is not None:
        conditions.append(events.c.resource_id.in_(patterns.resource_ids))
    if patterns.resource_kinds is not None:
        conditions.append(events.c.resource["kind"].astext.in_(patterns.resource_kinds))
    return conditions


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
        follows=row.follows,
    )
