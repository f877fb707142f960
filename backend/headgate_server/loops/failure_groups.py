"""Puts runs that failed into the groups of those that failed alike."""

from headgate_server.loops.loop import LoopContext
from headgate_server.services import failure_groups

MOST_BATCHES = 20
"""After so many the rest is left to the next round, which begins at once."""


async def run_once(context: LoopContext) -> int:
    """Group every failure that is in no group yet, batch by batch; how many there were."""
    total = 0
    for _ in range(MOST_BATCHES):
        async with context.database.system() as work:
            grouped = await failure_groups.group_failures(work)
        total += grouped
        if grouped < failure_groups.FAILURES_AT_ONCE:
            break
    return total
