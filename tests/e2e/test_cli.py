"""The command line against a real server and real agents: what it does, says, and exits with."""

import json
import shlex
import signal
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
import yaml

from tests.e2e.dev_server import DevServer, dev_server, start
from tests.fixtures.deadlines import eventually_sync
from tests.fixtures.installation import BALANCER
from tests.fixtures.leashed import Leashed
from tests.fixtures.network import free_port

pytestmark = pytest.mark.e2e

FLOWS = '''
"""Flows of these tests."""

import time
from pathlib import Path

from headgate import flow, get_run_logger, task


@task
def double(number: int) -> int:
    return 2 * number


@flow
def add(count: int = 3) -> int:
    """Add up doubles."""
    return sum(double.map(range(count)).result())


@flow
def fail() -> None:
    raise ValueError("no luck")


@flow
def gated(gate: str) -> None:
    """Say a line, wait for a file, say another."""
    get_run_logger().info("before the gate")
    while not Path(gate).exists():
        time.sleep(0.02)
    get_run_logger().info("behind the gate")
'''

PROJECT = """
deployments:
  - {name: one, entrypoint: "flows.py:add", work_pool: default, parameters: {count: 2}}
  - name: two
    entrypoint: "flows.py:add"
    work_pool: default
    tags: [nightly]
    schedule: {cron: "0 6 * * *", timezone: Europe/Berlin}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[DevServer]:
    """A server with three deployments and no agent."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "flows.py").write_text(FLOWS)
    with dev_server(folder) as server:
        for flow in ("add", "fail", "gated"):
            done = server.here(
                *("deploy", f"flows.py:{flow}", "--name", "test", "--pool", "default")
            )
            assert done.code == 0, done.err
        yield server


@pytest.fixture(scope="module")
def agent(server: DevServer) -> Generator[Leashed]:
    """An agent of the default pool."""
    with server.start(
        "agent", "start", "--pool", "default", "--name", "one", name="agent"
    ) as agent:
        eventually_sync(lambda: "Waiting for runs" in agent.log, within_seconds=30, what="An agent")
        yield agent


ERRORS = (
    (["deployments", "get", "add/tst"], 4, "Did you mean add/test?"),
    (["deployments", "get", "test"], 2, "3 flows have a deployment named 'test'"),
    (["deployments", "run", "add/test", "-p", "cuont=1"], 2, "has no parameter 'cuont'"),
    (["flow-runs", "get", "nobody"], 4, "There is no flow run 'nobody'"),
    (["flow-runs", "get", f"run_{'0' * 26}"], 4, "There is no flow run"),
    (["flow-runs", "cancel", "run_nope"], 4, "`headgate flow-runs list` shows"),
    (["deployments", "run", "dep_nope"], 4, "`headgate deployments list` shows"),
    (["deployments", "run", "add/test", "-p", f"count={2**64}"], 2, "exceeds 64-bit range"),
    (["work-pools", "get", "defalt"], 4, "Did you mean default?"),
    (["backfills", "retry", f"bkf_{'0' * 26}"], 4, "No such object"),
    (["work-pools", "create", "default"], 5, "There is a work pool 'default' already"),
    (["deploy", "flows.py:add", "--name", "x", "--pool", "nope"], 4, "no work pool 'nope'"),
    (["deploy", "flows.py:add", "--name", "x"], 2, "names no work pool"),
    (["deploy", "flows.py:add", "--name", "x", "--pool", "default", "-p", "n=1"], 2, "'n'"),
    (
        ["deploy", "flows.py:add", "--name", "x", "--pool", "default", "--cron", "not cron"],
        2,
        "cron",
    ),
    (["agent", "start", "--pool", "nope"], 4, "headgate work-pools create nope"),
)


