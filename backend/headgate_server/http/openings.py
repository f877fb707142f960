"""How many sockets are let in at a time; the others are told to come again, at little cost.

When all agents come back at once, a server that takes up every socket it is offered spends its
time on those whose owners have given up waiting, and they come once more. What is let in is
therefore bounded by what is under way: from the first message of a socket until its first
operation has answered. A socket that says nothing holds no place. Nobody takes all of them: who
comes with the same token holds no more than are free, and an organization never the last quarter.
"""

import asyncio
from collections import Counter
from collections.abc import Hashable, Sequence

MAX_OPENINGS = 128
SETTLE_SECONDS = 1.0
"""How long a socket holds its place after it was acknowledged, if it asks for nothing by then."""


class Openings:
    """The places of one server."""

    def __init__(self, most: int = MAX_OPENINGS) -> None:
        self._most = most
        self._taken = 0
        self._held: Counter[Hashable] = Counter()

    @property
    def is_full(self) -> bool:
        """Whether nobody else is let in for now."""
        return self._taken >= self._most

    def enter(self, *, by: Hashable) -> "Opening | None":
        """Take a place; None where there is none for who comes with this proof.

        It is told apart by its hash: no secret is kept here.
        """
        proof = ("proof", hash(by))
        if self.is_full or self._held[proof] > self._most - self._taken:
            return None
        self._taken += 1
        self._held[proof] += 1
        return Opening(self, proof)

    def join(self, organization: Hashable) -> bool:
        """Count a place for an organization; whether it may have one more."""
        if self._held[organization] >= max(1, self._most * 3 // 4):
            return False
        self._held[organization] += 1
        return True

    def free(self, *, of: Sequence[Hashable]) -> None:
        """Give one place back."""
        self._taken -= 1
        self._held.subtract(of)
        for one in of:
            if not self._held[one]:
                del self._held[one]


class Opening:
    """The place of one socket, until it leaves it; leaving twice is leaving once."""

    def __init__(self, openings: Openings, proof: Hashable) -> None:
        self._openings: Openings | None = openings
        self._of = [proof]
        self._timer: asyncio.TimerHandle | None = None

    def join(self, organization: Hashable) -> bool:
        """Count it for the organization it turned out to be of; whether it may go on."""
        if self._openings is None or not self._openings.join(organization):
            return False
        self._of.append(organization)
        return True

    def settle(self) -> None:
        """Leave shortly, if nothing leaves it before."""
        self._timer = asyncio.get_running_loop().call_later(SETTLE_SECONDS, self.leave)

    def leave(self) -> None:
        """Give the place back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._openings is not None:
            self._openings.free(of=self._of)
            self._openings = None
