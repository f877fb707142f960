"""Sweeps deleted workspaces and organizations away: their keys first, then their rows."""

from headgate_server.loops.loop import LoopContext
from headgate_server.services import closing


async def run_once(context: LoopContext) -> int:
    """Sweep what is deleted; how many rows went."""
    return await closing.sweep(context.database)
