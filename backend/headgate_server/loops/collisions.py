"""Judges planned runs of limited deployments as their time comes."""

from headgate_server.loops.loop import LoopContext
from headgate_server.services import collisions


async def run_once(context: LoopContext) -> int:
    """Judge planned runs that are due, a deployment's in one transaction; how many there were."""
    done = 0
    async with context.database.system() as work:
        due = await collisions.list_due(work, most=collisions.AT_ONCE)
    for one in due:
        async with context.database.system(workspace_id=one.workspace_id) as work:
            done += await collisions.judge_due(work, one)
    return done
