"""Publishes the events of the outbox."""

import asyncio
from collections.abc import AsyncGenerator

from headgate_server.bus import channels
from headgate_server.loops.loop import LoopContext
from headgate_server.loops.rounds import take
from headgate_server.services import upkeep

AGAIN_SECONDS = 0.05
MOST_TRIES = 40


async def run_once(context: LoopContext) -> int:
    """Publish until the outbox is empty, or what there is time for; how many were published.

    Where another replica is at it, which may have looked before the latest event came, it looks
    again; one that stays at it for seconds is left to the next sweep.
    """
    published = await take(context, "outbox", _publish(context))
    if published >= upkeep.EVENTS_AT_ONCE:
        await context.bus.publish({channels.OUTBOX})  # There may have been no time for the rest.
    return published


async def _publish(context: LoopContext) -> AsyncGenerator[int]:
    tries = 0
    while True:
        async with context.database.system() as work:
            moved = await upkeep.publish_events(work)
        if moved is None and tries < MOST_TRIES:
            tries += 1
            await asyncio.sleep(AGAIN_SECONDS)
            continue
        yield moved or 0
        if (moved or 0) < upkeep.EVENTS_AT_ONCE:
            return
