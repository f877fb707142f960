"""Takes back what silent agents hold: offers, claims, runs and, in the end, their sessions."""

from datetime import timedelta

from headgate_server.loops.loop import LoopContext
from headgate_server.services import upkeep
from headgate_server.services.leases import reap


async def run_once(context: LoopContext) -> int:
    """Judge every expired offer and lease, and mark the silent ones; how many were touched.

    While no API serves, no holder can be heard, and only offers are judged.
    """
    timers = context.timers
    done = 0
    async with context.database.system() as work:
        taken, poisoned = await reap.take_back_offers(work)
        done += taken
    for lost in poisoned:
        async with context.database.system(workspace_id=lost.workspace_id) as work:
            done += (await reap.crash_undeliverable(work, lost)).is_accepted
    async with context.database.system() as work:
        if not await upkeep.is_served(work, grace=timers.outage_grace):
            return done
        done += await reap.mark_unresponsive(
            work, silent_for=timedelta(seconds=timers.unresponsive_after_seconds)
        )
        sessions = await upkeep.end_lost_sessions(work, silent_for=timers.lease)
        expired = await reap.list_expired(work, most=reap.BATCH)
    for lease in expired:
        async with context.database.system(workspace_id=lease.workspace_id) as work:
            done += (await reap.judge_expired(work, lease)).is_accepted
    return done + len(sessions)
