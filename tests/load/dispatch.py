"""From the creation of a run to its user code and to its end, on a warm agent and on a cold one."""

import json
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from headgate.api.transport import SyncTransport
from tests.fixtures.wheels import write_wheel
from tests.load.figures import Figure
from tests.load.installation import FLOWS, Installation, installed

FIGURES = (
    "created_to_running_s",
    "created_to_completed_s",
    "created_to_running_cold_s",
    "created_to_running_own_env_s",
    "light_tasks_40_s",
    "heavy_tasks_10_s",
    "heavy_tasks_plain_s",
)
WARM_RUNS, COLD_RUNS, TASK_RUNS = 40, 10, 5
POLL_SECONDS = 0.1
FINAL_TYPES = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})

_DEPLOY = """mutation Deploy($input: DeploymentUpsertInput!) {
  deploymentUpsert(input: $input) { deployment { id } errors { message } } }"""
_WORKSPACE = """query Workspace($organization: String!, $slug: String!) {
  workspace(organization: $organization, slug: $slug) { id } }"""
CREATE = """mutation Create($input: FlowRunCreateInput!) {
  flowRunCreate(input: $input) { flowRun { id } errors { message } } }"""
_HISTORY = """query History($id: ID!) { flowRun(id: $id) {
  stateHistory { nodes { name type timestamp } } } }"""


class Runner:
    """Creates runs of one deployment, one at a time, and reads their histories."""

    def __init__(self, installation: Installation, flow: str) -> None:
        self._transport: SyncTransport = installation.transport()
        organization, slug = installation.workspace.split("/")
        found = self._transport.execute(
            _WORKSPACE, {"organization": organization, "slug": slug}, operation="Workspace"
        )
        self.workspace_id: str = found["workspace"]["id"]
        self._flow = flow
        self.deployment_id = self.upsert(entrypoint=f"{FLOWS}:{flow}", workPoolName="default")

    def upsert(self, **changes: object) -> str:
        """Create or change the deployment; its id."""
        wanted = {"workspaceId": self.workspace_id, "flowName": self._flow, "name": "load"}
        deployed = self._transport.execute(
            _DEPLOY, {"input": {**wanted, **changes}}, operation="Deploy"
        )["deploymentUpsert"]
        if deployed["errors"]:
            raise RuntimeError(deployed["errors"])
        return deployed["deployment"]["id"]

    def create(self) -> tuple[str, float]:
        """Create a run; its id, and when the call was made."""
        at = time.time()
        made = self._transport.execute(
            CREATE,
            {"input": {"workspaceId": self.workspace_id, "deploymentId": self.deployment_id}},
            operation="Create",
        )
        return made["flowRunCreate"]["flowRun"]["id"], at

    def run(self) -> dict[str, float]:
        """Run once; the seconds from the call to each state that was entered."""
        run_id, at = self.create()
        while True:
            time.sleep(POLL_SECONDS)
            read = self._transport.execute(_HISTORY, {"id": run_id}, operation="History")
            states = read["flowRun"]["stateHistory"]["nodes"]
            if states[-1]["type"] in FINAL_TYPES:
                return {
                    state["name"]: datetime.fromisoformat(state["timestamp"]).timestamp() - at
                    for state in states
                }


def heavy_seconds(runner: Runner) -> tuple[list[float], list[float]]:
    """Return what a flow of heavy tasks took, and the same work in plain Python in turn with it."""
    tracked: list[float] = []
    plain: list[float] = []
    for _ in range(TASK_RUNS):
        tracked.append(runner.run()["Completed"])
        command = [sys.executable, str(FLOWS), "plain", "10"]
        told = subprocess.run(command, capture_output=True, check=True, timeout=300).stdout
        plain += json.loads(told)["samples"]
    return tracked, plain


def own_environment_seconds(runner: Runner) -> list[float]:
    """Return when user code ran in an environment of its own that was built before."""
    with tempfile.TemporaryDirectory(prefix="headgate-wheel-") as folder:
        wheel = write_wheel(Path(folder), "greeting", "WORDS = 'hello'")
        variables = {"requirements": [str(wheel)], "env": {"UV_OFFLINE": "1"}}
        runner.upsert(jobVariables=variables)
        runner.run()
        return [runner.run()["Running"] for _ in range(COLD_RUNS)]


def measure() -> list[Figure]:
    with installed() as installation:
        with installation.agent("--limit", "10"):
            noop = Runner(installation, "noop")
            noop.run()
            warm = [noop.run() for _ in range(WARM_RUNS)]
            light = [Runner(installation, "light").run() for _ in range(TASK_RUNS)]
            heavy, plain = heavy_seconds(Runner(installation, "heavy"))
            own = own_environment_seconds(Runner(installation, "noop"))
            noop.upsert(jobVariables={})
        with installation.agent("--limit", "10", "--cold"):
            cold = [noop.run() for _ in range(COLD_RUNS)]
    return [
        Figure("created_to_running_s", "s", [run["Running"] for run in warm]),
        Figure("created_to_completed_s", "s", [run["Completed"] for run in warm]),
        Figure("created_to_running_cold_s", "s", [run["Running"] for run in cold]),
        Figure("created_to_running_own_env_s", "s", own),
        Figure("light_tasks_40_s", "s", [run["Completed"] for run in light]),
        Figure("heavy_tasks_10_s", "s", heavy),
        Figure("heavy_tasks_plain_s", "s", plain),
    ]
