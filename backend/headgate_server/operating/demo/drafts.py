"""What the demo is drawn on: one hand of chance, one clock, and rows that wait to be inserted."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from headgate_server.domain.tenancy import SYSTEM, Actor

SEED = 20_260_314
_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62
NEVER = timedelta(days=3650)
"""So far ahead is what no loop of a live installation shall come to."""


@dataclass(slots=True)
class Draft:
    """Rows of a demo, drawn as if it were a certain moment.

    Args:
        at: when the demo is; everything in it is told from there.
        scale: how much of its history there is, from 0 to 1, spread over the same days.
    """

    at: datetime
    scale: float = 1.0
    rows: defaultdict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: defaultdict[str, list[dict[str, Any]]](list)
    )
    draw: Random = field(default_factory=lambda: Random(SEED))  # noqa: S311  no secret comes of it

    def add(self, table: str, **values: Any) -> None:
        """Keep a row of a table for later."""
        self.rows[table].append(values)

    def id(self, at: datetime | None = None) -> UUID:
        """Return an id as if it were made at a moment, else ninety days before the demo."""
        moment = at or self.at - timedelta(days=90)
        milliseconds = int(moment.timestamp() * 1000)
        chance = self.draw.getrandbits(74)
        low = chance & ((1 << 62) - 1)
        return UUID(int=milliseconds << 80 | _VERSION_7 | (chance >> 62) << 64 | _VARIANT | low)

    def count(self, whole: int, *, least: int = 1) -> int:
        """Return how many there are of what a whole demo has so many of."""
        return max(least, round(whole * self.scale))

    def ago(self, **length: float) -> datetime:
        """Return a moment so long before the demo's."""
        return self.at - timedelta(**length)


def named(prefix: str, actor: Actor = SYSTEM) -> dict[str, Any]:
    """Return the columns that name an actor."""
    return {
        f"{prefix}_kind": actor.kind.value,
        f"{prefix}_id": actor.id,
        f"{prefix}_name": actor.display_name,
    }