@pytest.mark.parametrize(
    ("arguments", "code", "words"), ERRORS, ids=[" ".join(e[0]) for e in ERRORS]
)
def test_error_says_what_and_what_next(
    arguments: list[str], code: int, words: str, server: DevServer
) -> None:
    done = server.here(*arguments)

    assert (done.code, done.out) == (code, ""), done.err
    assert words in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("arguments", [["status"], ["agent", "start", "--pool", "default"]])
def test_wrong_key_exits_3(arguments: list[str], server: DevServer) -> None:
    done = server.here(*arguments, HEADGATE_API_KEY="hg_key_wrong")

    assert done.code == 3
    assert "HEADGATE_API_KEY" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("arguments", [["status"], ["agent", "start", "--pool", "a", "--once"]])
def test_absent_server_exits_6(arguments: list[str], server: DevServer) -> None:
    done = server.here(
        *arguments,
        HEADGATE_API_URL=f"http://127.0.0.1:{free_port()}",
        HEADGATE_REQUEST_DEADLINE_SECONDS="0",
    )

    assert done.code == 6
    assert "did not answer: Connection refused\n" in done.err
    assert "Traceback" not in done.err


def test_status_names_the_agents(server: DevServer, agent: Leashed) -> None:
    found = server.read("status")

    assert found["workspace"] == "default/default"
    assert (found["viewer"], found["viewerKind"]) == ("Owner", "User")
    default = next(pool for pool in found["workPools"] if pool["name"] == "default")
    assert default["agents"] == [{"name": "one", "inFlight": 0, "capacity": 10}]


def test_run_of_a_deployment_is_followed_to_its_end(server: DevServer, agent: Leashed) -> None:
    done = server.headgate(
        *("deployments", "run", "add/test", "-p", "count=4", "--name", "four", "--watch"),
        *("-o", "json"),
    )

    run = json.loads(done.out)
    assert done.code == 0, done.err
    assert (run["name"], run["state"]["name"], run["parameters"]) == (
        "four",
        "Completed",
        {"count": 4},
    )
    states = [line.rpartition(" ")[2] for line in done.err.splitlines() if "run four is" in line]
    assert states == ["Scheduled", "Pending", "Running", "Completed"]


def test_failed_run_exits_7(server: DevServer, agent: Leashed) -> None:
    done = server.headgate("deployments", "run", "fail/test", "--watch", "-o", "json")

    run = json.loads(done.out)
    assert done.code == 7
    assert run["state"]["message"] == "ValueError: no luck"
    again = server.headgate("flow-runs", "retry", run["id"], "--watch", "-o", "json")
    assert (again.code, json.loads(again.out)["attempt"]) == (7, 2)


def test_run_in_this_process_is_reported(server: DevServer) -> None:
    done = server.headgate("run", "flows.py:add", "-p", "count=5", "-o", "json")

    outcome = json.loads(done.out)
    assert (done.code, outcome["result"]) == (0, 20)
    assert server.read("flow-runs", "get", outcome["id"])["state"]["name"] == "Completed"
    assert server.read("flow-runs", "get", outcome["name"])["id"] == outcome["id"]


def test_lists_are_the_same_in_every_format(server: DevServer) -> None:
    as_json = server.read("deployments", "list", "--flow", "gated")
    as_yaml = yaml.safe_load(
        server.here("deployments", "list", "--flow", "gated", "-o", "yaml").out
    )
    table = server.here("deployments", "list", "--flow", "gated").out.splitlines()

    assert as_json == as_yaml
    assert [deployment["name"] for deployment in as_json] == ["test"]
    assert table[0].split()[:2] == ["NAME", "ID"]
    assert table[1].split()[:2] == ["gated/test", as_json[0]["id"]]
    assert len(table) == 2


