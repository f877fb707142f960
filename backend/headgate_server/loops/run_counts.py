"""Counts the hours anew whose runs have changed."""

from headgate_server.loops.loop import LoopContext
from headgate_server.services.flow_runs import counts


async def run_once(context: LoopContext) -> int:
    """Count until no hour is left that has settled; how many were counted."""
    counted = 0
    while True:
        async with context.database.system() as work:
            done = await counts.refresh_counts(work)
        counted += done
        if done < counts.HOURS_AT_ONCE:
            return counted
