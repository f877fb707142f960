"""Postgres dies and is away: ``python -m tests.chaos.postgres_away [--restarts N]``.

While runs are asked for four times a second, the database is stopped without warning and started
again, twenty times: after each the first run is claimed within ten seconds. Then it refuses
everybody for a minute, and then it answers nothing for half of one: the API says within two seconds
that a call is to be made again, no process ends, and all goes on by itself. What was acknowledged
runs once. Prints one JSON line; answers 1 where a promise was broken.
"""

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from headgate_server.database.migrate import upgrade
from headgate_server.database.urls import DatabaseUrls
from headgate_server.embedded.services import EmbeddedServices
from tests.backend.embedded.holders import postgres_pid
from tests.chaos.steady_calls import RETRYABLE, Calls, conserved, steady
from tests.chaos.telling import own_folder, tell
from tests.chaos.world import DATABASE_AWAY, RATES, through
from tests.fixtures.databases import SECRET_KEY
from tests.fixtures.deadlines import eventually
from tests.fixtures.installation import Installation, wait_online
from tests.fixtures.journeys import Journey, set_out
from tests.fixtures.proxy import FAIR, Link, Proxy, Weather
from tests.fixtures.sql import query

NAME = "postgres-away"
PAUSE_SECONDS = 13.0
"""A supervisor gives up a server that dies more often than five times a minute."""
FIRST_CLAIM_SECONDS = 10.0
ANSWER_SECONDS = 2.0
SLACK_SECONDS = 1.0
"""What a machine may add on which all of this runs together."""
BACK_SECONDS = 10.0
_CLAIMED = "select count(*) from states where type = 'PENDING' and timestamp > '{since}'"


@dataclass(frozen=True, slots=True)
class Site:
    """The installation, the link to its database, and a user's way through it."""

    services: EmbeddedServices
    installation: Installation
    link: Link
    journey: Journey
    direct: DatabaseUrls


@asynccontextmanager
async def a_site(folder: Path, *, seed: int) -> AsyncGenerator[Site]:
    """Start everything, with the product's own times, behind a link to the database."""
    async with AsyncExitStack() as stack:
        services = EmbeddedServices(folder / "services")
        await stack.enter_async_context(services)
        direct = await upgrade(services.postgres_url, secret_key=SECRET_KEY)
        proxy = stack.enter_context(Proxy(seed=seed))
        link = proxy.link("postgres", urlsplit(services.postgres_url).port or 0)
        urls = DatabaseUrls(
            *(through(url, port=link.port) for url in (direct.owner, direct.app, direct.system))
        )
        timers = dict.fromkeys(RATES, "0")
        installation = stack.enter_context(
            Installation(folder / "site", urls, services.redis_url, timers=timers)
        )
        await installation.make_tenant()
        installation.start_scheduler()
        installation.start_api()
        wait_online(installation.start_agent(limit=20))
        journey = await set_out(installation, folder, pool="default")
        stack.push_async_callback(journey.close)
        yield Site(services, installation, link, journey, direct)


async def restart(site: Site) -> float:
    """Stop Postgres without warning; how long after it is back the first run is claimed."""
    os.kill(postgres_pid(site.services.data_dir), signal.SIGQUIT)

    async def accepts() -> str:
        try:
            return str(await query(site.direct.owner, "select clock_timestamp()"))
        except DATABASE_AWAY:
            return ""

    await asyncio.sleep(0.2)
    since = await eventually(accepts, within_seconds=BACK_SECONDS * 3, what="Postgres")
    began_at = time.monotonic()

    async def has_claimed() -> bool:
        try:
            return bool(await query(site.direct.owner, _CLAIMED.format(since=since)))
        except DATABASE_AWAY:
            return False

    await eventually(has_claimed, within_seconds=6 * FIRST_CLAIM_SECONDS, what="The first claim")
    return time.monotonic() - began_at


async def be_away(site: Site, calls: Calls, weather: Weather, *, seconds: float) -> dict[str, Any]:
    """Keep everybody from the database; what callers heard, and how soon all is well."""
    began_at = time.monotonic()
    site.link.weather = weather
    site.link.reset()
    await asyncio.sleep(seconds)
    meanwhile = calls.since(began_at)
    site.link.weather = FAIR
    site.link.reset()
    back_at = time.monotonic()
    await eventually(
        lambda: any(call.run_id for call in calls.since(back_at)),
        within_seconds=6 * BACK_SECONDS,
        what="A run",
    )
    return {
        "asked": len(meanwhile),
        "longest_answer_s": round(max(call.seconds for call in meanwhile), 2),
        "not_retryable": sum(call.status not in RETRYABLE for call in meanwhile),
        "back_s": round(time.monotonic() - back_at, 2),
    }


async def measure(folder: Path, *, seed: int, restarts: int, seconds: float) -> dict[str, Any]:
    """Start everything, break the database in each way, and look."""
    async with a_site(folder, seed=seed) as site:
        async with steady(site.journey) as calls:
            claims: list[float] = []
            for _ in range(restarts):
                claims.append(await restart(site))
                await asyncio.sleep(max(PAUSE_SECONDS - claims[-1], 0))
            refused = await be_away(site, calls, Weather(is_refusing=True), seconds=seconds)
            silent = await be_away(site, calls, Weather(is_black_hole=True), seconds=seconds / 2)
        ended = [one.name for one in site.installation.processes if one.exit_code is not None]
        kept = await conserved(site.journey, calls.run_ids, within_seconds=60)
    return {
        "restarts": restarts,
        "first_claim_s": round(max(claims, default=0.0), 2),
        "refused": refused,
        "silent": silent,
        "ended_processes": ended,
        **kept,
    }


def is_well(found: dict[str, Any]) -> bool:
    """Whether every promise was kept."""
    return (
        found["first_claim_s"] <= FIRST_CLAIM_SECONDS
        and all(
            found[way]["longest_answer_s"] <= ANSWER_SECONDS + SLACK_SECONDS
            and found[way]["not_retryable"] == 0
            and found[way]["back_s"] <= BACK_SECONDS
            for way in ("refused", "silent")
        )
        and found["ended_processes"] == []
        and found["runs"] > 0
        and found["not_completed"] == found["not_once"] == 0
    )


def main(arguments: list[str]) -> int:
    """Run it; 0 where every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.postgres_away")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long it is away")
    given = parser.parse_args(arguments)
    with own_folder(NAME) as folder:
        found = asyncio.run(
            measure(folder, seed=given.seed, restarts=given.restarts, seconds=given.seconds)
        )
    return tell(NAME, found, is_well=is_well(found), seed=given.seed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
