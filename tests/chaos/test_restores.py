"""A drill: the database is set back in time while agents work and Redis stays as it is."""

import subprocess
import sys
from collections.abc import AsyncGenerator
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from headgate.api import agents
from headgate.api.agents import Registration
from headgate.api.transport import Transport
from headgate.errors import UnauthenticatedError
from headgate_server.database.engine import make_engine
from headgate_server.database.migrate import upgrade
from headgate_server.database.work import Database
from headgate_server.domain.errors import OldGeneration
from headgate_server.services import api_keys
from tests.chaos.backups import ArchivedCluster
from tests.fixtures.check_ups import examine
from tests.fixtures.databases import SECRET_KEY
from tests.fixtures.deadlines import eventually
from tests.fixtures.installation import Installation, wait_online
from tests.fixtures.journeys import Journey, set_out

EVERY_SECOND = {
    "slug": "all",
    "spec": {"interval": {"every": "PT1S"}},
    "catchUp": {"policy": "ALL", "max": 1000},
}
_DOUBLED = (
    "select schedule_id, expected_start from flow_runs where schedule_id is not null "
    "group by schedule_id, expected_start having count(*) > 1"
)


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncGenerator[ArchivedCluster]:
    cluster = ArchivedCluster(tmp_path / "cluster")
    async with cluster.services:
        yield cluster


@pytest.fixture
async def site(
    cluster: ArchivedCluster, redis_url: str, tmp_path: Path
) -> AsyncGenerator[Installation]:
    urls = await upgrade(cluster.services.postgres_url, secret_key=SECRET_KEY)
    with Installation(tmp_path / "site", urls, redis_url) as installation:
        await installation.make_tenant()
        installation.start_scheduler()
        installation.start_api()
        yield installation


async def register(journey: Journey) -> Registration:
    return await agents.register(
        journey.transport,
        workspace_id=journey.workspace_id,
        pool_name="default",
        name=f"witness-{uuid4().hex[:8]}",
        instance_id=str(uuid4()),
        capacity=0,
        sdk_version="0.1.0",
        host="witness",
        queue_names=None,
    )


async def authenticate(site: Installation, token: str) -> None:
    engine = make_engine(site.urls.system, application_name="tests", pool_size=1)
    database = Database(app=engine, system=engine)
    try:
        await api_keys.authenticate(database, token, pepper=SECRET_KEY)
    finally:
        await database.dispose()


async def is_refused(site: Installation, registration: Registration) -> None:
    with pytest.raises(OldGeneration):
        await authenticate(site, registration.session_token)
    witness = Transport(site.url, registration.session_token)
    with pytest.raises(UnauthenticatedError, match="The database was restored"):
        await agents.drain(witness, session_id=registration.session_id)
    await witness.close()


