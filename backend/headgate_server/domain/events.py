"""Events: facts about what happened in a workspace, in the order they were committed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from headgate_server.domain import ids
from headgate_server.domain.documents import check_document, is_storable
from headgate_server.domain.errors import InvalidInput

ANY_ENDING = "*"
MAX_PATTERNS = 50
MAX_RESOURCES = 250
MAX_PATTERN_LENGTH = 200
MAX_EMITTED = 100
MAX_RELATED = 100
MAX_RESOURCE_BYTES = 16 * 1024
MAX_PAYLOAD_BYTES = 256 * 1024
LATEST_AHEAD = timedelta(minutes=5)
"""A clock may be wrong by so much; what is to happen later is no event yet."""
KNOWN_FOR = timedelta(days=7)
"""So old may an event be that is emitted, and so long one that is sent again is recognised."""
OWN_NOUNS = frozenset(kind.name.lower() for kind in ids.Kind) | {
    "attempt",
    "automation",
    "concurrency_limit",
    "headgate",
    "notification",
    "quota",
    "webhook",
}
"""What Headgate itself tells of: an emitted event must not be taken for one of its own."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A fact to be published with the transaction that made it true."""

    name: str
    resource_id: str
    resource: dict[str, Any]
    payload: dict[str, Any]
    related: tuple[dict[str, Any], ...] = ()
    id: UUID | None = None
    occurred_at: datetime | None = None
    follows: UUID | None = None


@dataclass(frozen=True, slots=True)
class EventRejection:
    """Why an emitted event was not taken; ``place`` counts from 0 in what was sent."""

    place: int
    error: InvalidInput


@dataclass(frozen=True, slots=True)
class Event:
    """A published fact; ``sequence`` orders the events of an installation without a hole."""

    workspace_id: UUID
    id: UUID
    sequence: int
    occurred_at: datetime
    received_at: datetime
    name: str
    resource_id: str
    resource: dict[str, Any]
    payload: dict[str, Any]
    related: tuple[dict[str, Any], ...]
    follows: UUID | None = None


@dataclass(frozen=True, slots=True)
class EventPatterns:
    """Which events of a stream are wanted; what is None does not narrow it.

    Args:
        names: whole names, or beginnings that end in ``*``.
        resource_ids: ids as the API shows them.
        resource_kinds: such as flow_run.
    """

    names: tuple[str, ...] | None = None
    resource_ids: tuple[str, ...] | None = None
    resource_kinds: tuple[str, ...] | None = None

    def wants(self, event: Event) -> bool:
        """Whether an event is one of them."""
        return (
            (self.names is None or any(_is_like(event.name, name) for name in self.names))
            and (self.resource_ids is None or event.resource_id in self.resource_ids)
            and (self.resource_kinds is None or event.resource.get("kind") in self.resource_kinds)
        )


EVERY_EVENT = EventPatterns()


def _is_like(name: str, pattern: str) -> bool:
    if pattern.endswith(ANY_ENDING):
        return name.startswith(pattern.removesuffix(ANY_ENDING))
    return name == pattern


def check_patterns(patterns: EventPatterns) -> EventPatterns:
    """Return patterns that are within the limits.

    Raises:
        InvalidInput: too many or over-long ones, or a ``*`` that is not at the end of a name.
    """
    for field, values, most in (
        ("events", patterns.names, MAX_PATTERNS),
        ("resourceIds", patterns.resource_ids, MAX_RESOURCES),
        ("resourceKinds", patterns.resource_kinds, MAX_PATTERNS),
    ):
        if values is None:
            continue
        path = ["filter", field]
        if len(values) > most:
            raise InvalidInput(f"{field} holds at most {most} values.", path=path)
        if any(len(value) > MAX_PATTERN_LENGTH or not is_storable(value) for value in values):
            raise InvalidInput(
                f"A value in {field} has at most {MAX_PATTERN_LENGTH} characters, and no NUL.",
                path=path,
            )
    if any(ANY_ENDING in name[:-1] for name in patterns.names or ()):
        raise InvalidInput(
            "A * stands at the end of a name only, as in flow_run.*", path=["filter", "events"]
        )
    return patterns


def check_emitted(event: NewEvent, *, now: datetime) -> NewEvent:
    """Return an event of a program's that can be stored.

    Raises:
        InvalidInput: a bad or reserved name, resources without an id, too much of anything, or an
            instant that is to come or long ago.
    """
    _check_word(event.name, field="event")
    if event.name.split(".")[0] in OWN_NOUNS:
        raise InvalidInput(
            f"Events that begin with {event.name.split('.')[0]} are Headgate's own; begin with a "
            "name of yours, as in acme.order.shipped.",
            path=["event"],
        )
    _check_resource(event.resource, field="resource")
    if len(event.related) > MAX_RELATED:
        raise InvalidInput(f"related holds at most {MAX_RELATED}.", path=["related"])
    for one in event.related:
        _check_resource(one, field="related")
    if not isinstance(cast("object", event.payload), Mapping):
        raise InvalidInput("payload is a JSON object.", path=["payload"])
    check_document(event.payload, field="payload", most_bytes=MAX_PAYLOAD_BYTES)
    at = event.occurred_at or now
    if not now - KNOWN_FOR <= at <= now + LATEST_AHEAD:
        raise InvalidInput(
            f"occurred is within the last {KNOWN_FOR.days} days, and not in the future.",
            path=["occurred"],
        )
    return event


def check_count(events: Sequence[object]) -> None:
    """Go on with as many events as are taken at once.

    Raises:
        InvalidInput: none, or too many.
    """
    if not 1 <= len(events) <= MAX_EMITTED:
        raise InvalidInput(f"1 to {MAX_EMITTED} events are taken at once.", path=["events"])


def _check_resource(resource: object, *, field: str) -> None:
    if not isinstance(resource, Mapping):
        raise InvalidInput(f"{field} is a JSON object with an id.", path=[field])
    found = cast("Mapping[str, object]", resource)
    _check_word(found.get("id"), field=f"{field}.id")
    check_document(found, field=field, most_bytes=MAX_RESOURCE_BYTES)


def _check_word(word: object, *, field: str) -> None:
    if (
        not isinstance(word, str)
        or not 0 < len(word) <= MAX_PATTERN_LENGTH
        or not word.isprintable()
        or not is_storable(word)
    ):
        raise InvalidInput(
            f"{field} has 1 to {MAX_PATTERN_LENGTH} printable characters.", path=field.split(".")
        )
