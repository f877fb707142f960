"""Sums up what organizations used, counts what they have, and warns those that near a quota."""

from headgate_server.loops.loop import LoopContext
from headgate_server.services import object_counts, quotas


async def run_once(context: LoopContext) -> int:
    """Sum up everything that was noted, and count what changed; how many rows there were."""
    done = await object_counts.count_changed(context.database)
    while True:
        async with context.database.system() as work:
            summed = await quotas.sum_usage(work)
        done += summed
        if summed < quotas.ROWS_AT_ONCE:
            return done
