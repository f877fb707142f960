"""What an outage of the API makes of runs that schedules had made ahead of it."""

from dataclasses import replace

from headgate_server.bus import channels
from headgate_server.database.work import Database
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
    total = 0
    while True:
        async with database.system() as work:
            since = await outages.find_silence(work, longer_than=MISSED_AFTER)
            if since is None:
                return total
            removed = await schedule_fires.return_missed_fires(
                work, since=since, until=work.now - MISSED_AFTER, most=SCHEDULES_AT_ONCE
            )
            for workspace_id, run_ids in removed.items():
                await record_removed(
                    replace(work, tenant_id=workspace_id),
                    run_ids,
                    because="Its time came while no API served: its schedule's catch-up decides.",
                )
            if not removed:
                return total
            work.wake(channels.SCHEDULER)
        total += sum(len(run_ids) for run_ids in removed.values())
