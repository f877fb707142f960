"""What survives kill -9: of a server, of the process that holds it, of the keeper in between."""

import asyncio
import os
import signal
from pathlib import Path

import asyncpg
import psutil
import pytest

from headgate_server.embedded.data_dir import DataDir
from headgate_server.embedded.errors import ServiceFailed
from headgate_server.embedded.services import EmbeddedServices
from headgate_server.embedded.supervisor import RESTARTS_MAX, ServiceEvent
from tests.backend.embedded.holders import (
    Holder,
    ping,
    postgres_pid,
    valkey_pid,
)
from tests.fixtures.deadlines import eventually
from tests.fixtures.processes import is_served
from tests.fixtures.sql import query

BUSY = "SELECT count(*) FROM generate_series(1, 1000000000000)"
IS_BUSY = (
    "SELECT true FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%1000000000000)'"
)


async def next_events(events: asyncio.Queue[ServiceEvent], *, count: int) -> list[str]:
    async with asyncio.timeout(30):
        return [f"{e.service} {e.kind}" for e in [await events.get() for _ in range(count)]]


async def test_killed_postgres_comes_back_with_what_was_committed(tmp_path: Path) -> None:
    events: asyncio.Queue[ServiceEvent] = asyncio.Queue()
    async with EmbeddedServices(tmp_path, on_event=events.put_nowait) as services:
        url = services.postgres_url
        await query(url, "CREATE TABLE kept AS SELECT 42 AS answer")

        os.kill(postgres_pid(tmp_path), signal.SIGKILL)

        assert await next_events(events, count=2) == ["Postgres exited", "Postgres restarted"]
        assert services.postgres_url == url
        assert await query(url, "SELECT answer FROM kept") == 42


async def test_postgres_killed_under_a_busy_backend_comes_back(tmp_path: Path) -> None:
    events: asyncio.Queue[ServiceEvent] = asyncio.Queue()
    async with EmbeddedServices(tmp_path, on_event=events.put_nowait) as services:
        url = services.postgres_url
        busy = asyncio.create_task(query(url, BUSY))
        await eventually(lambda: query(url, IS_BUSY), what="the busy query")

        os.kill(postgres_pid(tmp_path), signal.SIGKILL)

        assert await next_events(events, count=2) == ["Postgres exited", "Postgres restarted"]
        assert await query(url, "SELECT 1") == 1
        with pytest.raises((ConnectionError, asyncpg.ConnectionDoesNotExistError)):
            await busy


async def test_killed_valkey_comes_back(tmp_path: Path) -> None:
    events: asyncio.Queue[ServiceEvent] = asyncio.Queue()
    async with EmbeddedServices(
        tmp_path, has_postgres=False, on_event=events.put_nowait
    ) as services:
        os.kill(valkey_pid(tmp_path), signal.SIGKILL)

        assert await next_events(events, count=2) == ["Valkey exited", "Valkey restarted"]
        assert ping(services.redis_url)


async def test_killed_keeper_takes_its_server_along_and_both_come_back(tmp_path: Path) -> None:
    events: asyncio.Queue[ServiceEvent] = asyncio.Queue()
    async with EmbeddedServices(tmp_path, has_valkey=False, on_event=events.put_nowait) as services:
        keeper = psutil.Process(postgres_pid(tmp_path)).ppid()
        assert keeper != os.getpid()

        os.kill(keeper, signal.SIGKILL)

        assert await next_events(events, count=2) == ["Postgres exited", "Postgres restarted"]
        assert await query(services.postgres_url, "SELECT 1") == 1


async def test_server_that_keeps_dying_is_given_up(tmp_path: Path) -> None:
    events: asyncio.Queue[ServiceEvent] = asyncio.Queue()
    async with EmbeddedServices(
        tmp_path, has_postgres=False, on_event=events.put_nowait
    ) as services:
        given_up = asyncio.create_task(services.wait())
        for _ in range(RESTARTS_MAX):
            os.kill(valkey_pid(tmp_path), signal.SIGKILL)
            assert await next_events(events, count=2) == ["Valkey exited", "Valkey restarted"]
        os.kill(valkey_pid(tmp_path), signal.SIGKILL)

        assert await next_events(events, count=2) == ["Valkey exited", "Valkey gave_up"]
        with pytest.raises(ServiceFailed, match="Valkey died again after 5 restarts in 60 s"):
            await given_up


