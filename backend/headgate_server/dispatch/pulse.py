"""The pulse of an API replica: it tells the reaper that holders of leases can be heard."""

import asyncio
import logging
from collections.abc import Callable

from headgate_server.database.work import Database
from headgate_server.domain.errors import HeadgateError
from headgate_server.services import upkeep
from headgate_server.settings import Timers

logger = logging.getLogger(__name__)


async def beat_forever(
    database: Database, timers: Timers, *, on_round: Callable[[], None] = lambda: None
) -> None:
    """Record every few seconds that this replica serves, until cancelled.

    ``on_round`` is called each time, also where the database did not answer.
    """
    while True:
        try:
            async with database.system() as work:
                lasted = await upkeep.note_service(work, grace=timers.outage_grace)
            if lasted is not None:
                logger.warning("No API served for %s; every lease gets that much longer", lasted)
        except HeadgateError as error:
            logger.warning("The API cannot be sure that it serves: %s", error)
        except Exception:
            logger.exception("The API's pulse failed and will try again")
        on_round()
        await asyncio.sleep(timers.pulse_seconds)
