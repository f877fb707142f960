"""Publishes the events of the outbox."""

from headgate_server.loops.loop import LoopContext
from headgate_server.services import upkeep


async def run_once(context: LoopContext) -> int:
    """Publish until the outbox is empty or another replica is at it; how many were published."""
    published = 0
    while True:
        async with context.database.system() as work:
            moved = await upkeep.publish_events(work)
        published += moved
        if moved < upkeep.EVENTS_AT_ONCE:
            return published
