"""``headgate-server dev`` where it cannot start: one clear sentence, a code, and nothing left."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.e2e.dev_server import start as launch
from tests.fixtures.deadlines import eventually_sync
from tests.fixtures.leashed import Leashed
from tests.fixtures.network import free_port

DEADLINE_SECONDS = 60


def start(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "headgate_server", "dev", "--no-agent", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


def test_a_port_in_use_is_told_before_anything_is_made(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        ended = start("--port", str(port), "--data-dir", str(tmp_path / "data"))

    assert ended.returncode == 2
    assert f"Port {port} of 127.0.0.1 cannot be listened on" in ended.stderr
    assert "choose another with --port" in ended.stderr
    assert not (tmp_path / "data").exists()


def test_a_killed_installation_starts_again_where_it_was(tmp_path: Path) -> None:
    """Its port is free at once, its agent leaves, and the key still works."""
    port = free_port()
    options = ["--port", str(port), "--data-dir", str(tmp_path / "data")]
    command = [sys.executable, "-m", "headgate_server", "dev", *options]

    with launch("first", command, folder=tmp_path, variables={}) as first:
        wait_for_agent(first)
        (agent,) = [
            process
            for process in psutil.Process(first.pid).children()
            if "--tethered" in process.cmdline()
        ]
        known = (tmp_path / "data" / "dev.json").read_text()
        first.kill()
        with launch("second", command, folder=tmp_path, variables={}) as second:
            wait_for_agent(second)

            eventually_sync(lambda: not agent.is_running(), within_seconds=30, what="Its end")
            assert (tmp_path / "data" / "dev.json").read_text() == known
            assert second.stop() == 0


def wait_for_agent(dev: Leashed) -> None:
    eventually_sync(
        lambda: "Waiting for runs" in dev.log or dev.exit_code is not None,
        within_seconds=60,
        what="The agent",
    )
    assert dev.exit_code is None, dev.log


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("HEADGATE_DATABASE_URL", "banana", "starts with postgresql://"),
        ("HEADGATE_DATABASE_URL", "postgresql://a:b@127.0.0.1:1/x", "Cannot connect to"),
        ("HEADGATE_REDIS_URL", "banana", "starts with redis://"),
        ("HEADGATE_OFFER_TTL_SECONDS", "soon", "is a number, not 'soon'"),
        ("HEADGATE_LOG_LEVEL", "zz", "is one of INFO, DEBUG"),
    ],
)
def test_a_setting_that_will_not_do_is_named(
    tmp_path: Path, variable: str, value: str, told: str
) -> None:
    ended = start("--data-dir", str(tmp_path / "data"), "--port", "28484", **{variable: value})

    assert ended.returncode == 2
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ":b@" not in ended.stderr