def test_project_file_is_deployed_and_redeployed(server: DevServer) -> None:
    (server.folder / "headgate.yaml").write_text(PROJECT)

    undecided = server.here("deploy")
    planned = server.here("deploy", "--all", "--plan")
    first = server.here("deploy", "--all")
    again = server.here("deploy", "--all", "--plan")
    second = server.here("deploy", "--name", "two", "-o", "json")

    assert (undecided.code, "Say --all" in undecided.err) == (2, True)
    assert "2 to create, 0 to change, 0 as they are" in planned.err
    assert "0 to create, 0 to change, 2 as they are" in again.err, again.out
    assert (first.code, first.err.count("Created")) == (0, 2)
    assert "1 of 1 deployments is as before" in second.err
    two = server.read("deployments", "get", "add/two")
    assert two["id"] == json.loads(second.out)["id"]
    assert two["tags"] == ["nightly"]
    assert [(s["slug"], s["timezone"], s["spec"]["cron"]) for s in two["schedules"]] == [
        ("default", "Europe/Berlin", "0 6 * * *")
    ]
    assert two["pullSteps"] == [
        {
            "headgate.deployments.steps.set_working_directory": {
                "directory": str(server.folder.resolve())
            }
        }
    ]


def test_deployment_made_in_python_runs(server: DevServer, agent: Leashed) -> None:
    script = server.folder / "make.py"
    script.write_text(
        "from datetime import timedelta\n"
        "from headgate.deployments.storing import deploy\n"
        "from headgate.deployments.schedules import Interval\n"
        "from flows import add\n"
        "deploy(add, name='python', work_pool='default', parameters={'count': 2}, tags=['made'],\n"
        "       schedules=[Interval(every=timedelta(days=1))])\n"
    )
    command = [sys.executable, str(script)]
    with start("make", command, folder=server.folder, variables=server.environment) as made:
        assert made.wait() == 0, made.log

    found = server.read("deployments", "get", "add/python")

    assert found["entrypoint"].endswith("flows.py:add")
    assert found["parameterSchema"]["properties"]["count"]["default"] == 3
    assert [schedule["spec"]["every"] for schedule in found["schedules"]] == ["P1D"]
    done = server.headgate("deployments", "run", "add/python", "--watch", "-o", "json")
    assert (done.code, json.loads(done.out)["parameters"]) == (0, {"count": 2})


def test_pause_and_resume(server: DevServer) -> None:
    paused = server.read("deployments", "pause", "add/test")
    resumed = server.read("deployments", "resume", "add/test")

    assert (paused["paused"], resumed["paused"]) == (True, False)


def test_run_that_waits_is_cancelled(server: DevServer) -> None:
    server.here("work-pools", "create", "empty")
    server.here("deploy", "flows.py:add", "--name", "waiting", "--pool", "empty")
    run = server.read("deployments", "run", "add/waiting")

    cancelled = server.read("flow-runs", "cancel", run["id"], "--reason", "not today")
    again = server.read("flow-runs", "cancel", run["id"])

    assert [run["state"]["name"] for run in (cancelled, again)] == ["Cancelled", "Cancelled"]


def test_run_that_has_ended_cannot_be_cancelled(server: DevServer) -> None:
    outcome = json.loads(server.headgate("run", "flows.py:add", "-o", "json").out)

    done = server.here("flow-runs", "cancel", outcome["id"])

    assert done.code == 5
    assert "has ended as Completed" in done.err


def test_agent_that_comes_once_runs_what_waits_and_leaves(server: DevServer) -> None:
    server.here("work-pools", "create", "once")
    server.here("deploy", "flows.py:add", "--name", "once", "--pool", "once")
    runs = [server.read("deployments", "run", "add/once") for _ in range(3)]

    done = server.headgate("agent", "start", "--pool", "once", "--name", "visitor", "--once")

    states = [server.read("flow-runs", "get", run["id"])["state"]["name"] for run in runs]
    assert (done.code, done.out, states) == (0, "", ["Completed"] * 3)
    assert "Agent visitor serves pool once" in done.err
    assert "Unclosed" not in done.err


def test_agent_drains_on_sigterm(server: DevServer) -> None:
    options = ["--pool", "default", "--name", "leaving", "--limit", "1"]
    with server.start("agent", "start", *options, name="leaving") as agent:
        eventually_sync(lambda: "Waiting for runs" in agent.log, within_seconds=30)

        agent.signal(signal.SIGTERM)

        assert agent.wait() == 0
        assert "Agent leaving has stopped" in agent.log


