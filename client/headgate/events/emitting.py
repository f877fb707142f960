"""Emits events: checks them as the server does, masks secrets, and sends them."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from headgate.api import events, workspaces
from headgate.api.background import background_loop
from headgate.api.calls import given
from headgate.clock import now
from headgate.engine.context import current_flow_run, current_task_run
from headgate.engine.places import Place, current_place
from headgate.errors import EventError
from headgate.ids import make_id
from headgate.reporting.batches import EventReport
from headgate.settings import load_settings
from headgate.states import format_timestamp
from headgate.texts import storable_json

MAX_NAME = 200
MAX_RELATED = 100
MAX_PAYLOAD_BYTES = 256 * 1024
TIGHT = timedelta(minutes=5)
"""Only what comes so soon after another event is said to follow it."""

_PREFIXES = ("headgate.resource.", "prefect.resource.")
_sending: set[Future[None]] = set()
logger = logging.getLogger("headgate.reporting")


@dataclass(frozen=True, slots=True)
class Event:
    """A fact that was told.

    Args:
        id: made here, so that what is sent again is told once.
        follows: the id of the event that this one came after.
    """

    event: str
    resource: dict[str, Any]
    occurred: datetime
    id: str
    related: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    payload: dict[str, Any] = field(default_factory=dict[str, Any])
    follows: str | None = None

    def as_input(self) -> dict[str, Any]:
        """Return it as the API's ``EventInput``."""
        return given(
            id=self.id,
            occurred=format_timestamp(self.occurred),
            event=self.event,
            resource=self.resource,
            related=self.related,
            payload=self.payload,
            follows=self.follows,
        )


def emit_event(
    event: str,
    resource: Mapping[str, Any],
    occurred: datetime | None = None,
    related: Sequence[Mapping[str, Any]] | None = None,
    payload: Mapping[str, Any] | None = None,
    id: str | None = None,
    follows: Event | None = None,
) -> Event:
    """Tell a fact, and return it.

    Never waits inside of a run, nor where an event loop runs; elsewhere until the server has it.
    Without a server nobody hears of it.

    Args:
        event: what kind, as ``acme.order.shipped``; what begins with a noun of Headgate's, as
            ``flow_run``, is refused.
        resource: what it happened to: ``id``, perhaps ``kind`` and ``name``, and whatever labels.
            ``headgate.resource.id`` and ``prefect.resource.id`` are read as ``id``.
        occurred: an aware time; now where it is not said.
        related: what else had a part in it, each like ``resource``, perhaps with a ``role``.
        payload: what belongs to this kind of event, at most 256 KiB as JSON.
        id: made up where it is not said.
        follows: the event that this one came after; left out unless it is of the last 5 minutes.

    Raises:
        EventError: a bad name or time, a resource without an id, or too much of anything.
        ApiError: the server did not take it; outside of a run only.
    """
    at = occurred or now()
    told = Event(
        event=_name(storable_json(event), what="The name of an event"),
        resource=_resource(resource),
        occurred=_aware(at),
        id=id or make_id("evt"),
        related=[*_related(related or ()), *_surroundings()],
        payload=_payload(payload or {}),
        follows=_follows(at, follows),
    )
    context = current_flow_run.get()
    if context is not None:
        context.recorder.report(EventReport([told.as_input()]))
    elif not load_settings().is_local:
        _send(current_place(), told)
    return told


def _send(place: Place, told: Event) -> None:
    """Send an event from outside of a run: and wait, unless an event loop must not be held up."""
    sending = background_loop().submit(_emit(place, told))
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        sending.result()
        return
    _sending.add(sending)
    sending.add_done_callback(_done)


def _done(sending: Future[None]) -> None:
    _sending.discard(sending)
    if not sending.cancelled() and (error := sending.exception()) is not None:
        logger.error("An event was not sent: %s", error)


async def _emit(place: Place, told: Event) -> None:
    workspace_id = None
    if place.lease is None:
        workspace_id = await workspaces.get_id(
            place.transport, organization=place.organization, workspace=place.workspace
        )
    rejected = await events.emit(
        place.transport, events=[told.as_input()], workspace_id=workspace_id
    )
    if rejected:
        raise EventError(rejected[0].message)


def _surroundings() -> list[dict[str, Any]]:
    """Return the run around the call, and its flow, as what had a part in an event.

    A background task is one itself, and no task run.
    """
    flow_run, task_run = current_flow_run.get(), current_task_run.get()
    found: list[dict[str, Any]] = []
    if flow_run is not None:
        run = {"id": flow_run.recorder.flow_run_id, "kind": "flow_run", "name": flow_run.run.name}
        found.append({**run, "role": "flow_run"})
    if task_run is not None:
        kind = "background_task" if task_run.is_queued else "task_run"
        run = {"id": task_run.run.id, "kind": kind, "name": task_run.run.name}
        found.append({**run, "role": kind})
    return storable_json(found)


def _resource(resource: Mapping[str, Any]) -> dict[str, Any]:
    labels: dict[str, Any] = storable_json(dict(resource))
    for prefix in _PREFIXES:
        for name in ("id", "name", "role"):
            if f"{prefix}{name}" in labels:
                labels.setdefault(name, labels.pop(f"{prefix}{name}"))
    _name(labels.get("id"), what="The id of a resource")
    return labels


def _related(related: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    if len(related) >= MAX_RELATED - 1:
        message = f"An event has fewer than {MAX_RELATED - 1} related resources"
        raise EventError(message)
    return [_resource(one) for one in related]


def _payload(payload: Mapping[str, Any]) -> dict[str, Any]:
    try:
        found: dict[str, Any] = storable_json(dict(payload))
    except RecursionError:
        message = "The payload of an event contains itself"
        raise EventError(message) from None
    size = len(orjson.dumps(found))
    if size > MAX_PAYLOAD_BYTES:
        message = (
            f"The payload of an event has {size:,} bytes as JSON, and may have "
            f"{MAX_PAYLOAD_BYTES:,}"
        )
        raise EventError(message)
    return found


def _name(name: Any, *, what: str) -> str:
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or not name.isprintable():
        message = f"{what} has 1 to {MAX_NAME} printable characters, not {name!r}"
        raise EventError(message)
    return name


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        message = "The time of an event has a zone: datetime.now(UTC), for instance"
        raise EventError(message)
    return at


def _follows(at: datetime, earlier: Event | None) -> str | None:
    if earlier is None or not timedelta() <= at - earlier.occurred < TIGHT:
        return None
    return earlier.id