async def test_wait_returns_once_stopped(tmp_path: Path) -> None:
    services = EmbeddedServices(tmp_path, has_postgres=False)
    await services.start()
    waiting = asyncio.create_task(services.wait())

    await services.stop()

    async with asyncio.timeout(10):
        await waiting


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_holder_told_to_stop_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with Holder(tmp_path / "data") as holder:
        holder.read_line()
        holder.process.send_signal(number)

        assert holder.process.wait(timeout=30) == 0
        assert not is_served(tmp_path / "data")
        assert "database system is shut down" in (tmp_path / "data/logs/postgres.log").read_text()


async def test_killed_holder_takes_its_servers_along(tmp_path: Path) -> None:
    with Holder(tmp_path / "data") as holder:
        url = holder.read_line()["postgres_url"]
        await query(url, "CREATE TABLE kept AS SELECT 42 AS answer")
        holder.process.kill()
        await eventually(lambda: not is_served(tmp_path / "data"), what="end of the servers")

    with Holder(tmp_path / "data") as again:
        assert again.read_line()["postgres_url"] == url
        assert await query(url, "SELECT answer FROM kept") == 42


async def test_next_holder_need_not_wait_for_the_servers_of_a_killed_one(tmp_path: Path) -> None:
    with Holder(tmp_path / "data") as holder:
        url = holder.read_line()["postgres_url"]
        await query(url, "CREATE TABLE kept AS SELECT 42 AS answer")
        holder.process.kill()
        holder.process.wait(timeout=30)

        with Holder(tmp_path / "data") as again:
            url = again.read_line()["postgres_url"]
            assert await query(url, "SELECT answer FROM kept") == 42


def test_servers_whose_keepers_were_killed_too_are_replaced(tmp_path: Path) -> None:
    with Holder(tmp_path / "data") as holder:
        holder.read_line()
        servers = [postgres_pid(tmp_path / "data"), valkey_pid(tmp_path / "data")]
        keepers = [psutil.Process(pid).ppid() for pid in servers]
        for pid in [holder.process.pid, *keepers]:
            os.kill(pid, signal.SIGKILL)
        holder.process.wait(timeout=30)

        with Holder(tmp_path / "data") as again:
            assert ping(again.read_line()["redis_url"])


def test_clearing_stops_what_a_killed_holder_left(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with Holder(data_dir) as holder:
        holder.read_line()
        keepers = [psutil.Process(pid(data_dir)).ppid() for pid in (postgres_pid, valkey_pid)]
        for pid in [holder.process.pid, *keepers]:
            os.kill(pid, signal.SIGKILL)
        holder.process.wait(timeout=30)

        DataDir.clear(data_dir)

        assert not is_served(data_dir)
        assert sorted(path.name for path in data_dir.iterdir()) == ["headgate.json", "lock"]


def test_pid_file_that_names_a_stranger_is_cleared_and_the_stranger_lives(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with Holder(data_dir) as holder:
        holder.read_line()
        pid_file = (data_dir / "postgres/postmaster.pid").read_text()
        holder.process.terminate()
        holder.process.wait(timeout=30)
    stale = f"{os.getpid()}\n" + pid_file.split("\n", 1)[1]
    (data_dir / "postgres/postmaster.pid").write_text(stale)

    with Holder(data_dir) as again:
        again.read_line()
        assert postgres_pid(data_dir) != os.getpid()


def test_second_process_is_refused_with_the_holder_named(tmp_path: Path) -> None:
    with Holder(tmp_path) as holder:
        holder.read_line()
        with Holder(tmp_path) as second:
            complaint = second.complaint()

            assert second.process.returncode == 3
            assert complaint.startswith("DATA_DIR_LOCKED: ")
            assert f"in use by process {holder.process.pid}" in complaint
        assert holder.process.poll() is None
        holder.process.terminate()
        holder.process.wait(timeout=30)
