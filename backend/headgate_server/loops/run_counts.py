"""Counts the hours anew whose runs have changed."""

from headgate_server.loops.loop import LoopContext
from headgate_server.loops.rounds import take_batches
from headgate_server.services.flow_runs import counts


async def run_once(context: LoopContext) -> int:
    """Count until no hour is left that has settled; how many were counted."""
    return await take_batches(
        context, "run_counts", counts.refresh_counts, full=counts.HOURS_AT_ONCE
    )
