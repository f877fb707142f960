"""Makes the partitions of the coming days."""

from headgate_server.loops.loop import LoopContext
from headgate_server.services import upkeep


async def run_once(context: LoopContext) -> int:
    """Make what is missing; how many partitions were made."""
    async with context.database.system() as work:
        return await upkeep.make_partitions(work)