def begin_generation(site: Installation) -> str:
    environment = {
        "HEADGATE_OWNER_DATABASE_URL": site.urls.owner,
        "HEADGATE_SECRET_KEY": SECRET_KEY,
    }
    ended = subprocess.run(
        [sys.executable, "-m", "headgate_server", "migrate", "--new-generation"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return ended.stderr


def history(site: Installation) -> tuple[str, str]:
    """Return what ``doctor`` says of the database's past: the level, and what to do."""
    environment = {
        "HEADGATE_DATABASE_URL": site.urls.app,
        "HEADGATE_SYSTEM_DATABASE_URL": site.urls.system,
        "HEADGATE_REDIS_URL": site.redis_url,
        "HEADGATE_SECRET_KEY": SECRET_KEY,
    }
    finding = examine(environment)[1]["history"]
    return finding["level"], finding["remedy"]


async def set_back(cluster: ArchivedCluster, site: Installation, until: datetime) -> None:
    """Stop the servers, as the runbook says, and restore the database."""
    await cluster.archive_all()
    for process in site.processes:
        if not process.name.startswith("agent"):
            process.kill()
    await cluster.restore(until)


async def test_a_restore_without_a_new_generation_is_noticed(
    cluster: ArchivedCluster, site: Installation, tmp_path: Path
) -> None:
    journey = await set_out(site, tmp_path, pool="default")
    await cluster.back_up()
    until = await journey.records.now()
    for _ in range(3):
        await journey.deploy("quick")
    assert history(site) == ("OK", "")
    await journey.close()

    await set_back(cluster, site, until)
    unnoticed = history(site)
    api = site.start_api(port=site.apis[0].port).process
    await eventually(lambda: "was set back in time" in api.log, what="The pulse's complaint")

    assert unnoticed[0] == history(site)[0] == "ERROR"
    assert "headgate-server migrate --new-generation" in unnoticed[1]
    api.kill()
    begin_generation(site)
    assert history(site) == ("OK", "")
    api = site.start_api(port=site.apis[0].port).process
    journey = await set_out(site, tmp_path, pool="default")
    await journey.deploy("quick")
    assert history(site) == ("OK", "")
    assert "was set back in time" not in api.log
    await journey.close()


async def test_a_restored_database_hears_nobody_from_before(
    cluster: ArchivedCluster, site: Installation, tmp_path: Path
) -> None:
    journey, agent = await set_out(site, tmp_path, pool="default"), site.start_agent()
    wait_online(agent)
    await cluster.back_up()
    deployment = await journey.deploy("quick", schedules=[EVERY_SECOND])
    held_run = await journey.run("held")
    await journey.executed(held_run)
    known = await register(journey)
    await journey.fires(deployment, count=3)

    until = await journey.records.now()
    fires = len(await journey.ledger(deployment))
    lost = await register(journey)
    lost_run = await journey.run("held", parameters={"gate": "never"})
    await journey.executed(lost_run)
    await journey.fires(deployment, count=fires + 3)
    await journey.close()
    await set_back(cluster, site, until)
    await authenticate(site, known.session_token)
    said = begin_generation(site)

    assert "leases of the last one are good no more" in said
    site.start_api(port=site.apis[0].port)
    site.start_scheduler()
    for registration in (known, lost):
        await is_refused(site, registration)
    journey = await set_out(site, tmp_path, pool="default")
    assert await journey.records.ended(held_run) == "Crashed"
    assert await is_unknown(journey, lost_run)
    run_id = await journey.start(deployment)
    assert await journey.records.ended(run_id) == "Completed"
    again = len(await journey.ledger(deployment))
    await journey.fires(deployment, count=again + 3)
    assert agent.exit_code is None
    assert await journey.records.rows(_DOUBLED) == []
    await journey.close()


async def is_unknown(journey: Journey, run_id: str) -> bool:
    sql = "select id from flow_runs where id = $1"
    return await journey.records.rows(sql, journey.run_uuid(run_id)) == []


async def test_a_run_that_may_run_again_does_so_once_its_old_process_has_stopped(
    cluster: ArchivedCluster, site: Installation, tmp_path: Path
) -> None:
    journey, agent = await set_out(site, tmp_path, pool="default"), site.start_agent()
    wait_online(agent)
    await cluster.back_up()
    run_id = await journey.run("held", on_agent_lost="RETRY", fence="PT6S")
    before = await journey.executed(run_id)
    until = await journey.records.now()
    await journey.deploy("quick")
    await journey.close()
    await set_back(cluster, site, until)

    begin_generation(site)
    site.start_api(port=site.apis[0].port)
    site.start_scheduler()
    journey = await set_out(site, tmp_path, pool="default")
    after = await journey.executed(run_id, times=2)

    assert after.epoch > before.epoch + 1000
    assert not is_running(before.pid)
    journey.open()
    assert await journey.records.ended(run_id) == "Completed"
    assert len(journey.executions(run_id)) == 2
    assert [one.pid for one in journey.executions(run_id, "ended")] == [after.pid]
    assert agent.exit_code is None
    await journey.close()


def is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
