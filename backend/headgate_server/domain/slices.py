"""Long work in slices: between two of them the event loop does what others wait for."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import TypeVar

SLICE = 10
"""So few of what takes a tenth of a millisecond each that nobody waits noticeably for a slice."""

T = TypeVar("T")


async def sliced(items: Sequence[T], *, size: int = SLICE) -> AsyncGenerator[Sequence[T]]:
    """Yield a sequence in slices, and let others go on after each but the last."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
        if start + size < len(items):
            await asyncio.sleep(0)
