"""Makes the partitions of the coming days."""

import logging

from headgate_server.domain.errors import Unavailable
from headgate_server.loops.loop import LoopContext
from headgate_server.services import upkeep

logger = logging.getLogger(__name__)


async def run_once(context: LoopContext) -> int:
    """Make what is missing, each in a transaction of its own; how many partitions were made.

    Of a table that somebody reads for long, a backup say, the rest is left to the next round.
    """
    async with context.database.system() as work:
        missing = await upkeep.list_missing_partitions(work)
    made, held = 0, set[str]()
    for partition in missing:
        if partition.parent in held:
            continue
        try:
            async with context.database.system() as work:
                made += await upkeep.make_partition(work, partition)
        except Unavailable:
            held.add(partition.parent)
            logger.info("%s is in use; its partitions will be made later", partition.parent)
    return made
