"""Makes the runs of schedules that are on time, a short horizon ahead."""

from headgate_server.bus import channels
from headgate_server.domain.schedules.schedule import Due
from headgate_server.loops.loop import LoopContext
from headgate_server.loops.pace import Pace
from headgate_server.services.schedules import fire

SCHEDULES_AT_ONCE = 50
ROUNDS_AT_ONCE = 10
"""After so many rounds the other loops have their turn, whatever is left."""


async def run_once(context: LoopContext) -> int:
    """Make the runs within the horizon that have none yet; how many schedules were due."""
    return await fire_due(context, Due.ON_TIME)


async def fire_due(context: LoopContext, due: Due) -> int:
    """Make the runs of schedules a transaction at a time; ask to be called again if more are due.

    Returns:
        How many schedules were seen to, each as often as it was its turn.
    """
    pace = context.pace_of(due.value, most=SCHEDULES_AT_ONCE)
    total = 0
    for _ in range(ROUNDS_AT_ONCE):
        limit = pace.at_once
        seen = await _round(context, due, pace)
        total += seen
        if seen < limit:
            return total
    await context.bus.publish({channels.SCHEDULER})
    return total


async def _round(context: LoopContext, due: Due, pace: Pace) -> int:
    committed: int | None = None
    try:
        async with context.database.system() as work:
            seen = await fire.materialise(
                work,
                horizon=context.timers.schedule_horizon,
                limit=pace.at_once,
                due=due,
                passed_over=pace.passed_over,
            )
        committed = seen
        return seen
    finally:
        pace.has_ended(committed)
