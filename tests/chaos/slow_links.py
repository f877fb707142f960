"""Agents far away, behind a bad line: ``python -m tests.chaos.slow_links [--minutes 60]``.

With the product's own times, everything between an agent and the API comes five seconds late, and
one in fifty pieces later still. Nobody may call its runs unresponsive, nor any of them lost; then
its machine is gone, and all of them are shown within a minute. Prints one JSON line; answers 1
where a promise was broken.
"""

import argparse
import asyncio
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import psutil

from headgate_server.database.migrate import upgrade
from headgate_server.embedded.services import EmbeddedServices
from tests.chaos.telling import own_folder, tell
from tests.chaos.world import RATES
from tests.fixtures.databases import SECRET_KEY
from tests.fixtures.deadlines import eventually
from tests.fixtures.installation import Installation, wait_online
from tests.fixtures.journeys import Journey, set_out
from tests.fixtures.proxy import Proxy, Weather

NAME = "slow-links"
RUNS = 5
BEGIN_SECONDS = 120.0
SHOWN_SECONDS = 60.0
WEATHER = Weather(delay_seconds=5.0, jitter_seconds=0.5, loss=0.02)
_TOLD = """
select count(*) filter (where name ilike '%unresponsive%') as silent,
  count(*) filter (where name ilike '%lost%' or name ilike '%crashed%') as lost
from events
"""
_SHOWN = "select count(*) as size from flow_runs where unresponsive_since is not null"


async def measure(folder: Path, *, seed: int, minutes: float) -> dict[str, Any]:
    """Start everything, let the line be bad for so long, take the machine away, and look."""
    async with AsyncExitStack() as stack:
        services = EmbeddedServices(folder / "services")
        await stack.enter_async_context(services)
        urls = await upgrade(services.postgres_url, secret_key=SECRET_KEY)
        timers = dict.fromkeys(RATES, "0")
        site = stack.enter_context(
            Installation(folder / "site", urls, services.redis_url, timers=timers)
        )
        await site.make_tenant()
        site.start_scheduler()
        api = site.start_api()
        proxy = stack.enter_context(Proxy(seed=seed))
        link = proxy.link("far away", api.port)
        wait_online(agent := site.start_agent(limit=RUNS, url=f"http://127.0.0.1:{link.port}"))
        journey = await set_out(site, folder, pool="default")
        stack.push_async_callback(journey.close)
        link.weather = WEATHER
        deployment = await journey.deploy("held")
        run_ids = [await journey.start(deployment) for _ in range(RUNS)]
        await eventually(
            lambda: all(journey.executions(run_id) for run_id in run_ids),
            within_seconds=BEGIN_SECONDS,
            what="The runs",
        )
        await asyncio.sleep(minutes * 60)
        (told,) = await journey.records.rows(_TOLD)
        for process in psutil.Process(agent.pid).children(recursive=True):
            process.kill()
        agent.kill()
        return {
            "minutes": minutes,
            "falsely_silent": told["silent"],
            "falsely_lost": told["lost"],
            "shown_after_s": round(await _shown(journey), 1),
        }


async def _shown(journey: Journey) -> float:
    """Return after how many seconds all runs are shown as silent."""
    gone_at = time.monotonic()

    async def are_shown() -> bool:
        (row,) = await journey.records.rows(_SHOWN)
        return row["size"] == RUNS

    await eventually(are_shown, within_seconds=3 * SHOWN_SECONDS, what="The silence")
    return time.monotonic() - gone_at


def is_well(found: dict[str, Any]) -> bool:
    """Whether every promise was kept."""
    return (
        found["falsely_silent"] == found["falsely_lost"] == 0
        and found["shown_after_s"] <= SHOWN_SECONDS
    )


def main(arguments: list[str]) -> int:
    """Run it; 0 where every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.slow_links")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=60.0, help="how long the line is bad")
    given = parser.parse_args(arguments)
    with own_folder(NAME) as folder:
        found = asyncio.run(measure(folder, seed=given.seed, minutes=given.minutes))
    return tell(NAME, found, is_well=is_well(found), seed=given.seed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
