"""Schedulers in a storm: a process that forks them, and kills and replaces one every 0.3 s.

Their time runs quicker than that of the world, and is wrong by up to ten minutes either way. They
are forked, so that each is at work at once; the process ends, with all of them, when its standard
input does, and then prints how many it has killed.
"""

import asyncio
import contextlib
import json
import os
import random
import select
import signal
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from headgate_server.database.engine import make_engine
from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.domain.errors import Unavailable
from headgate_server.services.schedules import fire

HORIZON = timedelta(minutes=15)
AT_ONCE = 5
KILL_SECONDS = 0.3
MAX_SKEW_SECONDS = 600


@dataclass(frozen=True)
class Clock:
    """A clock that shows ``start`` at ``began``, runs ``speed`` times too fast, and is off."""

    began: datetime
    start: datetime
    speed: float
    skew: timedelta = timedelta()

    def read(self, now: datetime) -> datetime:
        return self.start + (now - self.began) * self.speed + self.skew


@dataclass(frozen=True)
class Storm:
    """What the schedulers work on, how many there are, and how chance begins."""

    urls: DatabaseUrls
    clock: Clock
    seed: int
    processes: int

    def dump(self) -> str:
        clock = self.clock
        return json.dumps(
            {
                "urls": [self.urls.owner, self.urls.app, self.urls.system],
                "began": clock.began.isoformat(),
                "start": clock.start.isoformat(),
                "speed": clock.speed,
                "seed": self.seed,
                "processes": self.processes,
            }
        )

    @classmethod
    def load(cls, text: str) -> "Storm":
        given = json.loads(text)
        began, start = (datetime.fromisoformat(given[name]) for name in ("began", "start"))
        clock = Clock(began, start, given["speed"])
        return cls(DatabaseUrls(*given["urls"]), clock, given["seed"], given["processes"])


def rage(storm: Storm) -> int:
    """Fork schedulers and kill them until the standard input ends; how many were killed."""
    chance = random.Random(storm.seed)  # noqa: S311  no secret
    workers = [_fork(storm, chance) for _ in range(storm.processes)]
    kills = 0
    while not select.select([sys.stdin], [], [], KILL_SECONDS)[0]:
        number = chance.randrange(len(workers))
        _end(workers[number])
        kills += 1
        workers[number] = _fork(storm, chance)
    for worker in workers:
        _end(worker)
    return kills


def _fork(storm: Storm, chance: random.Random) -> int:
    skew = timedelta(seconds=chance.uniform(-MAX_SKEW_SECONDS, MAX_SKEW_SECONDS))
    worker = os.fork()
    if worker == 0:
        try:
            asyncio.run(_work(storm.urls, replace(storm.clock, skew=skew)))
        finally:
            os._exit(1)
    return worker


def _end(worker: int) -> None:
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)


async def _work(urls: DatabaseUrls, clock: Clock) -> None:
    async with opened(urls, clock) as database:
        while True:
            with contextlib.suppress(Unavailable):
                await materialise_all(database)
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def opened(urls: DatabaseUrls, clock: Clock) -> AsyncGenerator[Database]:
    app = make_engine(urls.app, application_name="storm", pool_size=1)
    system = make_engine(urls.system, application_name="storm", pool_size=1)
    database = Database(app=app, system=system, read_now=clock.read)
    try:
        yield database
    finally:
        await database.dispose()


async def materialise_all(database: Database) -> None:
    while True:
        async with database.system() as work:
            if await fire.materialise(work, horizon=HORIZON, limit=AT_ONCE) < AT_ONCE:
                return


if __name__ == "__main__":
    sys.stdout.write(str(rage(Storm.load(sys.argv[1]))))
