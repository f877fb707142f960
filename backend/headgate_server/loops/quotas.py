"""Sums up what organizations used, and warns those that near a quota."""

from headgate_server.loops.loop import LoopContext
from headgate_server.services import quotas


async def run_once(context: LoopContext) -> int:
    """Sum up everything that was counted; how many rows there were."""
    done = 0
    while True:
        async with context.database.system() as work:
            summed = await quotas.sum_usage(work)
        done += summed
        if summed < quotas.ROWS_AT_ONCE:
            return done
