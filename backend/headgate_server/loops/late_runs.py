"""Marks runs late that have waited beyond their threshold."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from headgate_server.loops.loop import LoopContext, run_alone
from headgate_server.repositories.due import LateRun
from headgate_server.services import upkeep

NAME = "late_runs"
LONGEST_SECONDS = 10.0
"""After so long the rest is left to the next round, which begins at once."""
BRISK = 500
"""So many of a workspace are marked without a rest; what waits beyond them is a backlog."""
RESTS = 4
"""Between two batches of a backlog its workspace rests so many times as long as the last took."""
LOOK_SECONDS = 1.0
"""So often it looks whether anybody else has late runs, while a workspace rests."""


async def run_once(context: LoopContext) -> int:
    """Mark every late run, those of a workspace in one transaction; how many were marked.

    A batch of each workspace comes before the next of any. A run that somebody holds is left for
    the next round. Of a backlog, each batch is followed by a rest several times as long as it took:
    others start runs meanwhile, and other workspaces' late runs are marked.
    """
    until = time.monotonic() + LONGEST_SECONDS
    marked = Counter[UUID]()
    rests_until: dict[UUID, float] = {}
    while (began_at := time.monotonic()) < until:
        resting = {id_: end for id_, end in rests_until.items() if end > began_at}
        late = await _list(context, resting)
        settled = 0
        for workspace_id, runs in _by_workspace(late).items():
            turn_at = time.monotonic()
            step = _mark(context, workspace_id, runs)
            judged, done = await run_alone(step, name=NAME, context=context) or (0, 0)
            settled += judged
            marked[workspace_id] += done
            if marked[workspace_id] > BRISK:
                now = time.monotonic()
                rests_until[workspace_id] = now + RESTS * (now - turn_at)
        if settled == 0 or len(late) < upkeep.LATE_BATCH:
            if not resting:
                break
            await asyncio.sleep(min(min(resting.values()) - began_at, LOOK_SECONDS))
    return marked.total()


async def _list(context: LoopContext, resting: Collection[UUID]) -> list[LateRun]:
    silent_for = timedelta(seconds=context.timers.unresponsive_after_seconds)
    async with context.database.system() as work:
        return await upkeep.list_late(work, silent_for=silent_for, resting=resting)


async def _mark(
    context: LoopContext, workspace_id: UUID, runs: Sequence[LateRun]
) -> tuple[int, int]:
    async with context.database.system(workspace_id=workspace_id) as work:
        return await upkeep.mark_late(work, runs)


def _by_workspace(late: Iterable[LateRun]) -> dict[UUID, list[LateRun]]:
    found: defaultdict[UUID, list[LateRun]] = defaultdict(list)
    for run in late:
        found[run.workspace_id].append(run)
    return found
