"""Ends pauses that nobody answered in time."""

from headgate_server.loops.loop import LoopContext
from headgate_server.services import pauses


async def run_once(context: LoopContext) -> int:
    """End every pause whose time is over, each in a transaction of its own; how many."""
    ended = 0
    while True:
        async with context.database.system() as work:
            expired = await pauses.list_expired(work)
        for pause in expired:
            async with context.database.system(workspace_id=pause.workspace_id) as work:
                ended += await pauses.expire_pause(work, pause)
        if len(expired) < pauses.BATCH:
            return ended
