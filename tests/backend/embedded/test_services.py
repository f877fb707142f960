"""Starting and stopping Postgres and Valkey in one process, and who may use a data directory."""

import asyncio
import json
import os
import stat
import time
from pathlib import Path

import asyncpg
import pytest
import uvloop

from headgate_server.embedded.data_dir import DataDir
from headgate_server.embedded.errors import (
    DataDirForeign,
    DataDirLocked,
    DataDirTooNew,
    DataDirUnusable,
    EmbeddedError,
    PostgresMajorMismatch,
    ServiceFailed,
)
from headgate_server.embedded.services import EmbeddedServices
from tests.backend.embedded.holders import ping, port_of
from tests.fixtures.processes import is_served
from tests.fixtures.sql import query

FRESH_START_SECONDS_MAX = 15.0


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_fresh_directory_serves_both_and_leaves_no_process(tmp_path: Path) -> None:
    started = time.monotonic()
    async with EmbeddedServices(tmp_path / "data") as services:
        assert time.monotonic() - started < FRESH_START_SECONDS_MAX
        assert await query(services.postgres_url, "SELECT current_database()") == "headgate"
        assert await query(services.postgres_url, "SELECT current_user") == "headgate_owner"
        assert ping(services.redis_url)

    assert not is_served(tmp_path / "data")


async def test_data_and_addresses_survive_a_restart(tmp_path: Path) -> None:
    async with EmbeddedServices(tmp_path) as first:
        await query(first.postgres_url, "CREATE TABLE kept AS SELECT 42 AS answer")
        urls = (first.postgres_url, first.redis_url)

    async with EmbeddedServices(tmp_path) as second:
        assert (second.postgres_url, second.redis_url) == urls
        assert await query(second.postgres_url, "SELECT answer FROM kept") == 42


async def test_postgres_is_durable_utf8_and_without_a_unix_socket(tmp_path: Path) -> None:
    async with EmbeddedServices(tmp_path, has_valkey=False) as services:
        url = services.postgres_url
        shown = {
            name: await query(url, f"SHOW {name}")
            for name in ("fsync", "synchronous_commit", "unix_socket_directories", "jit")
        }
        locale = await query(
            url,
            "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname='headgate'",
        )

    assert shown == {
        "fsync": "on",
        "synchronous_commit": "on",
        "unix_socket_directories": "",
        "jit": "off",
    }
    assert locale == "bC.UTF-8"


async def test_passwords_are_required_and_private(tmp_path: Path) -> None:
    async with EmbeddedServices(tmp_path) as services:
        port = port_of(services.postgres_url)
        with pytest.raises(asyncpg.InvalidPasswordError):
            await query(f"postgresql://headgate_owner:guess@127.0.0.1:{port}/headgate", "SELECT 1")

    assert names_in(tmp_path / "secrets") == ["postgres_password", "valkey_password"]
    for name in names_in(tmp_path / "secrets"):
        assert stat.S_IMODE((tmp_path / "secrets" / name).stat().st_mode) == 0o600


def test_services_run_on_uvloop_too(tmp_path: Path) -> None:
    async def serve() -> None:
        async with EmbeddedServices(tmp_path) as services:
            assert await query(services.postgres_url, "SELECT 1") == 1
            assert ping(services.redis_url)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())

    assert not is_served(tmp_path)


async def test_two_directories_serve_side_by_side(tmp_path: Path) -> None:
    async with (
        EmbeddedServices(tmp_path / "a") as first,
        EmbeddedServices(tmp_path / "b with spaces") as second,
    ):
        urls = [first.postgres_url, first.redis_url, second.postgres_url, second.redis_url]
        assert len({port_of(url) for url in urls}) == 4
        await query(first.postgres_url, "CREATE TABLE only_here ()")
        assert await query(second.postgres_url, "SELECT to_regclass('only_here')") is None
        assert ping(second.redis_url)


