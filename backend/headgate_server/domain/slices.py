"""Long work in slices: between two of them the event loop does what others wait for."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextvars import ContextVar
from typing import TypeVar

SLICE = 10
"""So few of what takes a tenth of a millisecond each that nobody waits noticeably for a slice."""

T = TypeVar("T")

between_slices: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar(
    "between_slices", default=None
)
"""What long work of an operation waits for between two slices, beside letting others go on."""


async def sliced(items: Sequence[T], *, size: int = SLICE) -> AsyncGenerator[Sequence[T]]:
    """Yield a sequence in slices, and let others go on after each but the last."""
    waits = between_slices.get()
    for start in range(0, len(items), size):
        yield items[start : start + size]
        if start + size < len(items):
            await asyncio.sleep(0)
            if waits is not None:
                await waits()
