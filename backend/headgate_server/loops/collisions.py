"""Judges planned runs of limited deployments as their time comes."""

from headgate_server.loops.loop import LoopContext
from headgate_server.loops.rounds import take_each
from headgate_server.services import collisions

NAME = "collisions"


async def run_once(context: LoopContext) -> int:
    """Judge planned runs that are due, a deployment's in one transaction; how many there were."""
    async with context.database.system() as work:
        due = await collisions.list_due(work, most=collisions.AT_ONCE)
    return await take_each(context, NAME, due, collisions.judge_due)
