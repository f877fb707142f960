"""Which events a client reads: ``client.read_events(EventFilter(occurred=…))``."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from headgate import elsewhere
from headgate.clock import now
from headgate.errors import EventError

DEFAULT_WINDOW = timedelta(days=1)


class _Criterion(BaseModel):
    """What a filter is made of; a criterion that the API does not have is refused by name."""

    model_config = ConfigDict(extra="forbid")


class EventOrder(StrEnum):
    """In which order events are read."""

    ASC = "ASC"
    DESC = "DESC"


class EventOccurredFilter(_Criterion):
    """Events of a time: of the last day unless it is said."""

    since: datetime | None = None
    until: datetime | None = None

    def as_filter(self) -> dict[str, Any]:
        """Return the API's ``TimeFilter``."""
        until = (self.until or now()) + datetime.resolution
        since = self.since or until - DEFAULT_WINDOW
        return {"gte": since.isoformat(), "lt": until.isoformat()}


class EventNameFilter(_Criterion):
    """Events of these names, or of one that begins so."""

    name: list[str] | None = None
    prefix: list[str] | None = None

    def as_filter(self) -> dict[str, Any]:
        """Return the API's ``StringFilter``.

        Raises:
            EventError: several beginnings are given.
        """
        if self.prefix and len(self.prefix) > 1:
            message = "The API looks for one beginning of an event's name at a time"
            raise EventError(message)
        found = {"in": self.name, "startsWith": self.prefix[0] if self.prefix else None}
        return {name: value for name, value in found.items() if value is not None}


class EventResourceFilter(_Criterion):
    """Events that happened to these resources."""

    id: list[str] | None = None

    def as_filter(self) -> dict[str, Any]:
        """Return the API's ``StringFilter``."""
        return {} if self.id is None else {"in": self.id}


class EventFilter(_Criterion):
    """Which events, and in which order."""

    occurred: EventOccurredFilter = Field(default_factory=EventOccurredFilter)
    event: EventNameFilter | None = None
    resource: EventResourceFilter | None = None
    order: EventOrder = EventOrder.DESC

    def as_filter(self) -> dict[str, Any]:
        """Return the API's ``EventFilter``."""
        found: dict[str, Any] = {"occurred": self.occurred.as_filter(), "order": self.order}
        if self.event is not None:
            found["event"] = self.event.as_filter()
        if self.resource is not None:
            found["resourceId"] = self.resource.as_filter()
        return found


if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
