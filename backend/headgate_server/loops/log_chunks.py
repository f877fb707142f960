"""Notes which words the logs hold, run by run."""

import asyncio
import time

from headgate_server.loops.loop import LoopContext
from headgate_server.services import log_chunks

LONGEST_SECONDS = 10.0
"""After so long the rest is left to the next round, which begins at once."""


async def run_once(context: LoopContext) -> int:
    """Note the words of every line that is due, one run in one transaction; how many lines.

    Each transaction is followed by a rest as long as it took: others write lines meanwhile.
    """
    until = time.monotonic() + LONGEST_SECONDS
    total = 0
    while (began_at := time.monotonic()) < until:
        async with context.database.system() as work:
            noted = await log_chunks.chunk_next(work)
        if noted == 0:
            break
        total += noted
        await asyncio.sleep(time.monotonic() - began_at)
    return total
