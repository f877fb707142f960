"""Samples what organizations store: between two rounds little changes."""

from headgate_server.loops.loop import LoopContext
from headgate_server.loops.rounds import take
from headgate_server.services import stored_sizes


async def run_once(context: LoopContext) -> int:
    """Sample every table, or those that there is time for; how many sums were written."""
    return await take(context, "stored_sizes", stored_sizes.sample_sizes(context.database))
