"""Judges planned runs of limited deployments as their time comes."""

from headgate_server.loops.loop import LoopContext, run_alone
from headgate_server.repositories.collisions import Due
from headgate_server.services import collisions

NAME = "collisions"


async def run_once(context: LoopContext) -> int:
    """Judge planned runs that are due, a deployment's in one transaction; how many there were."""
    done = 0
    async with context.database.system() as work:
        due = await collisions.list_due(work, most=collisions.AT_ONCE)
    for one in due:
        done += await run_alone(_judge(context, one), name=NAME, context=context) or 0
    return done


async def _judge(context: LoopContext, due: Due) -> int:
    async with context.database.system(workspace_id=due.workspace_id) as work:
        return await collisions.judge_due(work, due)
