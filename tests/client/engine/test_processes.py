"""Real processes: an agent's child, from its job to its exit code."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headgate.engine.lifeline import OUTCOME_KNOWN
from headgate.specs import Job, JobDeployment, encode_job
from tests.client.engine.children import end_of, environment_of, messages_of, start_child
from tests.client.recording_server import RecordingServer
from tests.fixtures.deadlines import eventually_sync

FLOWS = """
import os
import subprocess
import sys
import threading
import time

from headgate import flow, get_run_logger, runtime, task

def note(owner, run, state):
    get_run_logger().info("hook %s", state.name)

@flow
def add(a: int, b: int = 2):
    get_run_logger().info("sum %d as %s of %s", a + b, runtime.flow_run.name,
                          runtime.flow_run.deployment_name)

@flow
def generate(limit: int):
    for number in range(limit):
        get_run_logger().info("item %d", number)
        yield number

@flow
async def generate_async(limit: int):
    for number in range(limit):
        get_run_logger().info("item %d", number)
        yield number

@flow
def fail():
    raise ValueError("no")

@flow(on_cancellation=[note], on_crashed=[note])
def hang():
    get_run_logger().info("hanging")
    time.sleep(60)

@flow(on_cancellation=[note])
async def hang_async():
    import asyncio
    get_run_logger().info("hanging")
    await asyncio.sleep(60)

@flow
def leaves_a_thread():
    threading.Thread(target=time.sleep, args=(60,)).start()

@flow
def looks_at_its_environment():
    get_run_logger().info("lease %s", os.environ.get("HEADGATE_LEASE_TOKEN"))

@flow
def forks():
    pid = os.fork()
    if pid == 0:
        sys.exit(3)
    _, status = os.waitpid(pid, 0)
    get_run_logger().info("child left with %d", os.waitstatus_to_exitcode(status))

@task
def odd():
    raise ValueError("name " + chr(0xDC80))

@flow(log_prints=True)
def cannot_be_encoded():
    print("line " + chr(0xD800))
    odd.submit().wait()

@flow
def dies():
    os._exit(9)

not_a_flow = 3
"""


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    """A file of flows, as a user writes it."""
    path = tmp_path / "flows.py"
    path.write_text(FLOWS)
    return path


AGENT = """
import subprocess
import sys

