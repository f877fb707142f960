"""Fair shares of a replica: an organization that floods it waits for itself, and not the others.

Alone, an organization runs as many operations at once as it likes. While others ask as well, each
runs few at once; the rest wait in the order they came, outside of the database's connections. And
before one of them begins, and between the slices of long work, it lets those of organizations go
first that have used the replica less.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from headgate_server.domain.slices import between_slices

BESIDE_OTHERS = 1
"""How many operations of one organization run at once on a replica while others ask."""
OTHERS_SECONDS = 1.0
"""So long after its last operation an organization counts as one that asks."""
GIVE_WAY_SECONDS = 0.05
"""No longer does an operation wait, before it begins, for those of others that have used less."""
GIVE_WAY_WITHIN_SECONDS = 0.2
"""And no longer between all of its slices: by then it may hold a connection of the database."""
USED_MORE = 2.0
"""Who has not used the replica so many times more than another goes as it comes."""
USED_LITTLE_SECONDS = 0.1
"""And so does who has hardly used it."""
FORGOTTEN_SECONDS = 1.0
"""In this time what an organization has used of the replica counts half."""
MOST_REMEMBERED = 1_000


@dataclass(slots=True)
class _Share:
    """The operations of one organization: how many run, and who waits."""

    running: int = 0
    waiting: "deque[asyncio.Future[None]]" = field(default_factory=deque["asyncio.Future[None]"])


class OperationShares:
    """Lets operations in, organization by organization."""

    def __init__(self, *, read_now: Callable[[], float] | None = None) -> None:
        """Let everybody in who comes first.

        Args:
            read_now: tells seconds that only rise; tests turn the time with it.
        """
        self._now = read_now or _loop_time
        self._shares: dict[UUID, _Share] = {}
        self._used: dict[UUID, tuple[float, float]] = {}
        self._left = asyncio.Event()
        self._latest: tuple[UUID, float] | None = None
        self._latest_other: tuple[UUID, float] | None = None

    @asynccontextmanager
    async def turn(self, organization_id: UUID) -> AsyncGenerator[None]:
        """Wait until an operation of an organization may run, and run it."""
        self._note(organization_id)
        share = self._shares.setdefault(organization_id, _Share())
        if share.running >= self._width(organization_id):
            await self._wait(organization_id, share)
        else:
            share.running += 1
        try:
            await self.give_way(organization_id, seconds=GIVE_WAY_SECONDS)
            way = _Way(self, organization_id, self._now)
            between_slices.set(way.give)
            began_at = self._now()
            try:
                yield
            finally:
                between_slices.set(None)
                self._note_used(organization_id, self._now() - began_at - way.waited)
        finally:
            self._leave(organization_id, share)

    async def give_way(self, organization_id: UUID, *, seconds: float) -> None:
        """Let operations of others end first that have used the replica less, for so long."""
        if not self._goes_after(organization_id):
            return
        try:
            async with asyncio.timeout(seconds):
                while self._goes_after(organization_id):
                    self._left.clear()
                    await self._left.wait()
        except TimeoutError:
            return

    def _goes_after(self, organization_id: UUID) -> bool:
        used = self._used_by(organization_id)
        return used > USED_LITTLE_SECONDS and any(
            share.running and USED_MORE * self._used_by(id_) < used
            for id_, share in self._shares.items()
            if id_ != organization_id
        )

    def _used_by(self, organization_id: UUID) -> float:
        """Return the seconds that an organization's operations took, the latest counting most."""
        seconds, at = self._used.get(organization_id, (0.0, 0.0))
        return seconds * 0.5 ** ((self._now() - at) / FORGOTTEN_SECONDS)

    def _note_used(self, organization_id: UUID, seconds: float) -> None:
        used = self._used_by(organization_id) + seconds
        self._used.pop(organization_id, None)
        self._used[organization_id] = (used, self._now())
        if len(self._used) > MOST_REMEMBERED:
            del self._used[next(iter(self._used))]

    async def _wait(self, organization_id: UUID, share: _Share) -> None:
        """Return as one that runs, counted by whoever let it in."""
        let_in = asyncio.get_running_loop().create_future()
        share.waiting.append(let_in)
        try:
            await let_in
        except asyncio.CancelledError:
            if let_in.done() and not let_in.cancelled():
                self._leave(organization_id, share)
            elif let_in in share.waiting:
                share.waiting.remove(let_in)
            raise

    def _leave(self, organization_id: UUID, share: _Share) -> None:
        share.running -= 1
        self._left.set()
        while share.waiting and share.running < self._width(organization_id):
            let_in = share.waiting.popleft()
            if not let_in.done():
                share.running += 1
                let_in.set_result(None)
        if not share.running and not share.waiting:
            self._shares.pop(organization_id, None)

    def _note(self, organization_id: UUID) -> None:
        """Remember the two organizations that asked last."""
        now = self._now()
        if self._latest is not None and self._latest[0] != organization_id:
            self._latest_other = self._latest
        self._latest = (organization_id, now)

    def _width(self, organization_id: UUID) -> int | float:
        """Return how many operations of an organization may run at once."""
        other = self._latest
        if other is not None and other[0] == organization_id:
            other = self._latest_other
        since = self._now() - OTHERS_SECONDS
        return BESIDE_OTHERS if other is not None and other[1] >= since else float("inf")


@dataclass(slots=True)
class _Way:
    """How long an operation has waited between its slices."""

    shares: OperationShares
    organization_id: UUID
    read_now: Callable[[], float]
    waited: float = 0.0

    async def give(self) -> None:
        """Let others go first, as long as this operation has not waited for long."""
        left = GIVE_WAY_WITHIN_SECONDS - self.waited
        if left <= 0:
            return
        began_at = self.read_now()
        await self.shares.give_way(self.organization_id, seconds=left)
        self.waited += self.read_now() - began_at


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
