"""Gates: so many go through at once, in the order they came, before they take a connection."""

import asyncio
from collections.abc import AsyncGenerator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Gate:
    free: asyncio.Semaphore
    users: int = 0


@dataclass(slots=True)
class Gates:
    """The gates that somebody stands at, each known by its key; ``width`` go through at once."""

    width: int
    known: dict[Hashable, _Gate] = field(default_factory=dict[Hashable, _Gate])

    @asynccontextmanager
    async def through(self, key: Hashable) -> AsyncGenerator[None]:
        """Wait for those who came before, and go through."""
        gate = self.known.setdefault(key, _Gate(asyncio.Semaphore(self.width)))
        gate.users += 1
        try:
            async with gate.free:
                yield
        finally:
            gate.users -= 1
            if not gate.users:
                del self.known[key]
