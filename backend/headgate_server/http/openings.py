"""How many sockets are let in at a time; the others are told to come again, at little cost.

When all agents come back at once, a server that takes up every socket it is offered spends its
time on those whose owners have given up waiting, and they come once more. What is let in is
therefore bounded by what is under way: from the first message of a socket until its first
operation has answered. A socket that says nothing holds no place.
"""

import asyncio

MAX_OPENINGS = 64
SETTLE_SECONDS = 1.0
"""How long a socket holds its place after it was acknowledged, if it asks for nothing by then."""


class Openings:
    """The places of one server."""

    def __init__(self, most: int = MAX_OPENINGS) -> None:
        self._most = most
        self._taken = 0

    @property
    def is_full(self) -> bool:
        """Whether nobody else is let in for now."""
        return self._taken >= self._most

    def enter(self) -> "Opening | None":
        """Take a place; None where there is none."""
        if self.is_full:
            return None
        self._taken += 1
        return Opening(self)

    def free(self) -> None:
        """Give one place back."""
        self._taken -= 1


class Opening:
    """The place of one socket, until it leaves it; leaving twice is leaving once."""

    def __init__(self, openings: Openings) -> None:
        self._openings: Openings | None = openings
        self._timer: asyncio.TimerHandle | None = None

    def settle(self) -> None:
        """Leave shortly, if nothing leaves it before."""
        self._timer = asyncio.get_running_loop().call_later(SETTLE_SECONDS, self.leave)

    def leave(self) -> None:
        """Give the place back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._openings is not None:
            self._openings.free()
            self._openings = None
