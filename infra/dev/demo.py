"""The demo: starts a server with an agent, deploys the examples, runs them, follows them live.

Without arguments it goes on until Ctrl-C; ``--once`` checks what came out and stops everything.
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import demo_checks
from demo_server import DemoError, DemoServer

from headgate.api import deployments, flow_runs, task_runs
from headgate.api.calls import Page
from headgate.api.deployments import DeploymentAnswer
from headgate.api.flow_runs import FlowRun, NewRun
from headgate.api.task_runs import TaskRun
from headgate.api.transport import Transport
from headgate.cli.following import View, follow_run
from headgate.cli.views import PlainView, ProgressView, open_progress

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "client" / "examples"
BEATS = 3
PLANNING_SECONDS = 20.0
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Place:
    """The workspace of the demo."""

    transport: Transport
    workspace_id: str
    organization: str
    workspace: str

    async def deployment(self, flow_name: str) -> DeploymentAnswer:
        """Return the demo's deployment of a flow."""
        found = await deployments.find(
            self.transport,
            organization=self.organization,
            workspace=self.workspace,
            flow_name=flow_name,
            name="demo",
        )
        if found is None:
            message = f"{flow_name}/demo was not deployed"
            raise DemoError(message)
        return found


@dataclass(frozen=True, slots=True)
class Result:
    """A run that has ended, and its task runs."""

    run: FlowRun
    task_runs: list[TaskRun]


def main() -> int:
    """Run the demo and return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true", help="check the outcome, stop, exit 0")
    parser.add_argument("--port", type=int, help="the server's port; a free one by default")
    arguments = parser.parse_args()
    try:
        with _data_folder(is_kept=not arguments.once) as folder:
            _demonstrate(folder, is_once=arguments.once, port=arguments.port)
    except KeyboardInterrupt:
        _say("\nThe demo has ended; its data stay for the next one.")
    except DemoError as error:
        sys.stderr.write(f"demo: {error}\n")
        return 1
    return 0


def _demonstrate(folder: Path, *, is_once: bool, port: int | None) -> None:
    database = folder / "weather.db"
    with DemoServer(folder, port=port) as server:
        _say(f"Headgate is at {server.url}; deploying the examples …")
        server.headgate("deploy", "--all", "--file", str(EXAMPLES / "headgate.yaml"))
        results = asyncio.run(_run_everything(server, database))
        _say("\n" + _summary(results))
        if is_once:
            outcomes = [_outcome(result) for result in results]
            demo_checks.check(outcomes, database=database, beats=BEATS)
            _say("\nEverything came out as it should.")
            return
        _say(_how_to_go_on(server))
        server.wait()


@contextmanager
def _data_folder(*, is_kept: bool) -> Generator[Path]:
    """Return where the server keeps its data: the same place each time, or one that goes away."""
    parent = Path(os.environ.get("HEADGATE_DEMO_DIR") or ROOT / ".headgate")
    parent.mkdir(parents=True, exist_ok=True)
    if is_kept:
        yield parent / "demo"
        return
    folder = Path(tempfile.mkdtemp(prefix="once-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _run_everything(server: DemoServer, database: Path) -> list[Result]:
    transport = Transport(server.url, server.api_key)
    try:
        place = Place(
            transport, await server.workspace_id(transport), server.organization, server.workspace
        )
        beats = asyncio.create_task(_planned_beats(place))
        runs = [
            await _run(place, "weather", parameters={"database": str(database)}),
            await _run(place, "flaky"),
            await _run(place, "broken"),
            await _run(place, "hello"),
            *await beats,
        ]
        with _view() as view:
            async with asyncio.TaskGroup() as tasks:
                followed = [
                    tasks.create_task(follow_run(transport, flow_run_id=run.id, view=view))
                    for run in runs
                ]
        return [Result(task.result(), await _task_runs(place, task.result())) for task in followed]
    finally:
        await transport.close()


async def _run(
    place: Place, flow_name: str, *, parameters: dict[str, str] | None = None
) -> FlowRun:
    deployment = await place.deployment(flow_name)
    run = NewRun(deployment_id=deployment.id, parameters=parameters)
    return await flow_runs.create(place.transport, workspace_id=place.workspace_id, run=run)


async def _planned_beats(place: Place) -> list[FlowRun]:
    """Return the next runs that the heartbeat's schedule made."""
    deployment = await place.deployment("heartbeat")
    lister = partial(
        flow_runs.list_flow_runs,
        place.transport,
        organization=place.organization,
        workspace=place.workspace,
        filter={"deployment": {"id": {"eq": deployment.id}}, "state": {"name": ["Scheduled"]}},
        order_by={"field": "EXPECTED_START", "direction": "ASC"},
    )
    async with asyncio.timeout(PLANNING_SECONDS):
        while True:
            page: Page[FlowRun] = await lister(first=BEATS)
            if len(page.items) == BEATS:
                return page.items
            await asyncio.sleep(POLL_SECONDS)


async def _task_runs(place: Place, run: FlowRun) -> list[TaskRun]:
    page = await task_runs.list_task_runs(
        place.transport,
        organization=place.organization,
        workspace=place.workspace,
        filter={"flowRunId": {"eq": run.id}},
        first=100,
    )
    return page.items


@contextmanager
def _view() -> Generator[View]:
    if not sys.stdout.isatty():
        yield PlainView(sys.stdout)
        return
    with open_progress(sys.stdout) as progress:
        yield ProgressView(progress)


def _outcome(result: Result) -> demo_checks.Outcome:
    return demo_checks.Outcome(
        flow=result.run.flow.name,
        state=result.run.state.name,
        message=result.run.state.message,
        tasks=len(result.task_runs),
        completed_tasks=sum(task.state.type == "COMPLETED" for task in result.task_runs),
        attempts=max(task.attempt for task in result.task_runs),
        lag_seconds=_seconds(result.run.expected_start, result.run.started_at),
    )


def _summary(results: list[Result]) -> str:
    rows = [("FLOW", "RUN", "STATE", "TASKS", "DUE TO START", "TOOK")]
    for result in results:
        run = result.run
        lag = _seconds(run.expected_start, run.started_at)
        took = _seconds(run.started_at, run.ended_at)
        rows.append(
            (
                run.flow.name,
                run.name,
                run.state.name,
                str(len(result.task_runs)),
                f"{lag * 1000:.0f} ms",
                f"{took * 1000:.0f} ms",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _seconds(start: datetime | None, end: datetime | None) -> float:
    if start is None or end is None:
        message = "A run that has ended does not know when it was due, started and ended"
        raise DemoError(message)
    return (end - start).total_seconds()


def _how_to_go_on(server: DemoServer) -> str:
    profile = (
        f"headgate profiles create demo --api-url {server.url} "
        f"--workspace {server.organization}/{server.workspace} --api-key {server.api_key}"
    )
    return f"""
Open      {server.url}
Sign in   with the API key {server.api_key}
Go on     in another terminal, in this folder, after `source .venv/bin/activate`:

  {profile}
  headgate --profile demo flow-runs list
  headgate --profile demo deployments run hello/demo -p count=5 --watch

The heartbeat goes on every few seconds. Ctrl-C ends the demo and keeps its data.
"""


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
