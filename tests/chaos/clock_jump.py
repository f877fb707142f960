"""A database whose clock jumps: ``python -m tests.chaos.clock_jump [--seconds 300]``.

Postgres runs under libfaketime, and nothing else does. While schedules fire and an agent executes
runs, half of them tolerant of its loss and half to be started again, the clock jumps ahead, back,
and ahead once more. No instant may fire twice, no run may be taken from its agent, and everything
goes on after each jump. Prints one JSON line; answers 1 where a promise was broken, or where there
is no libfaketime.
"""

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from headgate_server.database.migrate import upgrade
from headgate_server.embedded.data_dir import DataDir
from headgate_server.embedded.postgres import PostgresService
from headgate_server.embedded.services import EmbeddedServices
from tests.chaos.world import RATES
from tests.fixtures.databases import SECRET_KEY
from tests.fixtures.installation import TIMERS, Installation, wait_online
from tests.fixtures.journeys import Journey, set_out
from tests.fixtures.leashed import Leashed

NAME = "clock-jump"
LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
INSTALL = "apt-get install faketime"
JUMP_SECONDS = 300
CALM_SECONDS = 8.0
"""Four leases long: whoever is judged by the clock that jumped has been judged by then."""
GO_ON_SECONDS = 60.0
"""While its clock is off, a Postgres under libfaketime takes the true time for its own timers in a
wait: it breaks no deadlock and ends no statement by itself, and the client's limit of 20 s does."""
READY_SECONDS = 60.0
SPARE_SECONDS = 15
"""How much later than before a jump a silence may be judged: leases are renewed by the new time."""
RUNS_OF_EACH = 4
FEWEST_FIRES = 10
EVERY = {"interval": {"every": "PT5S"}}
"""So slow that what is caught up after a jump does not keep the agent from fresh runs for long."""
SCHEDULES = [
    {"slug": "skip", "spec": EVERY},
    {"slug": "all", "spec": EVERY, "catchUp": {"policy": "ALL", "max": 5}},
]

_DOUBLED = """
select (select count(*) from (select from schedule_fires group by schedule_id, fire_at
    having count(*) > 1) one)
  + (select count(*) from (select from flow_runs where schedule_id is not null
    group by schedule_id, expected_start having count(*) > 1) one)
  + (select count(*) from (select from schedule_fires where outcome = 'CREATED' group by run_id
    having count(*) > 1) one) as count
"""
_NOTICES = "select count(*) from events where name ilike '%unresponsive%'"
_SESSIONS = "select count(*) from agent_sessions"
_TAKEN = """
select count(*) from flow_runs where id = any($1::uuid[])
  and (state_type <> 'RUNNING' or attempt > 1 or infrastructure_attempts > 1)
"""
_FENCE = """
select coalesce(ceil(extract(epoch from max(fence_until) - now())), 0)::int as count
from work_items where run_id = any($1::uuid[])
"""
_BACKWARDS = "select count(*) from flow_runs where ended_at < started_at"


class Clock:
    """The clock of one Postgres, which runs in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._directory = DataDir.claim(folder)
        self._service = PostgresService(self._directory, settings={"fsync": "off"})
        self._folder = folder
        self._file = folder.parent / "clock"

    @property
    def url(self) -> str:
        """The owner's URL."""
        return self._service.url

    async def start(self, stack: AsyncExitStack) -> None:
        """Start Postgres with the right time."""
        self.set(0)
        await self._service.prepare()
        process = Leashed(
            "postgres",
            self._service.command(),
            environment={
                **os.environ,
                "LD_PRELOAD": str(LIBRARY),
                "FAKETIME_TIMESTAMP_FILE": str(self._file),
                "FAKETIME_NO_CACHE": "1",
                "DONT_FAKE_MONOTONIC": "1",
                "NO_FAKE_STAT": "1",
            },
            log=self._folder / "logs/faked.log",
        )
        stack.callback(self._directory.release)
        stack.enter_context(process)
        async with asyncio.timeout(READY_SECONDS):
            await self._service.wait_ready()

    def set(self, seconds: int) -> None:
        """Let the clock show the time in so many seconds, from now on."""
        draft = self._file.with_suffix(".draft")
        draft.write_text(f"{seconds:+d}\n")
        draft.chmod(0o644)
        draft.replace(self._file)


async def off_by(journey: Journey) -> float:
    """Return how far the database's clock is ahead of ours, in seconds."""
    return (await journey.records.now()).timestamp() - time.time()


async def count(journey: Journey, sql: str, *values: object) -> int:
    """Return what one statement counts."""
    (row,) = await journey.records.rows(sql, *values)
    return row["count"]


