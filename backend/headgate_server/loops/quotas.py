"""Sums up what organizations used, counts what they have, and warns those that near a quota."""

from headgate_server.loops.loop import LoopContext
from headgate_server.loops.rounds import take_batches
from headgate_server.services import object_counts, quotas

NAME = "quotas"


async def run_once(context: LoopContext) -> int:
    """Sum up everything that was noted, and count what changed; how many rows there were."""
    counted = await take_batches(
        context, NAME, object_counts.count_changed, full=object_counts.COUNTED_AT_ONCE
    )
    summed = await take_batches(context, NAME, quotas.sum_usage, full=quotas.ROWS_AT_ONCE)
    return counted + summed
