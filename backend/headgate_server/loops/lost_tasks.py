"""Puts back background tasks whose workers are lost, and ends those that are over with them."""

from uuid import UUID

from headgate_server.loops.loop import LoopContext, run_alone
from headgate_server.services import background_tasks, upkeep

NAME = "lost_tasks"


async def run_once(context: LoopContext) -> int:
    """Settle what has lost its worker, and cancels not confirmed in time; how many tasks.

    While no API serves, no worker can renew a lease or confirm anything, and nothing is settled.
    A workspace whose tasks cannot be settled holds no other up.
    """
    async with context.database.system() as work:
        if not await upkeep.is_served(work, grace=context.timers.outage_grace):
            return 0
        found = await background_tasks.list_workspaces_with_lost(work)
    settled = 0
    for workspace_id in found:
        settled += await run_alone(_settle(context, workspace_id), name=NAME, context=context) or 0
    return settled


async def _settle(context: LoopContext, workspace_id: UUID) -> int:
    async with context.database.system(workspace_id=workspace_id) as work:
        return await background_tasks.settle_lost(work)
