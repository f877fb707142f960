"""Makes the runs of backfills, as many at a time as each allows."""

import time
from uuid import UUID

from headgate_server.loops.loop import LoopContext, run_alone
from headgate_server.services import backfills

NAME = "backfills"
BATCH = 100
LONGEST_SECONDS = 2.0
"""After that the next round asks anew whose turn it is: who has come meanwhile is among them."""


async def run_once(context: LoopContext) -> int:
    """Advance backfills that are due, in turns by workspace, each in a transaction of its own.

    One that fails holds no other up: it is tried again later.

    Returns:
        Of how many items a run was made or refused.
    """
    until = time.monotonic() + LONGEST_SECONDS
    async with context.database.system() as work:
        due = await backfills.list_due(work, most=BATCH)
    settled = 0
    for workspace_id, id_ in due:
        step = _advance(context, workspace_id, id_)
        done = await run_alone(step, name=NAME, context=context)
        if done is None:
            async with context.database.system(workspace_id=workspace_id) as work:
                await backfills.put_off(work, id_=id_)
        settled += done or 0
        if time.monotonic() >= until:
            break
    return settled


async def _advance(context: LoopContext, workspace_id: UUID, id_: UUID) -> int:
    async with context.database.system(workspace_id=workspace_id) as work:
        return await backfills.advance_backfill(work, id_=id_)
