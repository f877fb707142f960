"""Events: facts about what happened in a workspace, in the order they were committed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from headgate_server.domain.documents import is_storable
from headgate_server.domain.errors import InvalidInput

ANY_ENDING = "*"
MAX_PATTERNS = 50
MAX_RESOURCES = 250
MAX_PATTERN_LENGTH = 200


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A fact to be published with the transaction that made it true."""

    name: str
    resource_id: str
    resource: dict[str, Any]
    payload: dict[str, Any]
    related: tuple[dict[str, Any], ...] = ()


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
