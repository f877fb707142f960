"""Scripts as a user starts them: stopped from outside, unread, without their server."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.client.recording_server import RecordedRun, RecordingServer
from tests.fixtures.deadlines import eventually_sync
from tests.fixtures.network import free_port

FLOWS = """
import logging
import sys
import time

from headgate import flow, get_run_logger

def note(owner, run, state):
    get_run_logger().info("hook %s", state.name)

@flow(on_crashed=[note])
def hang():
    get_run_logger().info("hanging")
    time.sleep(60)

@flow
def quick():
    get_run_logger().info("quick")

@flow
def talk():
    get_run_logger().info("said")
    get_run_logger().info("rows: %d", "many")
    logging.getLogger("mine").warning("said by another")

if __name__ == "__main__":
    globals()[sys.argv[1]]()
"""


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    """A file of flows, as a user writes it."""
    path = tmp_path / "flows.py"
    path.write_text(FLOWS)
    return path


def _environment(server: RecordingServer, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "HEADGATE_API_URL": server.url,
        "HEADGATE_API_KEY": "key",
        "HEADGATE_WORKSPACE": "acme/prod",
        "HEADGATE_REPORT_INTERVAL_SECONDS": "0.01",
        **more,
    }


def _messages(run: RecordedRun) -> list[str]:
    return [message for _, message in run.logs]


@contextmanager
def _hanging(server: RecordingServer, flows: Path) -> Generator["subprocess.Popen[bytes]"]:
    """A script whose flow hangs by now; killed at the end if it is still there."""
    script = subprocess.Popen(
        [sys.executable, str(flows), "hang"],
        stderr=subprocess.DEVNULL,
        env=_environment(server),
    )
    try:
        eventually_sync(
            lambda: server.runs and "hanging" in _messages(server.only_run()), what="its line"
        )
        yield script
    finally:
        script.kill()
        script.wait()


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_script_that_is_stopped_crashes_its_run_and_ends_by_the_signal(
    server: RecordingServer, flows: Path, number: signal.Signals
) -> None:
    with _hanging(server, flows) as script:
        script.send_signal(number)

        assert script.wait(timeout=30) == -number
    assert server.only_run().states[-1] == ("CRASHED", "Crashed")
    assert "hook Crashed" in _messages(server.only_run())


def test_a_script_that_nobody_reads_ends_with_its_true_outcome(
    server: RecordingServer, flows: Path
) -> None:
    reader, unread = os.pipe()
    os.close(reader)
    script = subprocess.Popen(
        [sys.executable, str(flows), "talk"],
        stdout=unread,
        stderr=unread,
        env=_environment(server),
    )
    os.close(unread)

    assert script.wait(timeout=60) == 0
    assert server.only_run().states[-1] == ("COMPLETED", "Completed")
    assert "said" in _messages(server.only_run())


def without_a_server(
    server: RecordingServer, flows: Path, **more: str
) -> "subprocess.CompletedProcess[str]":
    environment = _environment(
        server,
        HEADGATE_API_URL=f"http://127.0.0.1:{free_port()}",
        HEADGATE_REQUEST_DEADLINE_SECONDS="2",
        **more,
    )
    return subprocess.run(
        [sys.executable, str(flows), "quick"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def test_a_script_without_its_server_runs_and_says_that_it_is_told_of_later(
    server: RecordingServer, flows: Path
) -> None:
    done = without_a_server(server, flows)

    assert done.returncode == 0
    assert "has not answered yet; flow 'quick' waits for it, 2 s at most" in done.stderr
    assert "Flow 'quick' begins while the server is away (The server at" in done.stderr
    assert "are sent once it is back, by this process or the next one that runs here" in done.stderr
    assert "Finished in state Completed" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_script_that_needs_its_server_fails_in_few_words(
    server: RecordingServer, flows: Path
) -> None:
    done = without_a_server(server, flows, HEADGATE_REQUIRE_SERVER="true")

    _, *trace = done.stderr.splitlines()
    assert done.returncode == 1
    assert trace[-1].startswith("headgate.errors.ServerUnavailableError: The server at http://")
    assert trace[-1].endswith(" did not answer: Connection refused")
    assert len([line for line in trace if line.startswith("  File ")]) == 3


def test_a_script_that_was_started_to_ignore_interrupts_goes_on(
    server: RecordingServer, flows: Path
) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with _hanging(server, flows) as script:
            script.send_signal(signal.SIGINT)
            script.send_signal(signal.SIGTERM)

            assert script.wait(timeout=30) == -signal.SIGTERM
    finally:
        signal.signal(signal.SIGINT, before)
