"""Puts back background tasks whose workers are lost, and ends those that are over with them."""

from headgate_server.loops.loop import LoopContext
from headgate_server.services import background_tasks, upkeep


async def run_once(context: LoopContext) -> int:
    """Settle what has lost its worker, and cancels not confirmed in time; how many tasks.

    While no API serves, no worker can renew a lease or confirm anything, and nothing is settled.
    """
    async with context.database.system() as work:
        if not await upkeep.is_served(work, grace=context.timers.outage_grace):
            return 0
        found = await background_tasks.list_workspaces_with_lost(work)
    settled = 0
    for workspace_id in found:
        async with context.database.system(workspace_id=workspace_id) as work:
            settled += await background_tasks.settle_lost(work)
    return settled
