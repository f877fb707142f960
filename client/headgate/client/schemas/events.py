"""What the client answers with where somebody reads events."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from headgate.api.events import Event


@dataclass(frozen=True, slots=True)
class EventPage:
    """Some events of a list, and the way to those that follow.

    Args:
        total: nothing: nobody counts them.
    """

    events: list[Event]
    wanted: dict[str, Any]
    end_cursor: str | None = None
    total: int | None = None

    async def get_next_page(self, client: Any) -> "EventPage | None":
        """Return the events that follow; None where these are the last."""
        if self.end_cursor is None:
            return None
        return await client.read_events(self.wanted, limit=len(self.events), after=self.end_cursor)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)


__all__ = ["EventPage"]
