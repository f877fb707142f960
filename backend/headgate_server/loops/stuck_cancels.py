"""Forces cancels whose end nobody confirmed in time."""

from headgate_server.loops.loop import LoopContext
from headgate_server.loops.rounds import take_each
from headgate_server.services import cancels, upkeep

NAME = "stuck_cancels"


async def run_once(context: LoopContext) -> int:
    """Force every cancel past its deadline, each in a transaction of its own; how many.

    While no API serves, no agent can confirm anything, and nothing is forced. One that fails
    holds no other up.
    """
    async with context.database.system() as work:
        if not await upkeep.is_served(work, grace=context.timers.outage_grace):
            return 0
        stuck = await cancels.list_stuck(work)
    return await take_each(context, NAME, stuck, cancels.force_cancel)
