"""``headgate top`` and ``headgate doctor``: what goes on, once or again and again."""

import json
import socket
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.client.cli.terminals import on_terminal
from tests.e2e.dev_server import DevServer, start
from tests.fixtures.deadlines import eventually_sync
from tests.fixtures.installation import BALANCER
from tests.fixtures.leashed import Leashed
from tests.fixtures.network import free_port

pytestmark = pytest.mark.e2e

GATED = """
import time
from pathlib import Path
from headgate import flow

@flow
def gated(gate: str) -> None:
    while not Path(gate).exists():
        time.sleep(0.02)
"""


@pytest.fixture(scope="module")
def agent(cli_server: DevServer) -> Generator[Leashed]:
    """An agent of a pool of its own."""
    cli_server.here("work-pools", "create", "watched", "--concurrency-limit", "7")
    with cli_server.start("agent", "start", "--pool", "watched", "--name", "top", name="top") as it:
        eventually_sync(lambda: "Waiting for runs" in it.log, within_seconds=30, what="An agent")
        yield it


@pytest.fixture
def gate(cli_server: DevServer, agent: Leashed, tmp_path: Path) -> Generator[Path]:
    """A file that a run waits for, as long as the test lasts."""
    gate = tmp_path / "gate"
    (cli_server.folder / "gated.py").write_text(GATED)
    done = cli_server.here("deploy", "gated.py:gated", "--name", "top", "--pool", "watched")
    assert done.code == 0, done.err
    run = cli_server.read("deployments", "run", "gated/top", "-p", f"gate={gate}")

    def state() -> str:
        return cli_server.read("flow-runs", "get", run["id"])["state"]["name"]

    eventually_sync(lambda: state() == "Running", within_seconds=60, what="A run")
    yield gate
    gate.touch()
    eventually_sync(lambda: state() == "Completed", within_seconds=60, what="Its end")


def test_top_shows_pools_agents_and_live_runs(cli_server: DevServer, gate: Path) -> None:
    printed = cli_server.here("top")
    found = json.loads(cli_server.here("top", "-o", "json").out)

    lines = printed.out.splitlines()
    assert lines[0].startswith("1 running, 0 starting, 0 waiting (0 late), 0 paused, ")
    assert [line.split()[:4] for line in lines if line.startswith("watched")] == [
        ["watched", "ready", "1", "7"]
    ]
    assert [line.split()[1] for line in lines if line.startswith("top ")] == ["watched"]
    (run,) = found["runs"]
    assert (run["flow"]["name"], run["agent"], run["state"]["name"]) == ("gated", "top", "Running")
    assert any(run["name"] in line and "gated" in line for line in lines)


@pytest.mark.usefixtures("interruptible")
def test_top_goes_on_on_a_terminal_until_it_is_interrupted(
    cli_server: DevServer, gate: Path
) -> None:
    given = cli_server.environment
    with on_terminal("top", "--every", "0.5", environment=given, folder=cli_server.folder) as top:
        top.wait_for("1 running, 0 starting")
        gate.touch()
        top.wait_for("0 running, 0 starting")
        top.interrupt()

        assert top.end() == 0
    assert top.shown.startswith("\x1b[?1049h")
    assert top.shown.rstrip().endswith("\x1b[?1049l")
    assert "Traceback" not in top.shown


@pytest.mark.usefixtures("interruptible")
def test_top_waits_for_a_server_that_is_away(cli_server: DevServer, tmp_path: Path) -> None:
    port = free_port()
    backend = cli_server.url.rpartition(":")[2]
    command = [sys.executable, str(BALANCER), str(port), str(tmp_path / "switch"), backend]
    given = {
        **cli_server.environment,
        "HEADGATE_API_URL": f"http://127.0.0.1:{port}",
        "HEADGATE_REQUEST_DEADLINE_SECONDS": "0.1",
    }
    with start("first", command, folder=tmp_path, variables={}) as first:
        eventually_sync(lambda: is_answering(port), within_seconds=30, what="The balancer")
        with on_terminal("top", "--every", "0.5", environment=given, folder=tmp_path) as top:
            top.wait_for("agents online")
            first.kill()
            top.wait_for("As it was before: ")
            top.interrupt()

            assert top.end() == 0


def is_answering(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def test_doctor_finds_nothing_wrong_with_a_server_that_is_well(
    cli_server: DevServer, agent: Leashed
) -> None:
    found = {one["check"]: one["level"] for one in cli_server.read("doctor")}

    assert found["live updates"] == "ok"
    assert {found[check] for check in ("settings", "server", "key", "workspace")} == {"ok"}


def test_doctor_says_what_is_wrong_and_what_helps(cli_server: DevServer, tmp_path: Path) -> None:
    absent = cli_server.here(
        "doctor",
        HEADGATE_API_URL=f"http://127.0.0.1:{free_port()}",
        HEADGATE_REQUEST_DEADLINE_SECONDS="0",
    )
    wrong = cli_server.here("doctor", HEADGATE_API_KEY="hg_key_wrong")
    nothing = cli_server.here("doctor", HEADGATE_API_URL="")

    assert [done.code for done in (absent, wrong, nothing)] == [1, 1, 1]
    assert "did not answer" in absent.out
    assert "headgate login" in wrong.out
    assert "headgate login --api-url" in nothing.out
