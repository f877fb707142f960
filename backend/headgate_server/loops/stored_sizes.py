"""Samples what organizations store: between two rounds little changes."""

from headgate_server.loops.loop import LoopContext
from headgate_server.services import stored_sizes


async def run_once(context: LoopContext) -> int:
    """Sample every table; how many sums were written."""
    return await stored_sizes.sample_sizes(context.database)
