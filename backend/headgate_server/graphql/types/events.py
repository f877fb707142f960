"""Events: facts about what happened in a workspace."""

from datetime import datetime
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.events import Event as EventRow
from headgate_server.domain.pagination import fingerprint
from headgate_server.graphql.connections import Connection, Listing, connect
from headgate_server.graphql.enums import Direction
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.scalars import JSON, Cursor
from headgate_server.graphql.shapes.filters import EventFilter
from headgate_server.graphql.shapes.nodes import Node, show_id, shows
from headgate_server.services import events


@strawberry.type(description="A fact about what happened.")
class Event(Node):
    sequence: strawberry.ID = strawberry.field(description="Orders the events; opaque.")
    occurred: datetime = strawberry.field(description="When it happened.")
    received: datetime = strawberry.field(description="When Headgate learnt of it.")
    event: str = strawberry.field(description="What kind, such as flow_run.completed.")
    resource: JSON = strawberry.field(description="What it happened to: id, kind and name.")
    related: list[JSON] = strawberry.field(description="What else had a part in it.")
    payload: JSON = strawberry.field(description="What belongs to this kind of event.")
    follows: strawberry.ID | None = strawberry.field(
        description="The event that this one came after, as whoever emitted it said; null if none."
    )


def show_event(row: EventRow) -> Event:
    """Return an event."""
    return Event(
        id=show_id(ids.Kind.EVENT, row.id),
        sequence=strawberry.ID(str(row.sequence)),
        occurred=row.occurred_at,
        received=row.received_at,
        event=row.name,
        resource=JSON(row.resource),
        related=[JSON(found) for found in row.related],
        payload=JSON(row.payload),
        follows=show_id(ids.Kind.EVENT, row.follows) if row.follows else None,
    )


async def list_of(
    info: Info,
    *,
    workspace_id: UUID,
    filter_: EventFilter,
    first: int | None,
    after: Cursor | None,
) -> Connection[Event]:
    """Return a page of a workspace's events."""
    wanted = filter_.to_filter()
    is_ascending = filter_.order is Direction.ASC
    listing: Listing[EventRow] = Listing(
        of=fingerprint("events", workspace_id, wanted, is_ascending),
        key=lambda row: (row.occurred_at, row.sequence),
        key_types=tuple[datetime, int],
    )
    page = listing.request(first=first, after=after)
    async with info.context.work(workspace_id) as work:
        rows = await events.list_events(work, page=page, filter=wanted, is_ascending=is_ascending)

    async def count(cap: int) -> int:
        async with info.context.work(workspace_id) as work:
            return await events.count_events(work, filter=wanted, cap=cap)

    return connect(rows, listing=listing, show=show_event, count=count)


shows(EventRow, by=show_event)