async def test_occupied_recorded_port_is_left_to_its_holder(tmp_path: Path) -> None:
    async with EmbeddedServices(tmp_path, has_postgres=False) as services:
        port = port_of(services.redis_url)
    intruder = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port)

    async with intruder, EmbeddedServices(tmp_path, has_postgres=False) as services:
        assert port_of(services.redis_url) != port
        assert ping(services.redis_url)


async def test_locked_directory_names_its_holder(tmp_path: Path) -> None:
    async with EmbeddedServices(tmp_path, has_postgres=False):
        with pytest.raises(DataDirLocked, match=f"in use by process {os.getpid()}") as refusal:
            await EmbeddedServices(tmp_path, has_postgres=False).start()

    assert refusal.value.holder_pid == os.getpid()


async def test_foreign_directory_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("do not lose me")

    with pytest.raises(DataDirForeign, match="was not made by Headgate"):
        await EmbeddedServices(tmp_path).start()

    assert names_in(tmp_path) == ["thesis.txt"]


async def test_clearing_refuses_what_is_foreign_or_in_use(tmp_path: Path) -> None:
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign/thesis.txt").write_text("do not lose me")
    with pytest.raises(DataDirForeign):
        DataDir.clear(tmp_path / "foreign")
    assert names_in(tmp_path / "foreign") == ["thesis.txt"]

    async with EmbeddedServices(tmp_path / "used", has_postgres=False) as services:
        with pytest.raises(DataDirLocked):
            DataDir.clear(tmp_path / "used")
        assert ping(services.redis_url)


async def test_directory_of_a_newer_layout_is_refused(tmp_path: Path) -> None:
    (tmp_path / "headgate.json").write_text(json.dumps({"layout": 99}))

    with pytest.raises(DataDirTooNew, match="has layout 99; this Headgate knows up to 1"):
        await EmbeddedServices(tmp_path).start()


async def test_cluster_of_another_major_version_is_refused(tmp_path: Path) -> None:
    async with EmbeddedServices(tmp_path, has_valkey=False):
        pass
    (tmp_path / "postgres/PG_VERSION").write_text("15\n")

    with pytest.raises(PostgresMajorMismatch, match="made by Postgres 15; this Headgate ships"):
        await EmbeddedServices(tmp_path).start()

    assert not is_served(tmp_path)


async def test_file_in_place_of_the_directory_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")

    with pytest.raises(DataDirUnusable, match="Name a directory that this user may write"):
        await EmbeddedServices(tmp_path / "data").start()


async def test_lost_password_is_a_clear_error(tmp_path: Path) -> None:
    async with EmbeddedServices(tmp_path, has_valkey=False):
        pass
    (tmp_path / "secrets/postgres_password").unlink()

    with pytest.raises(ServiceFailed, match="runs but cannot be used: password authentication"):
        await EmbeddedServices(tmp_path, has_valkey=False).start()

    assert not is_served(tmp_path)


async def test_interrupted_set_up_is_done_again(tmp_path: Path) -> None:
    async with EmbeddedServices(tmp_path, has_postgres=False):
        pass
    (tmp_path / "postgres.draft/cluster").mkdir(parents=True)
    (tmp_path / "postgres.draft/cluster/PG_VERSION").write_text("18\n")

    async with EmbeddedServices(tmp_path) as services:
        assert await query(services.postgres_url, "SELECT 1") == 1

    assert not (tmp_path / "postgres.draft").exists()


async def test_setting_that_postgres_refuses_is_reported_with_its_words(tmp_path: Path) -> None:
    services = EmbeddedServices(tmp_path, postgres_settings={"shared_buffers": "plenty"})

    with pytest.raises(ServiceFailed, match=r'invalid value for parameter "shared_buffers"'):
        await services.start()

    assert not is_served(tmp_path)
    with pytest.raises(EmbeddedError, match="call start"):
        _ = services.postgres_url
