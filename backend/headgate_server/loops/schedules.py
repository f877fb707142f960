"""Makes the runs of schedules a short horizon ahead."""

from headgate_server.loops.loop import LoopContext
from headgate_server.services.schedules import fire

SCHEDULES_AT_ONCE = 50


async def run_once(context: LoopContext) -> int:
    """Make every run within the horizon that has none yet; how many were made."""
    made = 0
    while True:
        async with context.database.system() as work:
            seen = await fire.materialise(
                work, horizon=context.timers.schedule_horizon, limit=SCHEDULES_AT_ONCE
            )
        made += seen
        if seen < SCHEDULES_AT_ONCE:
            return made
