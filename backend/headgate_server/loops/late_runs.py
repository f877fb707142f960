"""Marks runs late that have waited beyond their threshold."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from headgate_server.loops.loop import LoopContext
from headgate_server.repositories.due import LateRun
from headgate_server.services import upkeep

LONGEST_SECONDS = 10.0
"""After so long the rest is left to the next round, which begins at once."""
BRISK = 500
"""So many are marked without a rest; what waits beyond them is a backlog."""
RESTS = 4
"""Between two batches of a backlog it rests so many times as long as the last one took."""


async def run_once(context: LoopContext) -> int:
    """Mark every late run, those of a workspace in one transaction; how many were marked.

    A run that somebody holds is left for the next round. Of a backlog, each batch is followed by a
    rest several times as long as it took: others start runs meanwhile.
    """
    until = time.monotonic() + LONGEST_SECONDS
    silent_for = timedelta(seconds=context.timers.unresponsive_after_seconds)
    total = 0
    while True:
        began_at = time.monotonic()
        async with context.database.system() as work:
            late = await upkeep.list_late(work, silent_for=silent_for)
        settled = 0
        for workspace_id, runs in _by_workspace(late).items():
            async with context.database.system(workspace_id=workspace_id) as work:
                judged, marked = await upkeep.mark_late(work, runs)
            settled += judged
            total += marked
        now = time.monotonic()
        if len(late) < upkeep.LATE_BATCH or settled == 0 or now > until:
            return total
        if total > BRISK:
            await asyncio.sleep(RESTS * (now - began_at))


def _by_workspace(late: Iterable[LateRun]) -> dict[UUID, list[LateRun]]:
    found: defaultdict[UUID, list[LateRun]] = defaultdict(list)
    for run in late:
        found[run.workspace_id].append(run)
    return found
