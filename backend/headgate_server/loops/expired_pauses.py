"""Ends pauses that nobody answered in time."""

from headgate_server.loops.loop import LoopContext
from headgate_server.services import pauses, upkeep


async def run_once(context: LoopContext) -> int:
    """End every pause whose time is over, each in a transaction of its own; how many.

    While no API serves, nobody can answer, and nothing ends.
    """
    ended = 0
    while True:
        async with context.database.system() as work:
            if not await upkeep.is_served(work, grace=context.timers.outage_grace):
                return ended
            expired = await pauses.list_expired(work)
        for pause in expired:
            async with context.database.system(workspace_id=pause.workspace_id) as work:
                ended += await pauses.expire_pause(work, pause)
        if len(expired) < pauses.BATCH:
            return ended
