"""Takes back what silent agents hold: offers, claims, runs and, in the end, their sessions."""

from datetime import timedelta

from headgate_server.database.work import UnitOfWork
from headgate_server.loops.loop import LoopContext
from headgate_server.loops.rounds import take_each
from headgate_server.repositories.leases.renew import ExpiredLease
from headgate_server.services import upkeep
from headgate_server.services.leases import reap
from headgate_server.services.leases.reap import LostDelivery

NAME = "lost_runs"


async def run_once(context: LoopContext) -> int:
    """Judge every expired offer and lease, and mark the silent ones; how many were touched.

    While no API serves, no holder can be heard, and only offers are judged. A run whose judging
    fails holds no other up.
    """
    timers = context.timers
    done = 0
    async with context.database.system() as work:
        taken, poisoned = await reap.take_back_offers(work)
        done += taken
    done += await take_each(context, NAME, poisoned, _crash)
    async with context.database.system() as work:
        if not await upkeep.is_served(work, grace=timers.outage_grace):
            return done
        done += await reap.mark_unresponsive(
            work, silent_for=timedelta(seconds=timers.unresponsive_after_seconds)
        )
        sessions = await upkeep.end_lost_sessions(work, silent_for=timers.lease)
        expired = await reap.list_expired(work, most=reap.BATCH)
    return done + await take_each(context, NAME, expired, _judge) + len(sessions)


async def _crash(work: UnitOfWork, lost: LostDelivery) -> int:
    return (await reap.crash_undeliverable(work, lost)).is_accepted


async def _judge(work: UnitOfWork, lease: ExpiredLease) -> int:
    return (await reap.judge_expired(work, lease)).is_accepted
