"""Schedulers that are killed: ``python -m tests.chaos.schedules --seed N [--fires N]``.

Processes with clocks that differ by up to ten minutes either way make the runs of the same
schedules, and one of them is killed every 0.3 s. In the end the runs, the ledger and a count on the
fingers must agree: no instant twice, none left out. Prints one JSON line; answers 1 if they do not.
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from headgate_server.database.migrate import upgrade
from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain.ids import new_id
from headgate_server.domain.schedules.catch_up import CatchUp, CatchUpPolicy
from headgate_server.domain.schedules.specs import CronSpec, IntervalSpec, RRuleSpec, Spec
from headgate_server.embedded.services import EmbeddedServices
from headgate_server.repositories.schedules import insert_schedule
from tests.chaos import scheduling
from tests.chaos.scheduling import Clock, Storm, materialise_all, opened
from tests.factories.schedules import make_deployment
from tests.factories.tenants import make_tenant
from tests.fixtures.databases import SECRET_KEY
from tests.fixtures.deadlines import eventually_sync
from tests.fixtures.servers import FAST_SETTINGS
from tests.fixtures.sql import query

ROOT = Path(__file__).parents[2]
SPEED = 300
SCHEDULES = 60
START = datetime(2026, 3, 1, tzinfo=UTC)
EVERY_MINUTES = (1, 2, 3, 4, 5)
LONGEST_SECONDS = 600

_RUNS = """
select coalesce(json_object_agg(schedule_id, times), '{}') from (
  select schedule_id, json_agg(extract(epoch from expected_start) order by expected_start) as times
  from flow_runs group by schedule_id
) run
"""
_LEDGER = """
select coalesce(json_object_agg(schedule_id, times), '{}') from (
  select schedule_id, json_agg(extract(epoch from fire_at) order by fire_at) as times
  from schedule_fires where outcome = 'CREATED' group by schedule_id
) fire
"""
_SCHEDULES = """
select json_object_agg(id, json_build_array(
  split_part(slug, '-', 2), extract(epoch from next_fire_at), missed_count)) from schedules
"""
_COUNT = "select count(*) from schedule_fires"
_ASTRAY = """
select count(*) from schedule_fires fire left join flow_runs run on run.id = fire.run_id
where outcome = 'CREATED' and (
  run.id is null or run.schedule_id <> fire.schedule_id or run.expected_start <> fire.fire_at
)
"""


@dataclass(frozen=True)
class Verdict:
    """What a storm left behind.

    It is well when nothing is doubled, missing or skipped, and proves nothing unless there were
    fires and kills.

    Args:
        astray: rows of the ledger that do not lead to the run of their schedule and instant.
    """

    seed: int
    fires: int
    kills: int
    doubled: int
    missing: int
    strange: int
    unlike_the_ledger: int
    skipped: int
    astray: int

    @property
    def is_well(self) -> bool:
        wrong = self.doubled + self.missing + self.strange + self.unlike_the_ledger
        return wrong + self.skipped + self.astray == 0 and self.fires > 0 and self.kills > 0


def spec_of(number: int) -> tuple[Spec, int]:
    """Return a schedule that fires at every so many minutes of the clock."""
    every = EVERY_MINUTES[number % len(EVERY_MINUTES)]
    kinds: tuple[Spec, ...] = (
        IntervalSpec(timedelta(minutes=every), START),
        CronSpec(f"*/{every} * * * *"),
        RRuleSpec(f"DTSTART:20200101T000000\nFREQ=MINUTELY;INTERVAL={every}"),
    )
    return kinds[number % len(kinds)], every


async def prepare(urls: DatabaseUrls) -> Clock:
    """Store the schedules, and return the clock of the storm."""
    began = await query(urls.owner, "select now()")
    clock = Clock(began=began, start=START, speed=SPEED)
    async with opened(urls, clock) as database:
        tenant = await make_tenant(database)
        deployment = await make_deployment(database, tenant)
        async with database.tenant(tenant.owner, tenant.workspace_id) as work:
            for number in range(SCHEDULES):
                spec, every = spec_of(number)
                values: dict[str, Any] = {
                    "spec": spec,
                    "catch_up": CatchUp(CatchUpPolicy.ALL, max=1_000, window=timedelta(days=31)),
                    "next_fire_at": START + timedelta(minutes=every),
                }
                await insert_schedule(
                    work,
                    id_=new_id(),
                    deployment_id=deployment.id,
                    slug=f"{number}-{every}",
                    values=values,
                )
    return clock


def storm(urls: DatabaseUrls, *, seed: int, fires: int, processes: int) -> Verdict:
    """Let schedulers work and be killed until so many instants have fired; then judge."""
    clock = asyncio.run(prepare(urls))
    given = Storm(urls, clock, seed, processes)
    raging = subprocess.Popen(
        [sys.executable, "-m", scheduling.__name__, given.dump()],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with raging:
        eventually_sync(
            lambda: asyncio.run(query(urls.owner, _COUNT)) >= fires,
            within_seconds=LONGEST_SECONDS,
            what=f"{fires} fires",
            poll_seconds=0.2,
        )
        kills, _ = raging.communicate(timeout=30)
    return asyncio.run(judge(urls, clock, seed=seed, kills=int(kills)))


async def judge(urls: DatabaseUrls, clock: Clock, *, seed: int, kills: int) -> Verdict:
    """Let one scheduler finish what the storm left, and compare with a count on the fingers."""
    stopped = replace(clock, start=clock.read(await query(urls.owner, "select now()")), speed=0)
    async with opened(urls, stopped) as database:
        await materialise_all(database)
    runs = json.loads(await query(urls.owner, _RUNS))
    ledger = json.loads(await query(urls.owner, _LEDGER))
    schedules = json.loads(await query(urls.owner, _SCHEDULES))
    doubled = missing = strange = unlike = skipped = 0
    for id_, (every, next_fire_at, missed) in schedules.items():
        found = [int(at) for at in runs.get(id_, [])]
        step = int(every) * 60
        wanted = range(int(START.timestamp()) + step, int(next_fire_at), step)
        doubled += len(found) - len(set(found))
        missing += len(set(wanted) - set(found))
        strange += len(set(found) - set(wanted))
        unlike += found != [int(at) for at in ledger.get(id_, [])]
        skipped += missed
    total = sum(map(len, runs.values()))
    astray = await query(urls.owner, _ASTRAY)
    return Verdict(seed, total, kills, doubled, missing, strange, unlike, skipped, astray)


@contextmanager
def own_database() -> Generator[DatabaseUrls]:
    """Start a database for one storm."""
    folder = Path(tempfile.mkdtemp(prefix="headgate-storm-"))
    try:
        with asyncio.Runner() as runner:
            services = EmbeddedServices(folder, postgres_settings=FAST_SETTINGS)
            runner.run(services.__aenter__())
            try:
                yield runner.run(upgrade(services.postgres_url, secret_key=SECRET_KEY))
            finally:
                runner.run(services.__aexit__(None, None, None))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.schedules")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fires", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=8)
    given = parser.parse_args(arguments)
    with own_database() as urls:
        verdict = storm(urls, seed=given.seed, fires=given.fires, processes=given.processes)
    sys.stdout.write(json.dumps(asdict(verdict) | {"is_well": verdict.is_well}) + "\n")
    return 0 if verdict.is_well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
