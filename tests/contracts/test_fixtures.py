"""The fixtures themselves: what they promise to every other test."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from tests.fixtures import redis_client
from tests.fixtures.deadlines import eventually, eventually_sync
from tests.fixtures.network import NetworkForbidden, is_loopback
from tests.fixtures.processes import is_served
from tests.fixtures.servers import remove_leftovers
from tests.fixtures.sql import query

# Two tests with one body: whichever runs second sees whether the first one's writes leaked.


async def leave_a_table(urls: DatabaseUrls) -> None:
    assert await query(urls.owner, "SELECT to_regclass('left_behind')") is None
    await query(urls.owner, "CREATE TABLE left_behind ()")


async def test_database_is_fresh(urls: DatabaseUrls) -> None:
    await leave_a_table(urls)


async def test_database_is_fresh_again(urls: DatabaseUrls) -> None:
    await leave_a_table(urls)


async def test_database_is_migrated_and_has_its_roles(urls: DatabaseUrls) -> None:
    assert await query(urls.owner, "SELECT to_regclass('flow_runs')::text") == "flow_runs"
    assert await query(urls.app, "SELECT current_user") == "headgate_app"
    assert await query(urls.system, "SELECT current_user") == "headgate_system"


async def test_statements_are_counted(database: Database, statements: list[str]) -> None:
    async with database.system() as work:
        statements.clear()
        await work.execute(text("SELECT 1"))
        await work.execute(text("SELECT 2"))

    assert statements == ["SELECT 1", "SELECT 2"]


@pytest.mark.parametrize("turn", [1, 2])
def test_redis_database_is_empty(redis_url: str, turn: int) -> None:
    with redis_client.connect(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", turn)


async def test_eventually_returns_the_first_truthy_answer() -> None:
    answers = iter([0, 0, 7, 8])

    assert await eventually(lambda: next(answers)) == 7


def test_eventually_names_the_last_answer() -> None:
    with pytest.raises(AssertionError, match=r"The door did not .* last seen: 'closed, so no'"):
        eventually_sync(Refusal, within_seconds=0.01, what="The door")


class Refusal:
    """A falsy answer with words."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "'closed, so no'"


def test_other_machines_are_out_of_reach() -> None:
    with pytest.raises(NetworkForbidden, match=r"reach example\.com"):
        socket.getaddrinfo("example.com", 443)
    with socket.socket() as stream, pytest.raises(NetworkForbidden, match=r"192\.0\.2\.1"):
        stream.connect(("192.0.2.1", 443))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("10.0.0.1", False),
        ("localhost.example.com", False),
    ],
)
def test_loopback_is_told_apart(host: str, *, expected: bool) -> None:
    assert is_loopback(host) is expected


KILLED = """
import os, pathlib, signal
def test_killed(servers, pytestconfig):
    pathlib.Path(os.environ["TOLD"]).write_text(str(servers.data_dir))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_killed_session_leaves_nothing_to_the_next(tmp_path: Path) -> None:
    (tmp_path / "test_killed.py").write_text(KILLED)
    told = tmp_path / "told"
    arguments = f"-q -c {os.devnull} -p no:valkey -p tests.fixtures.servers --rootdir".split()
    session = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, tmp_path, tmp_path / "test_killed.py"],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "TOLD": str(told)},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert session.returncode == -signal.SIGKILL, session.stdout
    folder = Path(told.read_text())
    eventually_sync(lambda: not is_served(folder), what="end of the servers")
    assert folder.exists()

    remove_leftovers()

    assert not folder.exists()
