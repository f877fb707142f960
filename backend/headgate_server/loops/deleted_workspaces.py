"""Sweeps deleted workspaces and organizations away: their keys first, then their rows."""

from functools import partial

from headgate_server.loops.loop import LoopContext
from headgate_server.loops.rounds import take_turns
from headgate_server.services import closing, workspace_keys
from headgate_server.services.closing import Sweep

NAME = "deleted_workspaces"


async def run_once(context: LoopContext) -> int:
    """Destroy the keys of all that is deleted, then sweep rows in turns; how many rows went.

    Goes on where an earlier round ended: nothing is remembered but what is left.
    """
    async with context.database.system() as work:
        workspaces = await closing.list_deleted_workspaces(work)
    for one in workspaces:
        await workspace_keys.destroy(context.database, workspace_id=one.id, is_deleted=True)
    step = partial(_sweep, context)
    done = await take_turns(context, NAME, workspaces, step)
    async with context.database.system() as work:
        organizations = await closing.list_deleted_organizations(work)
    return done + await take_turns(context, NAME, organizations, step)


async def _sweep(context: LoopContext, one: Sweep) -> int:
    async with context.database.system() as work:
        return await closing.sweep_rows(work, one)
