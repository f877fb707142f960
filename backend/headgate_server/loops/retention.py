"""Deletes what workspaces keep no longer."""

import logging

from headgate_server.domain.errors import Unavailable
from headgate_server.loops.loop import LoopContext
from headgate_server.repositories.retention import Kept
from headgate_server.services import retention

logger = logging.getLogger(__name__)

TRANSACTIONS_AT_ONCE = 200
"""After so many the loop lets others have the database for a while."""


async def run_once(context: LoopContext) -> int:
    """Drop old days, and delete old rows workspace by workspace; how many of both went."""
    done = await _drop_partitions(context)
    async with context.database.system() as work:
        expired = await retention.list_expired(work)
    left = TRANSACTIONS_AT_ONCE
    while expired and left > 0:
        unfinished: list[Kept] = []
        for kept in expired:
            async with context.database.system(workspace_id=kept.workspace_id) as work:
                deleted = await retention.purge(work, kept)
            left -= 1
            done += deleted
            if deleted:
                unfinished.append(kept)
            if left <= 0:
                break
        expired = unfinished
    return done


async def _drop_partitions(context: LoopContext) -> int:
    async with context.database.system() as work:
        old = await retention.list_old_partitions(work)
    dropped = 0
    for partition in old:
        try:
            async with context.database.system() as work:
                dropped += await retention.drop_unneeded(work, partition)
        except Unavailable:
            logger.info("%s is in use; it will be dropped later", partition.name)
    return dropped
