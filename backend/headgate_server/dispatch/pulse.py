"""The pulse of an API replica: it tells the reaper that holders of leases can be heard.

It also remembers how far the database has come, so that a restore is noticed.
"""

import asyncio
import logging
from collections.abc import Callable

from headgate_server.bus.high_water import HighWater
from headgate_server.database.work import Database
from headgate_server.domain.errors import HeadgateError
from headgate_server.domain.schedules.plan import MISSED_AFTER
from headgate_server.services import generations, upkeep
from headgate_server.services.schedules.missed import return_missed
from headgate_server.settings import Timers

logger = logging.getLogger(__name__)


SET_BACK = (
    "The database was set back in time, and its generation is the old one: sessions, tokens and "
    "leases from a time that it does not know are good. If it was restored from a backup, or a "
    "failover lost commits, stop every API and scheduler, run `headgate-server migrate "
    "--new-generation`, and start them again"
)


async def beat_forever(
    database: Database,
    timers: Timers,
    *,
    high_water: HighWater,
    on_round: Callable[[], None] = lambda: None,
) -> None:
    """Record every few seconds that this replica serves, until cancelled.

    ``on_round`` is called each time, also where the database did not answer.
    """
    clock = asyncio.get_running_loop().time
    noted_at: float | None = None
    while True:
        try:
            marks = await high_water.marks()
            if noted_at is None or clock() - noted_at > MISSED_AFTER.total_seconds() / 2:
                missed = await return_missed(database)
                if missed:
                    logger.warning("%d runs of schedules came due while no API served", missed)
            async with database.system() as work:
                stand = await generations.find_stand(work)
                lasted = await upkeep.note_service(work, grace=timers.outage_grace)
            noted_at = clock()
            if lasted is not None:
                logger.warning("No API served for %s; every lease gets that much longer", lasted)
            if stand is not None and await high_water.note(
                stand.generation, stand.progress, known=marks.get(stand.generation)
            ):
                logger.error(SET_BACK)
        except HeadgateError as error:
            logger.warning("The API cannot be sure that it serves: %s", error)
        except Exception:
            logger.exception("The API's pulse failed and will try again")
        on_round()
        await asyncio.sleep(timers.pulse_seconds)
