"""kill -9 of APIs, schedulers and Postgres, and Redis away, while runs are under way.

Each time runs keep coming, and two are in the middle: one ends during the fault, one after it.
"""

import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from headgate_server.database.migrate import upgrade
from headgate_server.database.urls import DatabaseUrls
from headgate_server.embedded.binaries import find_valkey
from headgate_server.embedded.services import EmbeddedServices
from tests.backend.embedded.holders import postgres_pid
from tests.chaos.traffic import Traffic, traffic
from tests.fixtures.databases import SECRET_KEY
from tests.fixtures.deadlines import eventually, eventually_sync
from tests.fixtures.installation import Installation, wait_online
from tests.fixtures.journeys import Journey, set_out
from tests.fixtures.leashed import Leashed
from tests.fixtures.network import free_port
from tests.fixtures.redis_client import connect

SECOND = timedelta(seconds=1)


@asynccontextmanager
async def under_way(journey: Journey) -> AsyncGenerator[Traffic]:
    """Have two runs in the middle and others coming; open the gate ``first`` during the fault."""
    deployment = await journey.deploy("held")
    first, second = [
        await journey.start(deployment, parameters={"gate": gate, "folder": str(journey.folder)})
        for gate in ("first", "second")
    ]
    await journey.executed(first)
    await journey.executed(second)

    async with traffic(journey) as coming:
        yield coming
        await coming.grown(by=3)

    journey.open("second")
    for run_id in (first, second):
        assert await journey.records.ended(run_id) == "Completed"
        assert len(journey.executions(run_id)) == 1
        assert await journey.records.task_states(run_id) == {"Completed": 2}
        assert len(await journey.records.attempts(run_id)) == 1


async def test_one_of_two_apis_is_killed(site: Installation, tmp_path: Path) -> None:
    first = site.apis[0]
    second = site.start_api()
    balancer = site.start_balancer(first, second)
    site.url = balancer.url
    journey = await set_out(site, tmp_path, pool="default")
    wait_online(site.start_agent())

    async with under_way(journey):
        first.process.kill()
        journey.open("first")

    await journey.close()


async def test_an_api_that_accepts_and_never_answers_keeps_its_agent(journey: Journey) -> None:
    (api,) = journey.installation.apis
    agent = journey.installation.start_agent()
    wait_online(agent)
    deployment = await journey.deploy("quick")

    api.process.kill()
    with socket.create_server(("127.0.0.1", api.port)):
        await eventually(lambda: "TimeoutError" in agent.log, within_seconds=40, what="A time-out")
    journey.installation.start_api(port=api.port)

    assert await journey.records.ended(await journey.start(deployment)) == "Completed"
    assert agent.exit_code is None


async def test_the_only_api_is_killed_and_started_again(journey: Journey) -> None:
    (api,) = journey.installation.apis
    wait_online(journey.installation.start_agent())

    async with under_way(journey):
        api.process.kill()
        journey.open("first")
        journey.installation.start_api(port=api.port)


async def test_an_outage_of_the_api_is_no_crash_of_the_run(journey: Journey) -> None:
    (api,) = journey.installation.apis
    wait_online(journey.installation.start_agent())
    run_id = await journey.run("held")
    await journey.executed(run_id)

    api.process.kill()
    # As if its last renewal had been almost as long ago as the run may be silent.
    await journey.records.rows("update work_items set fence_until = now() + interval '1 second'")
    beyond = (await journey.records.now()) + 5 * SECOND
    await eventually(lambda: passed(journey, beyond), within_seconds=15, what="the outage")
    assert (await journey.records.run(run_id))["state_type"] == "RUNNING"
    journey.installation.start_api(port=api.port)
    journey.open()

    assert await journey.records.ended(run_id) == "Completed"
    assert len(journey.executions(run_id)) == 1


async def test_schedulers_are_killed_and_started_again(journey: Journey) -> None:
    site = journey.installation
    first = next(process for process in site.processes if process.name.startswith("scheduler"))
    second = site.start_scheduler()
    wait_online(site.start_agent())
    every = {"interval": {"every": "PT1S"}}
    deployment = await journey.deploy(
        "quick",
        schedules=[
            {"slug": "all", "spec": every, "catchUp": {"policy": "ALL", "max": 100}},
            {"slug": "skip", "spec": every},
        ],
    )

    await journey.fires(deployment, count=4)
    first.kill()
    await journey.fires(deployment, count=len(await journey.ledger(deployment)) + 4)
    second.kill()
    down_at = (await journey.records.now()) + 5 * SECOND
    await eventually(lambda: passed(journey, down_at), what="five seconds without a scheduler")
    site.start_scheduler()
    await journey.fires(deployment, count=len(await journey.ledger(deployment)) + 6)

    # A pause takes back what nobody has begun, due or not: what is due by now ends before it.
    until = await journey.records.now()
    fires = [fire for fire in await journey.ledger(deployment) if fire.at <= until]
    assert await journey.all_ended([fire.run_id for fire in fires]) == ["Completed"] * len(fires)
    await journey.pause(deployment, is_paused=True)

    made = await journey.ledger(deployment)
    assert await journey.all_ended([fire.run_id for fire in made]) == ["Completed"] * len(made)
    assert all(len(journey.executions(fire.run_id)) == 1 for fire in made)
    await check_ledger(journey, until=until)


