"""Forces cancels whose end nobody confirmed in time."""

from headgate_server.loops.loop import LoopContext, run_alone
from headgate_server.repositories.cancels import StuckCancel
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
    forced = 0
    for cancel in stuck:
        forced += await run_alone(_force(context, cancel), name=NAME, context=context) or 0
    return forced


async def _force(context: LoopContext, cancel: StuckCancel) -> int:
    async with context.database.system(workspace_id=cancel.workspace_id) as work:
        return await cancels.force_cancel(work, cancel)
