"""Hooks of runs whose process is gone: what another process calls, and what is told of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from headgate.engine.whispers import HOOK_KINDS, Whispers
from headgate.specs import JobEnding
from tests.client.engine.children import end_of, messages_of, start_child
from tests.client.recording_server import RecordingServer

FLOWS = """
import time

from headgate import flow, get_run_logger, runtime

def note(flow_, run, state):
    x = run.parameters["x"]
    get_run_logger().info("%s of %s: %s, %s", flow_.name, x, state, run.state_name)

async def note_async(flow_, run, state):
    get_run_logger().info("async %s of %s", state.type, runtime.flow_run.id)

def break_(flow_, run, state):
    raise ValueError("of the hook")

@flow(on_crashed=[break_, note], on_cancellation=[note_async])
def hooked(x: int):
    get_run_logger().info("user code")

@flow
def plain():
    get_run_logger().info("user code")
"""


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    """A file of flows, as a user writes it."""
    path = tmp_path / "flows.py"
    path.write_text(FLOWS)
    return path


def test_the_hooks_of_a_crash_are_called_and_nothing_else(
    server: RecordingServer, flows: Path
) -> None:
    run = server.add_run()
    ending = JobEnding("CRASHED", "It was killed.")

    child = start_child(
        server, run, entrypoint=f"{flows}:hooked", parameters={"x": 3}, ending=ending
    )

    assert end_of(child) == 0
    assert "hooked of 3: Crashed('It was killed.'), Crashed" in messages_of(run)
    assert "user code" not in messages_of(run)
    assert any("of the hook" in line for line in messages_of(run))
    assert [name for name in server.operations() if name == "FlowRunSetState"] == []


def test_the_hooks_of_a_cancel_are_called_as_coroutines(
    server: RecordingServer, flows: Path
) -> None:
    run = server.add_run()
    ending = JobEnding("CANCELLED", "It did not stop.")

    child = start_child(
        server, run, entrypoint=f"{flows}:hooked", parameters={"x": 3}, ending=ending
    )

    assert end_of(child) == 0
    assert messages_of(run) == [f"async CANCELLED of {run.id}"]


def told(*lines: object) -> Whispers:
    """Return what an agent has heard of these lines."""
    reading, writing = os.pipe()
    os.write(writing, b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    os.close(writing)
    whispers = Whispers(reading)
    whispers.hear()
    os.close(reading)
    return whispers


def test_what_was_told_last_of_hooks_counts() -> None:
    assert told([1, 2]).hooks == set(HOOK_KINDS.values())
    assert told([1, 2], ["a secret"], []).hooks == frozenset()


def test_what_is_told_of_hooks_masks_nothing() -> None:
    heard = told([1, 2], ["a secret"])

    assert heard.redactor.redact("1, 2 and a secret") == "1, 2 and ********"


def test_what_cannot_be_read_harms_nothing() -> None:
    assert told(None, [1]).hooks == {1}


TELLS = """
import os
import sys

from headgate.engine.whispers import tell_agent, tell_hooks
from headgate.specs import Hooks

descriptor = os.dup(int(sys.argv[1]))
tell_agent(descriptor)
tell_hooks(Hooks(on_crashed=(print,)))
os.close(descriptor)
other = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT)
assert other == descriptor
tell_hooks(Hooks())
"""


def test_a_file_that_has_the_number_of_a_closed_descriptor_is_not_written(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    other = tmp_path / "other"

    command = [sys.executable, "-c", TELLS, str(writing), str(other)]
    subprocess.run(command, pass_fds=[writing], check=True, timeout=30)
    os.close(writing)

    assert os.read(reading, 100) == b"[1]\n"
    assert other.read_text() == ""
    os.close(reading)
