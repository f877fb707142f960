"""Events over the API: emit, list, follow."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime
from typing import Any

import msgspec

from headgate.api.calls import (
    PAGE_SIZE,
    Answer,
    Page,
    ask_workspace,
    change,
    given,
    read_page,
)
from headgate.api.documents import document
from headgate.api.transport import Transport

NOUN = "events"


class Event(Answer, frozen=True):
    """A fact about what happened in a workspace.

    Args:
        sequence: orders the events; opaque.
        resource: what it happened to: id, kind, name.
    """

    id: str
    sequence: str
    occurred: datetime
    received: datetime
    event: str
    resource: dict[str, Any]
    related: list[dict[str, Any]]
    payload: dict[str, Any]


class EventRejection(Answer, frozen=True):
    """An event that the server did not take."""

    id: str
    code: str
    message: str


async def emit(
    transport: Transport,
    *,
    events: list[dict[str, Any]],
    workspace_id: str | None = None,
    deadline_seconds: float | None = None,
) -> list[EventRejection]:
    """Tell the server what happened; safe to repeat. Return what it did not take.

    Args:
        events: 1 to 100, each as the API's ``EventInput``.
        workspace_id: where; a run's token knows.
    """
    payload = await change(
        transport,
        NOUN,
        "EventsEmit",
        input=given(workspaceId=workspace_id, events=events),
        deadline_seconds=deadline_seconds,
    )
    return msgspec.convert(payload["rejected"], list[EventRejection])


class EventBatch(Answer, frozen=True):
    """Events that a stream brings.

    Args:
        gap: events before these are gone, or the server's database was restored meanwhile.
    """

    cursor: str
    events: list[Event]
    caught_up: bool = False
    gap: bool = False


async def list_events(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    filter: dict[str, Any],
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[Event]:
    """Return events, latest first.

    Args:
        filter: bounds the time, as ``{"occurred": {"gte": …}}``, and narrows further.
    """
    place = await ask_workspace(
        transport,
        NOUN,
        "Events",
        organization=organization,
        workspace=workspace,
        first=first,
        after=after,
        filter=filter,
    )
    return read_page(place["events"], item=Event)


async def watch(
    transport: Transport,
    *,
    workspace_id: str,
    after: str | None = None,
    filter: dict[str, Any] | None = None,
    is_from_oldest: bool = False,
) -> AsyncIterator[EventBatch]:
    """Follow a workspace's events from a cursor on; the caller re-opens a broken stream.

    Args:
        is_from_oldest: begin with the oldest that is kept where there is no cursor, not with what
            comes from now on.
    """
    variables = {
        "workspaceId": workspace_id,
        "after": after,
        "filter": filter,
        "start": "OLDEST" if is_from_oldest else "LATEST",
    }
    async with aclosing(
        transport.subscribe(
            document(NOUN, "WorkspaceEvents"), variables, operation="WorkspaceEvents"
        )
    ) as messages:
        async for message in messages:
            yield msgspec.convert(message["workspaceEvents"], EventBatch)