async def passed(journey: Journey, at: datetime) -> bool:
    return (await journey.records.now()) >= at


async def check_ledger(journey: Journey, *, until: datetime) -> None:
    """Hold fires, runs and ledger to each other: every second once, none twice, none left out.

    Args:
        journey: where they fired.
        until: after it, seconds may be left out.
    """
    rows = await journey.records.rows(
        "select slug, fire_at, outcome, run.expected_start from schedule_fires fire "
        "join schedules on schedules.id = fire.schedule_id "
        "left join flow_runs run on run.id = fire.run_id order by slug, fire_at"
    )
    for slug in ("all", "skip"):
        fired = [row["fire_at"] for row in rows if row["slug"] == slug]
        assert len(set(fired)) == len(fired)
        instants = [at for at in fired if at <= until]
        assert len(instants) > 5
        assert instants == [instants[0] + turn * SECOND for turn in range(len(instants))]
    created = [row for row in rows if row["outcome"] == "CREATED"]
    assert {row["fire_at"] for row in created if row["slug"] == "all"} == {
        row["fire_at"] for row in rows if row["slug"] == "all"
    }
    assert [row["expected_start"] for row in created] == [row["fire_at"] for row in created]
    (runs,) = await journey.records.rows("select count(*) as size from flow_runs")
    assert runs["size"] == len(created)


async def test_postgres_is_killed(own_services: EmbeddedServices, tmp_path: Path) -> None:
    urls = await upgrade(own_services.postgres_url, secret_key=SECRET_KEY)
    async with a_site(tmp_path, urls, own_services.redis_url) as journey, under_way(journey):
        os.kill(postgres_pid(own_services.data_dir), signal.SIGKILL)
        journey.open("first")


async def test_redis_is_away_and_comes_back_empty(urls: DatabaseUrls, tmp_path: Path) -> None:
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    with start_valkey(tmp_path, port) as valkey:
        async with a_site(tmp_path, urls, url) as journey, under_way(journey) as coming:
            valkey.kill()
            journey.open("first")
            await coming.grown(by=10)
            with start_valkey(tmp_path, port):
                await coming.grown(by=10)


async def test_redis_hangs(urls: DatabaseUrls, tmp_path: Path) -> None:
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    with start_valkey(tmp_path, port) as valkey:
        async with a_site(tmp_path, urls, url) as journey, under_way(journey) as coming:
            valkey.freeze()
            journey.open("first")
            await coming.grown(by=5)
            valkey.thaw()


@pytest.fixture
async def own_services(tmp_path: Path) -> AsyncGenerator[EmbeddedServices]:
    """Postgres and Valkey of this test's own, on its own loop."""
    async with EmbeddedServices(tmp_path / "services") as services:
        yield services


@asynccontextmanager
async def a_site(folder: Path, urls: DatabaseUrls, redis_url: str) -> AsyncGenerator[Journey]:
    """Start an API, a scheduler and an agent over servers of the test's own."""
    with Installation(folder / "site", urls, redis_url) as site:
        try:
            await site.make_tenant()
            site.start_scheduler()
            site.start_api()
            journey = await set_out(site, folder, pool="default")
            wait_online(site.start_agent())
            yield journey
            await journey.close()
        except BaseException:
            sys.stdout.write(site.report())
            raise


def start_valkey(folder: Path, port: int) -> Leashed:
    """Start a Valkey that keeps nothing; return once it answers."""
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    valkey = Leashed(
        "valkey",
        [str(find_valkey()), *options, "--dir", str(folder)],
        environment={},
        log=folder / "valkey.log",
    )
    eventually_sync(lambda: answers(port), what="Valkey")
    return valkey


def answers(port: int) -> bool:
    with suppress(RedisError), connect(f"redis://127.0.0.1:{port}/0") as client:
        return bool(client.ping())
    return False
