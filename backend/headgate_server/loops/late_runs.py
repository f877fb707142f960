"""Marks runs late that have waited beyond their threshold."""

from datetime import timedelta

from headgate_server.loops.loop import LoopContext
from headgate_server.services import upkeep


async def run_once(context: LoopContext) -> int:
    """Mark every late run, each in a transaction of its own; how many were marked."""
    silent_for = timedelta(seconds=context.timers.unresponsive_after_seconds)
    marked = 0
    while True:
        async with context.database.system() as work:
            late = await upkeep.list_late(work, silent_for=silent_for)
        for run in late:
            async with context.database.system(workspace_id=run.workspace_id) as work:
                marked += (await upkeep.mark_late(work, run)).is_accepted
        if len(late) < upkeep.BATCH:
            return marked
