"""Events: recorded with the change they tell of, read once they are published."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.errors import InvalidInput, NotFound
from headgate_server.domain.events import (
    Event,
    EventRejection,
    NewEvent,
    check_count,
    check_emitted,
)
from headgate_server.domain.filters import EventFilter
from headgate_server.domain.pagination import COUNT_CAP, Page, PageRequest
from headgate_server.repositories import events, outbox
from headgate_server.services.audit_entries.record import Record, record_entries

list_behind = events.list_behind
read_timeline = events.read_timeline


async def record_events(work: UnitOfWork, new: Sequence[NewEvent]) -> None:
    """Write events with the transaction and have them published soon after it commits."""
    if new:
        await outbox.insert_events(work, new)
        work.wake(channels.OUTBOX)


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be told of one object that was created or changed.

    Args:
        kind: what the object is; names the event together with the verb.
        id: the object's id.
        name: what people call it.
        version: its version from now on.
        changed: the fields that changed; None when the object is new.
        verb: ``created`` or ``updated`` unless a better one is given.
        before: the object as it was, for the audit log; None where it is new.
        after: the object as it is; None where it is gone.
    """

    kind: ids.Kind
    id: UUID
    name: str
    version: int
    changed: Collection[str] | None
    verb: str | None = None
    before: object = None
    after: object = None

    @property
    def said(self) -> str:
        """Return the verb."""
        return self.verb or ("created" if self.changed is None else "updated")


async def record_changes(work: UnitOfWork, changes: Sequence[Change]) -> None:
    """Record that objects were created or changed: as events, and in the audit log.

    Of the events values stay out, for they may be secret; the audit log has them, cut down. Two
    statements, however many changes.
    """
    await record_events(work, [_event_of(change) for change in changes])
    records = [
        Record(
            change.said,
            change.kind,
            change.id,
            change.name,
            before=change.before,
            after=change.after,
        )
        for change in changes
    ]
    await record_entries(work, records)


def _event_of(change: Change) -> NewEvent:
    noun = change.kind.name.lower()
    shown = ids.show(change.kind, change.id)
    payload: dict[str, object] = {"version": change.version}
    if change.changed is not None:
        payload["changed"] = sorted(change.changed)
    return NewEvent(
        name=f"{noun}.{change.said}",
        resource_id=shown,
        resource={"id": shown, "kind": noun, "name": change.name},
        payload=payload,
    )


async def record_change(
    work: UnitOfWork,
    *,
    kind: ids.Kind,
    id_: UUID,
    name: str,
    version: int,
    changed: Collection[str] | None,
    verb: str | None = None,
    before: object = None,
    after: object = None,
) -> None:
    """Record that an object was created or changed; see ``Change`` and ``record_changes``."""
    change = Change(kind, id_, name, version, changed, verb=verb, before=before, after=after)
    await record_changes(work, [change])


async def emit_events(
    work: UnitOfWork, new: Sequence[NewEvent | InvalidInput]
) -> tuple[int, list[EventRejection]]:
    """Take events of a program's, each for itself; one that is sent again is counted, not doubled.

    Args:
        work: the unit of work.
        new: 1 to 100 events with ids; what could not even be read is an error in its place.

    Returns:
        How many were taken, now or before, and why the others were not.

    Raises:
        InvalidInput: no events, or too many.
    """
    check_count(new)
    taken: dict[UUID, NewEvent] = {}
    rejected: list[EventRejection] = []
    for place, event in enumerate(new):
        try:
            if isinstance(event, InvalidInput):
                raise event
            checked = check_emitted(event, now=work.now)
            taken.setdefault(checked.id or ids.new_id(), checked)
        except InvalidInput as error:
            rejected.append(EventRejection(place, error))
    if taken:
        fresh = await outbox.claim_ids(work, list(taken))
        await record_events(work, [event for id_, event in taken.items() if id_ in fresh])
    return len(new) - len(rejected), rejected


async def list_events(
    work: UnitOfWork,
    *,
    page: PageRequest,
    filter: EventFilter | None = None,
    is_ascending: bool = False,
) -> Page[Event]:
    """Return a page of events, latest first: the page key is ``(occurred_at, sequence)``."""
    return await events.list_events(work, page=page, filter=filter, is_ascending=is_ascending)


async def count_events(
    work: UnitOfWork, *, filter: EventFilter | None = None, cap: int = COUNT_CAP
) -> int:
    """Return how many events match; ``cap + 1`` stands for more than ``cap``."""
    return await events.count_events(work, filter=filter, cap=cap)


async def get_edges(work: UnitOfWork) -> events.Edges:
    """Return where the workspace's events begin and end.

    Raises:
        NotFound: there is no such workspace in the caller's organization.
    """
    edges = await events.find_edges(work)
    if edges is None:
        raise NotFound
    return edges
