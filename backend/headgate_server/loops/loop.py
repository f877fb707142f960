"""What a loop is: a name, and one function that does everything due and says how much it did."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from headgate_server.bus.bus import Bus
from headgate_server.database.work import Database
from headgate_server.domain.errors import HeadgateError
from headgate_server.settings import Timers

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoopContext:
    """What every loop works with."""

    database: Database
    bus: Bus
    timers: Timers


RunOnce = Callable[[LoopContext], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Loop:
    """Background work. ``run_once`` is idempotent: run twice, or on two machines, it is right.

    ``every_seconds`` is for work that no row announces; None for work that ``next_due`` finds.
    """

    name: str
    run_once: RunOnce
    every_seconds: float | None = None


async def run_safely(loop: Loop, context: LoopContext) -> int | None:
    """Run a loop once; a failure is logged and None is returned, so that the next tick comes."""
    try:
        return await loop.run_once(context)
    except HeadgateError as error:
        logger.warning("The %s loop will try again: %s", loop.name, error)
    except Exception:
        logger.exception("The %s loop failed and will try again", loop.name)
    return None