child = subprocess.Popen([sys.executable, "-m", "headgate.engine.child"], stdin=sys.stdin)
print(child.pid, flush=True)
child.wait()
"""


def test_a_run_whose_agent_died_renews_its_lease_itself(
    server: RecordingServer, flows: Path
) -> None:
    run = server.add_run()
    environment = environment_of(
        server,
        HEADGATE_API_KEY=run.token,
        HEADGATE_FLOW_RUN_ID=run.id,
        HEADGATE_LEASE_TOKEN=run.lease_token,
        HEADGATE_LEASE_EPOCH="1",
        HEADGATE_RENEW_INTERVAL_SECONDS="0.02",
    )
    command = [sys.executable, "-c", AGENT]
    agent = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert agent.stdin is not None
    assert agent.stdout is not None
    agent.stdin.write(encode_job(Job(flow_name="f", entrypoint=f"{flows}:hang", run_name="r")))
    agent.stdin.close()
    child = int(agent.stdout.readline())
    try:
        eventually_sync(lambda: "hanging" in messages_of(run), what="user code")
        assert "RunRenew" not in server.operations()
        agent.kill()
        agent.wait()

        eventually_sync(lambda: "RunRenew" in server.operations(), what="a renewal")
    finally:
        os.kill(child, signal.SIGKILL)
        agent.stdout.close()


def test_a_process_that_user_code_forked_ends_by_itself_and_tells_nothing(
    server: RecordingServer, flows: Path
) -> None:
    run = server.add_run()

    assert end_of(start_child(server, run, entrypoint=f"{flows}:forks")) == OUTCOME_KNOWN

    assert run.states[-1] == ("COMPLETED", "Completed")
    assert "child left with 3" in messages_of(run)


def test_what_cannot_be_encoded_is_replaced_and_the_run_is_reported_whole(
    server: RecordingServer, flows: Path
) -> None:
    run = server.add_run()

    assert (
        end_of(start_child(server, run, entrypoint=f"{flows}:cannot_be_encoded")) == OUTCOME_KNOWN
    )

    assert run.states[-1] == ("COMPLETED", "Completed")
    assert "line ?" in messages_of(run)


def test_a_child_runs_the_given_run_under_its_lease(server: RecordingServer, flows: Path) -> None:
    run = server.add_run()

    child = start_child(
        server,
        run,
        entrypoint=f"{flows}:add",
        parameters={"a": "1"},
        deployment=JobDeployment("dep_1", "nightly"),
    )

    assert end_of(child) == OUTCOME_KNOWN
    assert run.states[-1] == ("COMPLETED", "Completed")
    assert "sum 3 as given-run of nightly" in messages_of(run)
    assert "FlowRunBegin" not in server.operations()
    assert {call.token for call in server.calls} == {run.token}


def test_a_child_s_failure_is_told_and_is_no_failure_of_the_child(
    server: RecordingServer, flows: Path
) -> None:
    run = server.add_run()

    assert end_of(start_child(server, run, entrypoint=f"{flows}:fail")) == OUTCOME_KNOWN

    assert run.states[-1] == ("FAILED", "Failed")
    assert run.details[-1]["error"]["type"] == "ValueError"


@pytest.mark.parametrize(
    ("entrypoint", "reason"),
    [
        ("{flows}:nothing", "is not a flow"),
        ("{flows}:not_a_flow", "is not a flow"),
        ("{folder}/gone.py:flow", "There is no file"),
        ("no-colon", "does not have the form"),
    ],
)
def test_an_entrypoint_that_names_no_flow_crashes_the_run_with_the_reason(
    server: RecordingServer, flows: Path, entrypoint: str, reason: str
) -> None:
    run = server.add_run()
    place = entrypoint.format(flows=flows, folder=flows.parent)

    assert end_of(start_child(server, run, entrypoint=place)) == OUTCOME_KNOWN

    assert run.states[-1] == ("CRASHED", "Crashed")
    assert reason in run.details[-1]["error"]["message"]


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [({}, "missing a required argument"), ({"a": "x"}, "valid integer"), ({"a": 1, "z": 1}, "'z'")],
)
def test_parameters_that_do_not_fit_fail_the_run(
    server: RecordingServer, flows: Path, parameters: Mapping[str, Any], reason: str
) -> None:
    run = server.add_run()

    child = start_child(server, run, entrypoint=f"{flows}:add", parameters=dict(parameters))

    assert end_of(child) == OUTCOME_KNOWN
    assert run.states[-1] == ("FAILED", "Failed")
    assert reason in run.details[-1]["error"]["message"]


@pytest.mark.parametrize("name", ["hang", "hang_async"])
def test_sigterm_cancels_an_agent_s_child(server: RecordingServer, flows: Path, name: str) -> None:
    run = server.add_run()
    child = start_child(server, run, entrypoint=f"{flows}:{name}")
    eventually_sync(lambda: "hanging" in messages_of(run), what="the flow's line")

    child.send_signal(signal.SIGTERM)

    assert end_of(child) == OUTCOME_KNOWN
    assert run.states[-1] == ("CANCELLED", "Cancelled")
    assert "hook Cancelled" in messages_of(run)


def test_a_run_that_must_not_start_ends_its_child_quietly(
    server: RecordingServer, flows: Path
) -> None:
    run = server.add_run(state=("CANCELLED", "Cancelled"))

    assert (
        end_of(start_child(server, run, entrypoint=f"{flows}:add", parameters={"a": 1}))
        == OUTCOME_KNOWN
    )

    assert run.states == [("CANCELLED", "Cancelled")]
    assert run.logs == []


def test_threads_that_user_code_left_do_not_hold_the_child(
    server: RecordingServer, flows: Path
) -> None:
    run = server.add_run()

    assert end_of(start_child(server, run, entrypoint=f"{flows}:leaves_a_thread")) == OUTCOME_KNOWN

    assert run.states[-1] == ("COMPLETED", "Completed")


def test_the_lease_leaves_the_environment_of_user_code(
    server: RecordingServer, flows: Path
) -> None:
    run = server.add_run()

    end_of(start_child(server, run, entrypoint=f"{flows}:looks_at_its_environment"))

    assert "lease None" in messages_of(run)


@pytest.mark.parametrize("name", ["generate", "generate_async"])
def test_a_generator_is_run_to_its_end(server: RecordingServer, flows: Path, name: str) -> None:
    run = server.add_run()

    child = start_child(server, run, entrypoint=f"{flows}:{name}", parameters={"limit": 2})

    assert end_of(child) == OUTCOME_KNOWN
    assert run.states[-1] == ("COMPLETED", "Completed")
    assert [line for line in messages_of(run) if "item" in line] == ["item 0", "item 1"]


def test_pull_steps_run_before_the_entrypoint_is_loaded(
    server: RecordingServer, flows: Path
) -> None:
    run = server.add_run()

    child = start_child(
        server,
        run,
        entrypoint="flows.py:add",
        parameters={"a": 1},
        pull_steps=[{"os.chdir": {"path": str(flows.parent)}}],
    )

    assert end_of(child) == OUTCOME_KNOWN
    assert run.states[-1] == ("COMPLETED", "Completed")


def test_a_child_that_dies_says_nothing_and_its_code_says_so(
    server: RecordingServer, flows: Path
) -> None:
    run = server.add_run()

    assert end_of(start_child(server, run, entrypoint=f"{flows}:dies")) == 9

    assert run.states[-1] == ("RUNNING", "Running")


def test_a_job_is_read_as_the_api_answers_it() -> None:
    answer = {"flowName": "f", "entrypoint": "a.py:f", "jobVariables": {"env": {"A": "1"}}}
    answer |= {"deployment": {"id": "dep_1", "name": "d"}, "graceSeconds": 5, "unknown": 1}

    job = msgspec.convert(answer, Job)

    assert (job.flow_name, job.grace_seconds, job.attempt) == ("f", 5, 1)
    assert job.deployment == JobDeployment("dep_1", "d")
