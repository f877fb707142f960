"""Publishes the events of the outbox."""

import asyncio

from headgate_server.loops.loop import LoopContext
from headgate_server.services import upkeep

AGAIN_SECONDS = 0.05
MOST_TRIES = 40


async def run_once(context: LoopContext) -> int:
    """Publish until the outbox is empty; how many were published.

    Where another replica is at it, which may have looked before the latest event came, it looks
    again; one that stays at it for seconds is left to the next sweep.
    """
    published = tries = 0
    while True:
        async with context.database.system() as work:
            moved = await upkeep.publish_events(work)
        if moved is None and tries < MOST_TRIES:
            tries += 1
            await asyncio.sleep(AGAIN_SECONDS)
            continue
        published += moved or 0
        if (moved or 0) < upkeep.EVENTS_AT_ONCE:
            return published
