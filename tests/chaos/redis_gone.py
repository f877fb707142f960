"""Redis is emptied, away, and back from long ago: ``python -m tests.chaos.redis_gone``.

While runs are asked for four times a second and a schedule fires every two seconds, Redis is
emptied again and again, is away for a minute, and comes back with what it knew at the beginning.
Runs start within a second with it and within five without, each once; no instant of the schedule
is missing.
Prints one JSON line; answers 1 where a promise was broken.
"""

import argparse
import asyncio
import shutil
import sys
import time
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError

from headgate.api.deployments import DeploymentAnswer
from headgate_server.database.migrate import upgrade
from headgate_server.embedded.binaries import find_valkey
from headgate_server.embedded.services import EmbeddedServices
from tests.chaos.steady_calls import Calls, conserved, p95, steady
from tests.chaos.telling import own_folder, tell
from tests.chaos.world import RATES
from tests.fixtures.databases import SECRET_KEY
from tests.fixtures.deadlines import eventually_sync
from tests.fixtures.installation import Installation, wait_online
from tests.fixtures.journeys import Journey, set_out
from tests.fixtures.leashed import Leashed
from tests.fixtures.network import free_port
from tests.fixtures.redis_client import connect

NAME = "redis-gone"
WITH_SECONDS, WITHOUT_SECONDS = 1.0, 5.0
"""After so long 95 of 100 runs have started."""
FLUSH_SECONDS = 2.0
SETTLE_SECONDS = 60.0
EVERY_SECONDS = 2
_MADE = """
select count(distinct run.id) as size from schedule_fires fire
join flow_runs run on run.id = fire.run_id and run.schedule_id = fire.schedule_id
  and run.expected_start = fire.fire_at
"""
_DUMP, _KEPT = "dump.rdb", "kept.rdb"


class Redis:
    """A Valkey that can be emptied, ended, and started with what it knew before."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: Leashed | None = None
        folder.mkdir()

    @property
    def url(self) -> str:
        """Where it is reached, whenever it is there."""
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self, stack: AsyncExitStack) -> None:
        """Start it with what its folder holds; return once it answers."""
        options = ["--bind", "127.0.0.1", "--port", str(self._port), "--dir", str(self._folder)]
        self._process = stack.enter_context(
            Leashed(
                "valkey",
                [str(find_valkey()), *options, "--save", "", "--dbfilename", _DUMP],
                environment={},
                log=self._folder / "valkey.log",
            )
        )
        eventually_sync(self._answers, what="Valkey")

    def keep(self) -> None:
        """Keep what it knows now for later."""
        with connect(self.url) as client:
            client.save()
        shutil.copy(self._folder / _DUMP, self._folder / _KEPT)

    def empty(self) -> None:
        """Make it forget everything."""
        with connect(self.url) as client:
            client.flushall()

    def kill(self) -> None:
        """End it at once; what it was to know next time is what was kept."""
        assert self._process is not None, "It was never started"
        self._process.kill()
        shutil.copy(self._folder / _KEPT, self._folder / _DUMP)

    def _answers(self) -> bool:
        with suppress(RedisError), connect(self.url) as client:
            return bool(client.ping())
        return False


async def measure(folder: Path, *, seconds: float) -> dict[str, Any]:
    """Start everything, take Redis away in each way, and look."""
    async with AsyncExitStack() as stack:
        services = EmbeddedServices(folder / "services", has_valkey=False)
        await stack.enter_async_context(services)
        urls = await upgrade(services.postgres_url, secret_key=SECRET_KEY)
        redis = Redis(folder / "redis")
        redis.start(stack)
        timers = dict.fromkeys(RATES, "0")
        site = stack.enter_context(Installation(folder / "site", urls, redis.url, timers=timers))
        await site.make_tenant()
        site.start_scheduler()
        site.start_api()
        wait_online(site.start_agent(limit=20))
        journey = await set_out(site, folder, pool="default")
        stack.push_async_callback(journey.close)
        every = {"slug": "often", "spec": {"interval": {"every": f"PT{EVERY_SECONDS}S"}}}
        scheduled = await journey.deploy("talks", parameters={"count": 1}, schedules=[every])
        async with steady(journey) as calls:
            redis.keep()
            found = await _phases(calls, redis, stack, seconds=seconds)
            await journey.pause(scheduled, is_paused=True)
        fires = await _fires(journey, scheduled)
        kept = await conserved(journey, calls.run_ids, within_seconds=SETTLE_SECONDS)
        ended = [one.name for one in site.processes if one.exit_code is not None]
    return {**found, **fires, **kept, "ended_processes": ended}


async def _phases(
    calls: Calls, redis: Redis, stack: AsyncExitStack, *, seconds: float
) -> dict[str, Any]:
    """Take Redis away in each way; the p95 of what runs waited for their start meanwhile."""
    found: dict[str, Any] = {}
    began_at = time.monotonic()
    while time.monotonic() - began_at < seconds / 2:
        redis.empty()
        await asyncio.sleep(FLUSH_SECONDS)
    flushed = calls.since(began_at)
    began_at = time.monotonic()
    redis.kill()
    await asyncio.sleep(seconds)
    away = calls.since(began_at)
    redis.start(stack)
    await asyncio.sleep(FLUSH_SECONDS)
    began_at = time.monotonic()
    await asyncio.sleep(seconds / 4)
    back = calls.since(began_at)
    await asyncio.sleep(2 * WITHOUT_SECONDS)
    for name, made in (("flushed", flushed), ("away", away), ("back", back)):
        delays = await calls.start_delays(made)
        found[name] = {
            "asked": len(made),
            "refused": sum(call.run_id is None for call in made),
            "started": len(delays),
            "p95_s": round(p95(delays), 2),
        }
    return found


async def _fires(journey: Journey, scheduled: DeploymentAnswer) -> dict[str, Any]:
    """Return how many instants fired, and how many between the first and the last did not."""
    fires = await journey.ledger(scheduled)
    spans = (fires[-1].at - fires[0].at).total_seconds()
    (made,) = await journey.records.rows(_MADE)
    return {
        "fires": len(fires),
        "runs_of_fires": made["size"],
        "gaps": spans / EVERY_SECONDS + 1 - len(fires),
    }


def is_well(found: dict[str, Any], *, seconds: float) -> bool:
    """Whether every promise was kept, and the schedule fired all the while."""
    bounds = {"flushed": WITH_SECONDS, "away": WITHOUT_SECONDS, "back": WITH_SECONDS}
    return (
        all(
            0 < found[name]["asked"] == found[name]["started"] and found[name]["p95_s"] <= most
            for name, most in bounds.items()
        )
        and found["gaps"] == 0
        and found["fires"] == found["runs_of_fires"] >= seconds / EVERY_SECONDS
        and found["not_completed"] == found["not_once"] == 0
        and found["ended_processes"] == []
    )


def main(arguments: list[str]) -> int:
    """Run it; 0 where every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.redis_gone")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long it is away")
    given = parser.parse_args(arguments)
    with own_folder(NAME) as folder:
        found = asyncio.run(measure(folder, seconds=given.seconds))
    return tell(NAME, found, is_well=is_well(found, seconds=given.seconds))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
