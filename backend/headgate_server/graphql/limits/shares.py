"""Fair shares of a replica: an organization that floods it waits for itself, and not the others.

Alone, an organization runs as many operations at once as it likes. While others ask as well, each
runs few at once; the rest wait in the order they came, outside of the database's connections.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

BESIDE_OTHERS = 2
"""How many operations of one organization run at once on a replica while others ask."""
OTHERS_SECONDS = 1.0
"""So long after its last operation an organization counts as one that asks."""


@dataclass(slots=True)
class _Share:
    """The operations of one organization: how many run, and who waits."""

    running: int = 0
    waiting: "deque[asyncio.Future[None]]" = field(default_factory=deque["asyncio.Future[None]"])


class OperationShares:
    """Lets operations in, organization by organization."""

    def __init__(self) -> None:
        self._shares: dict[UUID, _Share] = {}
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
            yield
        finally:
            self._leave(organization_id, share)

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
        while share.waiting and share.running < self._width(organization_id):
            let_in = share.waiting.popleft()
            if not let_in.done():
                share.running += 1
                let_in.set_result(None)
        if not share.running and not share.waiting:
            self._shares.pop(organization_id, None)

    def _note(self, organization_id: UUID) -> None:
        """Remember the two organizations that asked last."""
        now = asyncio.get_running_loop().time()
        if self._latest is not None and self._latest[0] != organization_id:
            self._latest_other = self._latest
        self._latest = (organization_id, now)

    def _width(self, organization_id: UUID) -> int | float:
        """Return how many operations of an organization may run at once."""
        other = self._latest
        if other is not None and other[0] == organization_id:
            other = self._latest_other
        since = asyncio.get_running_loop().time() - OTHERS_SECONDS
        return BESIDE_OTHERS if other is not None and other[1] >= since else float("inf")
