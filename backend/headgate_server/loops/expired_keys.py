"""Forgets idempotency keys past their time."""

from headgate_server.loops.loop import LoopContext
from headgate_server.services import upkeep


async def run_once(context: LoopContext) -> int:
    """Delete the expired keys; how many there were."""
    async with context.database.system() as work:
        return await upkeep.delete_expired_keys(work)
