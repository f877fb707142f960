"""Makes the runs of backfills, as many at a time as each allows."""

from headgate_server.loops.loop import LoopContext
from headgate_server.services import backfills

BATCH = 100


async def run_once(context: LoopContext) -> int:
    """Advance every backfill that is due, each in a transaction of its own; how many runs."""
    async with context.database.system() as work:
        due = await backfills.list_due(work, most=BATCH)
    made = 0
    for workspace_id, id_ in due:
        async with context.database.system(workspace_id=workspace_id) as work:
            made += await backfills.advance_backfill(work, id_=id_)
    return made
