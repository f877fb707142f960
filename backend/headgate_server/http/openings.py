"""How many sockets and registrations are let in at a time; the others are told when to come again.

When all agents come back at once, a server that takes up every call it is offered spends its
time on those whose owners have given up waiting, and they come once more. What is let in is
therefore bounded by what is under way: of a socket, from its first message until its first
operation has answered; of a registration, all of it. A socket that says nothing holds no place.
Nobody takes all of them: who comes with the same token holds no more than are free, and an
organization never the last quarter.

Who is refused is given a turn: the turns lie as far apart as places have been freed lately, so
that all come once, and none in vain.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from math import ceil

MAX_OPENINGS = 128
SETTLE_SECONDS = 1.0
"""How long a socket holds its place after it was acknowledged, if it asks for nothing by then."""
LONGEST_TURN_SECONDS = 30.0
"""Nobody is sent away for longer: another replica may have come up meanwhile."""
PACE_SECONDS = 10.0
"""What was freed longer ago says little of how fast places are freed now."""
HASTE = 1.25
"""Turns lie closer together than places were freed: those were no more than had come for them."""


class Openings:
    """The places of one server.

    Args:
        most: how many there are.
        clock: seconds that only go up.
    """

    def __init__(
        self, most: int = MAX_OPENINGS, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._clock = clock
        self._taken = 0
        self._held: Counter[Hashable] = Counter()
        self._last_turn = self._counted_since = clock()
        self._freed = 0.0

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
        self._freed += 1
        self._held.subtract(of)
        for one in of:
            if not self._held[one]:
                del self._held[one]

    def give_turn(self) -> int:
        """Return in how many seconds somebody who was refused is to come again; 1 to 30."""
        now = self._clock()
        if self._last_turn <= now:
            # Before this nobody was waiting: what was freed says how many came, not how fast.
            self._last_turn = self._counted_since = now
            self._freed = 0.0
        turn = self._last_turn + 1 / self._pace(now)
        if turn > now + LONGEST_TURN_SECONDS:
            spread = random.uniform(0.5, 1) * LONGEST_TURN_SECONDS  # noqa: S311  spread
            return ceil(spread)
        self._last_turn = turn
        return ceil(turn - now)

    def _pace(self, now: float) -> float:
        """Return how many are let in a second: at first as if each place were freed once in one."""
        passed = now - self._counted_since
        if passed > PACE_SECONDS:
            self._counted_since = now - passed / 2
            self._freed /= 2
        return max(self._freed + self._most, 1) / (passed + 1) * HASTE


class Opening:
    """The place of one call, until it leaves it; leaving twice is leaving once."""

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
