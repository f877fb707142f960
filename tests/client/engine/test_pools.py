"""Real processes: those of a process pool, and the process of the run that they work for."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from headgate import flow, task
from headgate.errors import SettingsError
from headgate.task_runners import ProcessPoolTaskRunner
from headgate.variables import Variable
from tests.client.engine.children import last_words_of, messages_of, start_child
from tests.client.recording_server import RecordingServer
from tests.fixtures.deadlines import eventually_sync

FLOWS = """
import threading
from headgate import flow, get_run_logger, task
from headgate.task_runners import ProcessPoolTaskRunner

@task
def add(a, b):
    return a + b

@flow(task_runner=ProcessPoolTaskRunner(max_workers=2))
def end():
    get_run_logger().info("sum %s", add.submit(1, 2).result())

@flow(task_runner=ProcessPoolTaskRunner(max_workers=2))
def hang():
    get_run_logger().info("sum %s", add.submit(1, 2).result())
    threading.Event().wait(60)
"""


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    """A file of flows."""
    path = tmp_path / "pooled_flows.py"
    path.write_text(FLOWS)
    return path


def test_the_processes_of_a_pool_end_with_their_run(server: RecordingServer, flows: Path) -> None:
    run = server.add_run()

    child = start_child(server, run, entrypoint=f"{flows}:end")

    assert "leaked" not in last_words_of(child)
    assert "sum 3" in messages_of(run)
    assert run.type == "COMPLETED"


def test_the_processes_of_a_pool_end_where_their_run_is_killed(
    server: RecordingServer, flows: Path
) -> None:
    run = server.add_run()
    child = start_child(server, run, entrypoint=f"{flows}:hang")
    eventually_sync(lambda: "sum 3" in messages_of(run))

    child.kill()

    # It would wait in vain for the end of what a process that is left holds.
    last_words_of(child)
    assert child.returncode == -signal.SIGKILL


def forget_the_server() -> None:
    """Be a worker on another machine, where nothing says where the server is."""
    os.environ.pop("HEADGATE_API_URL", None)


@task
def threshold() -> Any:
    """Return a variable, or why there is none."""
    try:
        return Variable.get("threshold", default=10)
    except SettingsError as error:
        return str(error)


@flow(
    task_runner=ProcessPoolTaskRunner(max_workers=1, initializer=forget_the_server),
)
def far() -> Any:
    return threshold.submit().result()


def test_a_worker_that_does_not_know_the_server_takes_no_default(server: RecordingServer) -> None:
    said = far()

    assert server.only_run().type == "COMPLETED"
    assert "HEADGATE_API_URL" in said


def test_a_worker_of_a_run_without_a_server_takes_the_default() -> None:
    assert far() == 10
