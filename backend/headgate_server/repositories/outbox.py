"""The transactional outbox: events enter with the change they tell of, and leave numbered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.events import NewEvent
from headgate_server.repositories.statements import named, packed
from headgate_server.tables.events import emitted_events

_INSERT = text(
    "insert into outbox (workspace_id, event_id, occurred_at, name, resource_id, resource, "
    "payload, related, follows) "
    "select workspace_id, event_id, coalesce(occurred_at, :now), name, resource_id, resource, "
    "payload, related, follows "
    "from jsonb_to_recordset(cast(:events as jsonb)) as e(workspace_id uuid, event_id uuid, "
    "name text, resource_id text, resource jsonb, payload jsonb, related jsonb, "
    "occurred_at timestamptz, follows uuid)"
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
            "event_id": event.id or ids.new_id(),
            "name": event.name,
            "resource_id": event.resource_id,
            "resource": event.resource,
            "payload": event.payload,
            "related": event.related,
            "occurred_at": event.occurred_at,
            "follows": event.follows,
        }
        for workspace_id, event in events
    ]
    await work.execute(_INSERT, {"now": work.now, "events": packed(records)})


async def claim_ids(work: UnitOfWork, event_ids: Sequence[UUID]) -> set[UUID]:
    """Return those of some events' ids that nobody has emitted yet; they are taken then."""
    rows = await work.execute(
        insert(emitted_events)
        .values(
            [
                {"workspace_id": work.workspace_id, "event_id": id_, "emitted_at": work.now}
                for id_ in sorted(event_ids)
            ]
        )
        .on_conflict_do_nothing()
        .returning(emitted_events.c.event_id)
    )
    return set(rows.scalars())


async def forget_ids(work: UnitOfWork, *, before: datetime, most: int) -> int:
    """Forget ids that were emitted before a time, and return how many."""
    some = (
        select(emitted_events.c.event_id)
        .where(
            emitted_events.c.workspace_id == work.workspace_id,
            emitted_events.c.emitted_at < before,
        )
        .limit(most)
    )
    result = await work.execute(
        delete(emitted_events).where(
            emitted_events.c.workspace_id == work.workspace_id,
            emitted_events.c.event_id.in_(some),
        )
    )
    return result.rowcount


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
