"""What a run that an agent starts knows of itself: when it was due, and what it is called."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headgate.clock import now_us
from headgate.engine.lifeline import OUTCOME_KNOWN
from tests.client.engine.children import end_of, messages_of, start_child
from tests.client.recording_server import RecordedRun, RecordingServer

DUE = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
FLOWS = """
from headgate import flow, get_run_logger, runtime
from headgate.context import FlowRunContext

def of_its_day():
    return f"day {runtime.flow_run.scheduled_start_time:%Y-%m-%d}"

def tell():
    run = FlowRunContext.get().flow_run
    get_run_logger().info("named %s", run.name)
    get_run_logger().info("due %s", runtime.flow_run.scheduled_start_time.isoformat())
    get_run_logger().info("as %s", run.expected_start_time.isoformat())

@flow(flow_run_name="load-{day}")
def by_template(day: str = "2026-03-04"):
    tell()

@flow(flow_run_name=of_its_day)
def by_function():
    tell()

@flow
def unnamed():
    tell()

@flow(flow_run_name="{nobody}")
def misnamed():
    tell()
"""


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    """A file of flows, as a user writes it."""
    path = tmp_path / "flows.py"
    path.write_text(FLOWS)
    return path


def ran(server: RecordingServer, flows: Path, name: str, **job: Any) -> RecordedRun:
    """Run a flow as an agent does, and return what was recorded of it."""
    run = server.add_run()
    child: subprocess.Popen[bytes] = start_child(server, run, entrypoint=f"{flows}:{name}", **job)
    assert end_of(child) == OUTCOME_KNOWN
    return run


def names_told(server: RecordingServer) -> list[Any]:
    """Return the name that each proposed state came with."""
    inputs = [c.variables["input"] for c in server.calls if c.operation == "FlowRunSetState"]
    details: list[dict[str, Any]] = [given["state"]["details"] or {} for given in inputs]
    return [one.get("runName") for one in details]


def test_a_run_knows_when_it_was_due(server: RecordingServer, flows: Path) -> None:
    run = ran(server, flows, "unnamed", expected_start=DUE)

    assert f"due {DUE.isoformat()}" in messages_of(run)
    assert f"as {DUE.isoformat()}" in messages_of(run)


def test_a_run_of_which_nobody_says_when_it_was_due_was_due_as_it_began(
    server: RecordingServer, flows: Path
) -> None:
    began_us = now_us()

    run = ran(server, flows, "unnamed")

    (line,) = (line for line in messages_of(run) if line.startswith("due "))
    due = datetime.fromisoformat(line.removeprefix("due "))
    assert began_us <= due.timestamp() * 1_000_000 <= now_us()


@pytest.mark.parametrize(
    ("flow", "name"), [("by_template", "load-2026-03-04"), ("by_function", "day 2026-03-04")]
)
def test_a_run_that_nobody_named_is_named_as_its_flow_declares(
    server: RecordingServer, flows: Path, flow: str, name: str
) -> None:
    run = ran(server, flows, flow, expected_start=DUE, run_name="calm-heron", is_run_named=False)

    assert names_told(server) == [name, None]
    assert f"named {name}" in messages_of(run)


def test_a_name_that_somebody_gave_stays(server: RecordingServer, flows: Path) -> None:
    run = ran(server, flows, "by_template", run_name="mine")

    assert names_told(server) == [None, None]
    assert "named mine" in messages_of(run)


def test_a_flow_that_declares_no_name_keeps_the_one_that_was_made_up(
    server: RecordingServer, flows: Path
) -> None:
    run = ran(server, flows, "unnamed", run_name="calm-heron", is_run_named=False)

    assert names_told(server) == [None, None]
    assert "named calm-heron" in messages_of(run)


def test_a_name_that_cannot_be_made_keeps_the_run_from_nothing(
    server: RecordingServer, flows: Path
) -> None:
    run = ran(server, flows, "misnamed", run_name="calm-heron", is_run_named=False)

    assert run.states[-1][0] == "COMPLETED"
    assert names_told(server) == [None, None]
    assert "named calm-heron" in messages_of(run)