def test_log_is_printed_and_followed(server: DevServer, agent: Leashed, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    run = server.read("deployments", "run", "gated/test", "-p", f"gate={gate}")
    with server.start("flow-runs", "logs", run["id"], "--follow", name="tail") as tail:
        eventually_sync(lambda: "before the gate" in tail.log, within_seconds=30)
        assert "behind the gate" not in tail.log

        gate.touch()

        assert tail.wait() == 0
        assert messages(tail.log) == ["before the gate", "behind the gate"]
    printed = server.here("flow-runs", "logs", run["id"])
    assert messages(printed.out) == ["before the gate", "behind the gate"]


@pytest.mark.usefixtures("interruptible")
def test_watch_that_is_interrupted_exits_130(
    server: DevServer, agent: Leashed, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    run = server.read("deployments", "run", "gated/test", "-p", f"gate={gate}")
    with server.start("flow-runs", "watch", run["id"], name="interrupted") as watch:
        eventually_sync(lambda: "before the gate" in watch.log, within_seconds=30)

        watch.signal(signal.SIGINT)

        assert watch.wait() == 130
        assert "Traceback" not in watch.log
    gate.touch()


def test_watch_goes_on_after_a_broken_socket(
    server: DevServer, agent: Leashed, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    port = free_port()
    backend = server.url.rpartition(":")[2]
    command = [sys.executable, str(BALANCER), str(port), str(tmp_path / "switch"), backend]
    run = server.read("deployments", "run", "gated/test", "-p", f"gate={gate}")
    with (
        start("first", command, folder=tmp_path, variables={}) as first,
        server.start(
            *("flow-runs", "watch", run["id"]),
            name="watch",
            HEADGATE_API_URL=f"http://127.0.0.1:{port}",
            HEADGATE_REQUEST_DEADLINE_SECONDS="5",
        ) as watch,
    ):
        eventually_sync(lambda: "before the gate" in watch.log, within_seconds=30)
        first.kill()
        eventually_sync(lambda: "The connection broke" in watch.log, within_seconds=30)
        gate.touch()
        with start("second", command, folder=tmp_path, variables={}):
            assert watch.wait() == 0

    assert messages(watch.log) == ["before the gate", "behind the gate"]
    states = [line.rpartition(" ")[2] for line in watch.log.splitlines() if " | run " in line]
    assert states == ["Scheduled", "Pending", "Running", "Completed"]


def test_sla_rule_is_made_changed_and_deleted(server: DevServer) -> None:
    promise = ("--kind", "lateness", "--within", "5m")
    made = server.read("sla-rules", "create", "add/test", "soon", *promise)
    off = server.read("sla-rules", "update", "soon", "--disabled", "--within", "1h")
    (listed,) = server.read("sla-rules", "list")
    broken = server.read("sla-rules", "violations", "--open")
    deleted = server.here("sla-rules", "delete", "soon", "--yes")

    assert (made["within"], made["enabled"]) == ("PT300S", True)
    assert (off["within"], off["enabled"], listed["id"]) == ("PT3600S", False, made["id"])
    assert (broken, deleted.code) == ([], 0)


def test_reader_that_leaves_is_no_error(server: DevServer) -> None:
    python = shlex.quote(sys.executable)
    command = f"{python} -m headgate flow-runs list --upcoming -n 100 | head -n 0"
    with start(
        "pipe",
        ["bash", "-o", "pipefail", "-c", command],
        folder=server.folder,
        variables=server.environment,
    ) as pipe:
        assert pipe.wait() == 0
        assert pipe.log == ""


def messages(log: str) -> list[str]:
    """Return the messages of the log lines that are the flow's own."""
    return [line.rpartition(" | ")[2] for line in log.splitlines() if "the gate" in line]
