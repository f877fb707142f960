"""A long outage of ours: ``python -m tests.chaos.outage [--minutes 8] [--runs 10]``.

With the product's own times, every API and scheduler is killed while an agent executes runs, half
of them tolerant (``CRASH``), half exclusive (``RETRY``), and started again after so many minutes.
Below the fence nothing may have happened to any run, nor may anybody have been told of a silence.
Beyond it each exclusive run was stopped by its agent and starts once more, never beside itself;
the tolerant ones go on. Prints one JSON line; answers 1 where a promise was broken.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
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
from tests.fixtures.network import free_port

NAME = "outage"
FENCE_SECONDS = 600.0
SETTLE_SECONDS = 120.0
"""How long judgement may take after we are back: a renewal, the grace for agents, a new start."""
_NOTICES = "select count(*) from events where name ilike '%unresponsive%'"
_FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


def most_at_once(journey: Journey, run_ids: Sequence[str]) -> int:
    """Return how many processes of one run are alive at the most."""
    return max(
        sum(psutil.pid_exists(line.pid) for line in journey.executions(run_id))
        for run_id in run_ids
    )


async def types(journey: Journey, run_ids: Sequence[str]) -> list[str]:
    """Return the state types of runs."""
    rows = await journey.records.rows(
        "select state_type from flow_runs where id = any($1::uuid[])",
        [journey.run_uuid(run_id) for run_id in run_ids],
    )
    return [row["state_type"] for row in rows]


async def measure(folder: Path, *, minutes: float, runs: int) -> dict[str, Any]:
    """Start everything, be away for so long, come back, and look."""
    async with AsyncExitStack() as stack:
        services = EmbeddedServices(folder / "services", postgres_settings={"fsync": "off"})
        await stack.enter_async_context(services)
        urls = await upgrade(services.postgres_url, secret_key=SECRET_KEY)
        timers = dict.fromkeys(RATES, "0")
        site = stack.enter_context(
            Installation(folder / "site", urls, services.redis_url, timers=timers)
        )
        await site.make_tenant()
        port = free_port()
        servers = [site.start_scheduler(), site.start_api(port=port).process]
        wait_online(agent := site.start_agent(limit=2 * runs))
        journey = await set_out(site, folder, pool="default")
        stack.push_async_callback(journey.close)
        tolerant = await _start(journey, runs, policy="CRASH")
        exclusive = await _start(journey, runs, policy="RETRY")

        for server in servers:
            server.kill()
        overlap = await _be_away(journey, exclusive, until=time.monotonic() + minutes * 60)
        site.start_scheduler()
        site.start_api(port=port)
        is_beyond = minutes * 60 > FENCE_SECONDS
        wanted = dict.fromkeys(exclusive, 2 if is_beyond else 1)
        overlap = max(overlap, await _settle(journey, wanted))

        found = {
            "minutes": minutes,
            "crashed_tolerant": sum(one in _FINAL for one in await types(journey, tolerant)),
            "crashed_exclusive": sum(one in _FINAL for one in await types(journey, exclusive)),
            "notices": (await journey.records.rows(_NOTICES))[0]["count"],
            "starts_exclusive": sorted({len(journey.executions(run_id)) for run_id in exclusive}),
            "starts_tolerant": sorted({len(journey.executions(run_id)) for run_id in tolerant}),
            "most_of_one_run_at_once": overlap,
            "is_agent_alive": agent.exit_code is None,
        }
        journey.open()
        ended = await journey.all_ended([*tolerant, *exclusive], within_seconds=SETTLE_SECONDS)
        return {**found, "ended": sorted(set(ended))}


async def _start(journey: Journey, count: int, *, policy: str) -> list[str]:
    """Start runs that wait at a gate, and return once all of them do."""
    deployment = await journey.deploy("held", on_agent_lost=policy)
    run_ids = [await journey.start(deployment) for _ in range(count)]
    for run_id in run_ids:
        await journey.executed(run_id)
    return run_ids


async def _be_away(journey: Journey, exclusive: Sequence[str], *, until: float) -> int:
    most = 0
    while time.monotonic() < until:
        most = max(most, most_at_once(journey, exclusive))
        await asyncio.sleep(min(1.0, max(until - time.monotonic(), 0)))
    return most


async def _settle(journey: Journey, wanted: dict[str, int]) -> int:
    """Wait until judgement is over; return how many processes of one run there were at the most."""
    most = 0
    since = time.monotonic()

    def is_settled() -> bool:
        nonlocal most
        most = max(most, most_at_once(journey, list(wanted)))
        has_started = all(len(journey.executions(one)) >= many for one, many in wanted.items())
        return has_started and time.monotonic() - since > SETTLE_SECONDS / 2

    await eventually(is_settled, within_seconds=2 * SETTLE_SECONDS, what="The end of judgement")
    return most


def is_well(found: dict[str, Any]) -> bool:
    """Whether every promise was kept."""
    is_beyond = found["minutes"] * 60 > FENCE_SECONDS
    return (
        found["crashed_tolerant"] == 0
        and found["crashed_exclusive"] == 0
        and (is_beyond or found["notices"] == 0)
        and found["starts_tolerant"] == [1]
        and found["starts_exclusive"] == [2 if is_beyond else 1]
        and found["most_of_one_run_at_once"] == 1
        and found["ended"] == ["Completed"]
        and found["is_agent_alive"]
    )


def main(arguments: list[str]) -> int:
    """Run it; 0 where every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.outage")
    parser.add_argument("--minutes", type=float, default=8.0, help="how long we are away")
    parser.add_argument("--runs", type=int, default=10, help="of each of the two policies")
    given = parser.parse_args(arguments)
    with own_folder(NAME) as folder:
        found = asyncio.run(measure(folder, minutes=given.minutes, runs=given.runs))
    return tell(NAME, found, is_well=is_well(found), runs=2 * given.runs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