async def after_jump(journey: Journey, held: list[str], *, name: str) -> dict[str, Any]:
    """Let everybody judge by the new time, and say what has become of the runs."""
    off = await off_by(journey)
    began = time.monotonic()
    fresh = await journey.run("quick")
    ended = await journey.records.ended(fresh, within_seconds=GO_ON_SECONDS)
    went_on = time.monotonic() - began
    await asyncio.sleep(CALM_SECONDS)
    uuids = [journey.run_uuid(run_id) for run_id in held]
    return {
        "jump": name,
        "off_s": round(off),
        "fresh_run": ended,
        "went_on_s": round(went_on, 2),
        "taken": await count(journey, _TAKEN, uuids),
        "fence_s": await count(journey, _FENCE, uuids),
        "restarted": sum(len(journey.executions(run_id)) > 1 for run_id in held),
        "doubled": await count(journey, _DOUBLED),
    }


async def measure(folder: Path, *, seconds: int) -> dict[str, Any]:
    """Start everything, let the clock jump three times, and look."""
    async with AsyncExitStack() as stack:
        services = EmbeddedServices(folder / "services", has_postgres=False)
        await stack.enter_async_context(services)
        clock = Clock(folder / "database")
        await clock.start(stack)
        urls = await upgrade(clock.url, secret_key=SECRET_KEY)
        timers = {**TIMERS, **dict.fromkeys(RATES, "0")}
        site = stack.enter_context(
            Installation(folder / "site", urls, services.redis_url, timers=timers)
        )
        await site.make_tenant()
        site.start_scheduler()
        site.start_api()
        agent = site.start_agent(limit=2 * RUNS_OF_EACH + 8)
        journey = await set_out(site, folder, pool="default")
        stack.push_async_callback(journey.close)
        wait_online(agent)
        held: list[str] = []
        for policy in ("CRASH", "RETRY"):
            deployment = await journey.deploy("held", on_agent_lost=policy)
            held += [await journey.start(deployment) for _ in range(RUNS_OF_EACH)]
        for run_id in held:
            await journey.executed(run_id)
        ticking = await journey.deploy("quick", schedules=SCHEDULES)
        jumps: list[dict[str, Any]] = []
        for name, off in (("none", 0), ("ahead", seconds), ("back", 0), ("ahead again", seconds)):
            clock.set(off)
            jumps.append(await after_jump(journey, held, name=name))
        return {"jumps": jumps, **await _end(journey, ticking, held)}


async def _end(journey: Journey, ticking: Any, held: list[str]) -> dict[str, Any]:
    """Let the schedules fire once more and the runs end, and count."""
    known = len(await journey.ledger(ticking))
    fires = await journey.fires(ticking, count=known + 4, within_seconds=GO_ON_SECONDS)
    await journey.pause(ticking, is_paused=True)
    journey.open()
    ended = await journey.all_ended(held, within_seconds=GO_ON_SECONDS)
    executed = [len(journey.executions(fire.run_id)) for fire in fires]
    processes = journey.installation.processes
    return {
        "fires": len(fires),
        "executed_twice": sum(many > 1 for many in executed),
        "executed": sum(executed),
        "doubled": await count(journey, _DOUBLED),
        "notices": await count(journey, _NOTICES),
        "sessions": await count(journey, _SESSIONS),
        "ended_before_they_began": await count(journey, _BACKWARDS),
        "ended": sorted(set(ended)),
        "processes_lost": sum(one.exit_code is not None for one in processes),
    }


def is_well(found: dict[str, Any], *, seconds: int) -> bool:
    """Whether every promise was kept, and the clock did jump."""
    offs = [round(jump["off_s"] / seconds) for jump in found["jumps"]]
    return (
        offs == [0, 1, 0, 1]
        and all(
            jump["fresh_run"] == "Completed"
            and jump["taken"] == jump["restarted"] == 0
            and jump["fence_s"] <= found["jumps"][0]["fence_s"] + SPARE_SECONDS
            for jump in found["jumps"]
        )
        and found["doubled"] == found["executed_twice"] == found["processes_lost"] == 0
        and found["fires"] >= FEWEST_FIRES
        and found["executed"] >= FEWEST_FIRES
        and found["sessions"] == 1
        and found["ended"] == ["Completed"]
    )


def main(arguments: list[str]) -> int:
    """Run it; 0 where every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.clock_jump")
    parser.add_argument("--seconds", type=int, default=JUMP_SECONDS, help="the length of a jump")
    given = parser.parse_args(arguments)
    if not LIBRARY.is_file():
        reason = f"needs libfaketime: {INSTALL}"
        sys.stdout.write(json.dumps({"scenario": NAME, "is_well": False, "reason": reason}) + "\n")
        return 1
    folder = Path(tempfile.mkdtemp(prefix="headgate-clock-"))
    folder.chmod(0o755)
    try:
        found = asyncio.run(measure(folder, seconds=given.seconds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    line = {"scenario": NAME, **found, "is_well": is_well(found, seconds=given.seconds)}
    sys.stdout.write(json.dumps(line) + "\n")
    return 0 if line["is_well"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
