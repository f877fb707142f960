"""Ends pauses that nobody answered in time."""

from headgate_server.loops.loop import LoopContext
from headgate_server.loops.rounds import take_each
from headgate_server.services import pauses, upkeep

NAME = "expired_pauses"


async def run_once(context: LoopContext) -> int:
    """End pauses whose time is over, each in a transaction of its own; how many.

    While no API serves, nobody can answer, and nothing ends. One that fails holds no other up. More
    than a batch is left to the next round, at once.
    """
    async with context.database.system() as work:
        if not await upkeep.is_served(work, grace=context.timers.outage_grace):
            return 0
        expired = await pauses.list_expired(work)
    return await take_each(context, NAME, expired, pauses.expire_pause)
