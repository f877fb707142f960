"""Which tags have limits, as the server said last: so that others cost it no call."""

import time
from collections.abc import Iterable

from headgate.api.background import reset_after_fork

TAGS_SECONDS = 10.0
"""How long it is remembered which tags have limits: a new limit takes so long to be seen."""
PATIENCE_SECONDS = 10.0
"""How long a server that is away is asked by who does not know yet which tags have limits."""

Place = tuple[str, str]
"""A server's address, and a workspace there."""


class _Known:
    """What this process knows; a forked child asks anew."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.tags: dict[Place, frozenset[str]] = {}
        self.until: dict[Place, float] = {}

    def may_be_limited(self, place: Place, tags: Iterable[str]) -> bool:
        """Whether the server is to be asked."""
        return time.monotonic() >= self.until.get(place, 0.0) or self.were_limited(place, tags)

    def were_limited(self, place: Place, tags: Iterable[str]) -> bool:
        """Whether one of them had a limit when the server last said so."""
        return not self.tags.get(place, frozenset()).isdisjoint(tags)

    def patience_seconds(self, place: Place) -> float:
        """How long to ask a server that is away; 0 asks once."""
        return 0.0 if place in self.tags else PATIENCE_SECONDS

    def learn(self, place: Place, tags: Iterable[str]) -> None:
        """Remember what the server said."""
        self.tags[place] = frozenset(tags)
        self.until[place] = time.monotonic() + TAGS_SECONDS

    def go_on(self, place: Place) -> None:
        """Go by what is known for a while, of a server that does not say."""
        self.learn(place, self.tags.get(place, ()))


known = _Known()
reset_after_fork(known.reset)
