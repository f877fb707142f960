"""The transactional outbox: events enter with the change they tell of, and leave numbered."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.events import NewEvent
from headgate_server.repositories.statements import named, packed

_INSERT = text(
    "insert into outbox (workspace_id, event_id, occurred_at, name, resource_id, resource, "
    "payload, related) "
    "select workspace_id, event_id, :now, name, resource_id, resource, payload, related "
    "from jsonb_to_recordset(cast(:events as jsonb)) as e(workspace_id uuid, event_id uuid, "
    "name text, resource_id text, resource jsonb, payload jsonb, related jsonb)"
)


async def insert_events(work: UnitOfWork, events: Sequence[NewEvent]) -> None:
    """Add events of the unit of work's workspace to the outbox, in one statement."""
    await insert_events_of_workspaces(work, [(work.workspace_id, event) for event in events])


async def insert_events_of_workspaces(
    work: UnitOfWork, events: Sequence[tuple[UUID, NewEvent]]
) -> None:
    """Add events of any workspaces to the outbox, in one statement; for the system only."""
    if not events:
        return
    records = [
        {
            "workspace_id": workspace_id,
            "event_id": ids.new_id(),
            "name": event.name,
            "resource_id": event.resource_id,
            "resource": event.resource,
            "payload": event.payload,
            "related": event.related,
        }
        for workspace_id, event in events
    ]
    await work.execute(_INSERT, {"now": work.now, "events": packed(records)})


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved out of the outbox.

    Args:
        is_busy: another mover is at work, which may have looked before the latest events came.
    """

    count: int
    workspace_ids: tuple[UUID, ...]
    is_busy: bool


async def publish_outbox(work: UnitOfWork, *, most: int) -> Moved:
    """Move the oldest events out of the outbox, numbered in the order they become readable.

    One mover at a time, by an advisory lock held to the end of the transaction: a number is
    visible only together with every smaller one, so a reader's cursor never passes a late event.
    """
    rows = (await work.execute(named("publish_outbox"), {"most": most, "now": work.now})).all()
    return Moved(
        count=sum(row.size for row in rows),
        workspace_ids=tuple(row.workspace_id for row in rows if row.size),
        is_busy=not rows[0].is_mine,
    )
