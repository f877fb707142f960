"""Carries the ends and cancels of runs to what is below them."""

from headgate_server.loops.loop import LoopContext, run_alone
from headgate_server.services import cancels
from headgate_server.services.cancels import Ahead, DueEnd

NAME = "run_ends"
AT_ONCE = 20
MOST_BATCHES = 50
"""So many batches a round: what is left goes on at once in the next."""


async def run_once(context: LoopContext) -> int:
    """End what is below runs that are over or being cancelled; how many runs.

    A batch is a transaction of its own, and a batch of each run comes before the next of any.
    """
    ended = batches = 0
    ahead = cancels.Ahead()
    while batches < MOST_BATCHES:
        async with context.database.system() as work:
            due = await cancels.list_ends(work, most=min(AT_ONCE, MOST_BATCHES - batches))
        done = [
            await run_alone(_end_below(context, one, ahead=ahead), name=NAME, context=context)
            for one in due
        ]
        if all(count is None for count in done):
            break
        ended += sum(filter(None, done))
        batches += len(due)
    return ended


async def _end_below(context: LoopContext, end: DueEnd, *, ahead: Ahead) -> int | None:
    async with context.database.system(workspace_id=end.workspace_id) as work:
        return await cancels.end_below(work, end.id, ahead=ahead)
