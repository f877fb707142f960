"""Flows whose process ended before the server was back: the next one tells of them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from headgate.reporting.leftovers import Teller
from tests.client.recording_server import RecordingServer
from tests.client.reporting.recorded import is_whole, names_of, owner_of_task, run_of, spooled


@pytest.fixture(autouse=True)
def _impatient(server: RecordingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert server.url
    monkeypatch.setenv("HEADGATE_REQUEST_DEADLINE_SECONDS", "0.1")


SCRIPT = """
import os, sys
from headgate import flow, get_run_logger

@flow
def leaf():
    get_run_logger().info("from the leaf")

@flow
def branch():
    leaf()
    if "die" in sys.argv:
        os._exit(0)

@flow
def root():
    print("begun", flush=True)
    sys.stdin.readline()
    branch()

(root if "root" in sys.argv else branch)()
"""


def run_away(server: RecordingServer, folder: Path, *words: str) -> None:
    """Let a process run flows while the server is away, and end before it is back."""
    script = folder / "flows.py"
    script.write_text(SCRIPT)
    environment = {**os.environ, "HEADGATE_REPORT_PATIENCE_SECONDS": "0.1"}
    process = subprocess.Popen(
        [sys.executable, str(script), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        if "root" in words:
            assert process.stdout.readline() == "begun\n"
        server.is_away = True
        process.stdin.write("\n")
        process.stdin.close()
        assert process.wait(20) == 0
    server.is_away = False


def teller(server: RecordingServer, **more: Any) -> Teller:
    known = {"url": server.url, "api_key": "key", "organization": "acme", "workspace": "prod"}
    return Teller(**{**known, **more})


def test_a_later_process_tells_of_subflows_whose_process_has_ended(
    server: RecordingServer, home: Path, tmp_path: Path
) -> None:
    run_away(server, tmp_path, "root")
    assert len(server.runs) == 1

    server.replay(home)

    names = ["Pending", "Running", "Completed"]
    assert [names_of(run_of(server, name)) for name in ("root", "branch", "leaf")] == [names] * 3
    assert all(is_whole(run) for run in server.runs.values())
    leaf, branch = run_of(server, "leaf"), run_of(server, "branch")
    assert owner_of_task(server, leaf.input["parentTaskRunId"]) is branch
    assert owner_of_task(server, branch.input["parentTaskRunId"]) is run_of(server, "root")
    assert (20, "from the leaf") in leaf.logs
    assert spooled(home) == []


def test_a_flow_whose_process_has_ended_is_told_of_under_the_key_of_the_next(
    server: RecordingServer,
    home: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.is_away = True
    run_away(server, tmp_path)
    kept = "".join(path.read_text() for path in spooled(home))

    server.replay(home, teller(server, workspace="another"))
    server.replay(home, teller(server, api_key=None))
    assert server.runs == {}
    assert "a process that is configured for acme/prod" in caplog.text
    server.replay(home, teller(server, api_key="wrong"))
    assert server.runs == {}
    assert "Bad token" in caplog.text

    server.replay(home, teller(server))
    assert [run.input["flowName"] for run in server.runs.values()] == ["branch", "leaf"]
    assert all(is_whole(run) for run in server.runs.values())
    assert "key" not in {call.token for call in server.calls if call.operation == "LogsAppend"}
    assert '"key"' not in kept


def test_a_run_whose_process_died_meanwhile_is_told_to_have_crashed(
    server: RecordingServer, home: Path, tmp_path: Path
) -> None:
    server.is_away = True
    run_away(server, tmp_path, "die")

    server.replay(home, teller(server))

    assert names_of(run_of(server, "leaf")) == ["Pending", "Running", "Completed"]
    assert names_of(run_of(server, "branch")) == ["Pending", "Running", "Crashed"]
    assert spooled(home) == []


def test_what_the_server_does_not_take_of_a_process_that_has_ended_is_kept(
    server: RecordingServer, home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(operation: str) -> web.Response | None:
        if operation != "FlowRunBegin":
            return None
        error = {"code": "CONFLICT", "message": "There is a run of this id", "path": ["id"]}
        return web.json_response({"data": {"flowRunBegin": {"errors": [error]}}})

    run_away(server, tmp_path, "root")
    server.fault = refuse

    server.replay(home)

    assert len(server.runs) == 1
    assert is_whole(run_of(server, "root"))
    assert {path.suffix for path in spooled(home)} == {".rejected"}
    assert len(spooled(home)) == 2
    assert "cannot be told of (There is a run of this id)" in caplog.text
