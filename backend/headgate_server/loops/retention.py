"""Deletes what workspaces keep no longer."""

import logging
from collections.abc import Sequence
from functools import partial

from headgate_server.domain.errors import Unavailable
from headgate_server.loops.loop import LoopContext
from headgate_server.loops.rounds import take_turns
from headgate_server.repositories.retention import Kept, OldPartition
from headgate_server.services import retention

logger = logging.getLogger(__name__)

NAME = "retention"


async def run_once(context: LoopContext) -> int:
    """Drop old days, and delete old rows workspace by workspace; how many of both went."""
    async with context.database.system() as work:
        old = await retention.list_old_partitions(work)
        expired = await retention.list_expired(work)
    done = await _drop_partitions(context, old)
    return done + await take_turns(context, NAME, expired, partial(_purge, context))


async def _purge(context: LoopContext, kept: Kept) -> int:
    async with context.database.system(workspace_id=kept.workspace_id) as work:
        return await retention.purge(work, kept)


async def _drop_partitions(context: LoopContext, old: Sequence[OldPartition]) -> int:
    dropped, held = 0, set[str]()
    for partition in old:
        if partition.parent in held:
            continue
        try:
            async with context.database.system() as work:
                is_dropped = await retention.drop_unneeded(work, partition)
        except Unavailable:
            held.add(partition.parent)
            logger.info("%s is in use; it will be dropped later", partition.name)
        else:
            dropped += is_dropped
            context.note_step(NAME)
    return dropped
