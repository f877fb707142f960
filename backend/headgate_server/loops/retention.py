"""Deletes what workspaces keep no longer."""

import logging
import time
from collections import deque
from collections.abc import Sequence

from headgate_server.domain.errors import Unavailable
from headgate_server.loops.loop import LoopContext, run_alone
from headgate_server.repositories.retention import Kept, OldPartition
from headgate_server.services import retention

logger = logging.getLogger(__name__)

NAME = "retention"
TURN_TRANSACTIONS = 20
"""So many a workspace gets before it is the next one's turn."""
LONGEST_SECONDS = 15.0
"""After that the loop lets others have the database until the next round."""
AWAY_AFTER = 3
"""So many workspaces in a row that cannot be had are no accident: the database is away."""


async def run_once(context: LoopContext) -> int:
    """Drop old days, and delete old rows workspace by workspace; how many of both went.

    A round begins behind the workspace at which the one before it ended. One in which somebody
    holds what is to be changed, or whose step fails, holds no other up: it has its turn again.
    """
    until = time.monotonic() + LONGEST_SECONDS
    async with context.database.system() as work:
        old = await retention.list_old_partitions(work)
        expired = await retention.list_expired(work)
    done = await _drop_partitions(context, old)
    waiting, held = deque(context.in_turn(NAME, expired)), 0
    while waiting:
        kept = waiting.popleft()
        context.last_turns[NAME] = kept.workspace_id
        try:
            deleted, is_over = await _take_turn(context, kept)
        except Unavailable:
            held += 1
            if held >= AWAY_AFTER:
                raise
            logger.info("Workspace %s is in use; its turn comes again", kept.workspace_id)
        else:
            held = 0
            done += deleted
            if not is_over:
                waiting.append(kept)
        if time.monotonic() >= until:
            break
    return done


async def _take_turn(context: LoopContext, kept: Kept) -> tuple[int, bool]:
    """Delete what one workspace keeps no longer; how many rows went, and whether that was all."""
    done = 0
    for _ in range(TURN_TRANSACTIONS):
        deleted = await run_alone(_purge(context, kept), name=NAME, context=context)
        if not deleted:
            return done, True
        done += deleted
    return done, False


async def _purge(context: LoopContext, kept: Kept) -> int:
    async with context.database.system(workspace_id=kept.workspace_id) as work:
        return await retention.purge(work, kept)


async def _drop_partitions(context: LoopContext, old: Sequence[OldPartition]) -> int:
    dropped = 0
    for partition in old:
        try:
            async with context.database.system() as work:
                dropped += await retention.drop_unneeded(work, partition)
        except Unavailable:
            logger.info("%s is in use; it will be dropped later", partition.name)
    return dropped
