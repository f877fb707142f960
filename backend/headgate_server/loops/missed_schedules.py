"""Settles what schedules missed in an outage, beside those that are on time."""

from headgate_server.domain.schedules.schedule import Due
from headgate_server.loops.loop import LoopContext
from headgate_server.loops.schedules import fire_due


async def run_once(context: LoopContext) -> int:
    """Bring schedules that are behind forward, the oldest first; how many there were to see to."""
    return await fire_due(context, Due.BEHIND)
