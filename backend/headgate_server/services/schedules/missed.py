"""What an outage of the API makes of runs that schedules had made ahead of it."""

from dataclasses import replace

from headgate_server.bus import channels
from headgate_server.database.work import Database, is_collision
from headgate_server.domain.errors import Unavailable
from headgate_server.domain.schedules.plan import MISSED_AFTER
from headgate_server.repositories import outages, schedule_fires
from headgate_server.services.schedules.upsert import record_removed

SCHEDULES_AT_ONCE = 500


async def return_missed(database: Database) -> int:
    """Take back the runs of schedules whose instants an outage of the API missed.

    They were made ahead, came due while nobody could be given them, and would now start all at
    once, whatever the catch-up of their schedule says. Each schedule goes on from the first of
    them; a scheduler then makes, skips and counts as if the runs had never been made. Until the
    API is noted as serving again, such runs are not offered: call this before, at every start.

    Returns:
        How many runs; 0 where the API has served within a minute.
    """
    total, most = 0, SCHEDULES_AT_ONCE
    while True:
        try:
            removed = await _return_some(database, most=most)
        except Unavailable as error:
            if most == 1 or not is_collision(error):
                raise
            # Of schedules of every second there are many runs: fewer at a time go well.
            most = max(most // 10, 1)
            continue
        if not removed:
            return total
        total += removed


async def _return_some(database: Database, *, most: int) -> int:
    """Take back the runs of so many schedules, and return how many; 0 where none is left."""
    async with database.system() as work:
        since = await outages.find_silence(work, longer_than=MISSED_AFTER)
        if since is None:
            return 0
        removed = await schedule_fires.return_missed_fires(
            work, since=since, until=work.now - MISSED_AFTER, most=most
        )
        for workspace_id, run_ids in removed.items():
            await record_removed(
                replace(work, tenant_id=workspace_id),
                run_ids,
                because="Its time came while no API served: its schedule's catch-up decides.",
            )
        if removed:
            work.wake(channels.SCHEDULER)
    return sum(len(run_ids) for run_ids in removed.values())
