"""The pulse of an API replica: it tells the reaper that holders of leases can be heard.

It also remembers how far the database has come, so that a restore is noticed.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from headgate_server.bus.high_water import HighWater
from headgate_server.database.work import Database
from headgate_server.domain.errors import HeadgateError, Unavailable
from headgate_server.domain.schedules.plan import MISSED_AFTER
from headgate_server.services import generations, upkeep
from headgate_server.services.schedules.missed import return_missed
from headgate_server.settings import Timers

logger = logging.getLogger(__name__)


PATIENCE_SECONDS = 5.0
"""So long a request waits until its replica is noted as serving, before it is to try again."""
SET_BACK = (
    "The database was set back in time, and its generation is the old one: sessions, tokens and "
    "leases from a time that it does not know are good. If it was restored from a backup, or a "
    "failover lost commits, stop every API and scheduler, run `headgate-server migrate "
    "--new-generation`, and start them again"
)


class Service:
    """Notes that a replica serves, and keeps requests waiting for that after an outage.

    Noting it gives every deadline the outage back, be it ours or the database's. What a request
    found to be over before that might be over by our own silence alone.
    """

    def __init__(self, database: Database, timers: Timers) -> None:
        """Know nothing of the database yet: the first request waits.

        Args:
            database: as it is; whoever is to wait has ``database.behind(service.wait_noted)``.
            timers: how often it is noted, and what makes an outage.
        """
        self._database = database
        self._pulse_seconds = timers.pulse_seconds
        self._grace = timers.outage_grace
        self._sure_seconds = timers.outage_grace.total_seconds() - timers.pulse_seconds
        self._again_seconds = min(timers.again_seconds, timers.pulse_seconds)
        self._noted_at: tuple[float, float] | None = None
        self._wanted = asyncio.Event()
        self._waiting: set[asyncio.Future[bool]] = set()

    async def wait_noted(self) -> None:
        """Return once there is no outage that was not given back; mostly, that is at once.

        Raises:
            Unavailable: it could not be noted that the API serves, or not in time.
        """
        if self._is_noted(within_seconds=self._sure_seconds):
            return
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not self._is_noted(within_seconds=self._sure_seconds):
                    await self._next_round()
        except TimeoutError as error:
            raise Unavailable from error

    async def note(self) -> generations.Stand | None:
        """Give back what an outage took, note that the API serves, and return where it stands."""
        begun_at = _clocks()
        if not self._is_noted(within_seconds=MISSED_AFTER.total_seconds() / 2):
            missed = await return_missed(self._database)
            if missed:
                logger.warning("%d runs of schedules came due while no API served", missed)
        async with self._database.system() as work:
            stand = await generations.find_stand(work)
            lasted = await upkeep.note_service(work, grace=self._grace)
        self._noted_at = begun_at
        if lasted is not None:
            logger.warning("No API served for %s; every lease gets that much longer", lasted)
        return stand

    async def rest(self) -> None:
        """Let a pulse go by; less where somebody waits."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pulse_seconds):
                await asyncio.sleep(self._again_seconds)
                await self._wanted.wait()

    def end_round(self, *, is_noted: bool) -> None:
        """Tell those who wait how it went."""
        self._wanted.clear()
        for one in self._waiting:
            if not one.done():
                one.set_result(is_noted)

    async def _next_round(self) -> None:
        one: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.add(one)
        self._wanted.set()
        try:
            if not await one:
                raise Unavailable
        finally:
            self._waiting.discard(one)

    def _is_noted(self, *, within_seconds: float) -> bool:
        return self._noted_at is not None and all(
            0 <= now - then <= within_seconds
            for now, then in zip(_clocks(), self._noted_at, strict=True)
        )


def _clocks() -> tuple[float, float]:
    """Return two times in seconds: only the second goes on while the machine sleeps."""
    return time.monotonic(), time.time()


async def beat_forever(
    service: Service, *, high_water: HighWater, on_round: Callable[[], None] = lambda: None
) -> None:
    """Record every few seconds that this replica serves, until cancelled; sooner where one waits.

    ``on_round`` is called each time, also where the database did not answer.
    """
    while True:
        is_noted = False
        try:
            marks = await high_water.marks()
            stand = await service.note()
            is_noted = True
            service.end_round(is_noted=True)
            if stand is not None and await high_water.note(
                stand.generation, stand.progress, known=marks.get(stand.generation)
            ):
                logger.error(SET_BACK)
        except HeadgateError as error:
            logger.warning("The API cannot be sure that it serves: %s", error)
        except Exception:
            logger.exception("The API's pulse failed and will try again")
        if not is_noted:
            service.end_round(is_noted=False)
        on_round()
        await service.rest()
