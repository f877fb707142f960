"""``headgate task-runs``: list, get, logs."""

import sys
from functools import partial
from typing import Annotated

from cyclopts import Parameter

from headgate.api import task_runs
from headgate.api.task_runs import TaskRun, WholeTaskRun
from headgate.cli.connection import connect
from headgate.cli.flow_runs import LimitOption, RunName
from headgate.cli.names import get_flow_run
from headgate.cli.output import Columns, OutputOption, age, show_item, show_list, span
from headgate.cli.run_logs import read_lines
from headgate.cli.views import clock, log_text

TaskRunId = Annotated[str, Parameter(help="its id, as of list")]


def list_task_runs(
    name: RunName,
    /,
    *,
    state: Annotated[
        list[str] | None, Parameter(name="--state", help="only of this type, as FAILED")
    ] = None,
    limit: LimitOption = 50,
    output: OutputOption = "table",
) -> None:
    """List the task runs of a flow run, the newest first."""
    with connect() as server:
        wanted: dict[str, object] = {"flowRunId": {"eq": get_flow_run(server, name=name).id}}
        if state:
            wanted["state"] = {"type": [one.upper() for one in state]}
        lister = partial(task_runs.list_task_runs, filter=wanted)
        found = server.collect(lister, limit=limit, is_told=output == "table")
    columns: Columns[TaskRun] = {
        "id": lambda run: run.id,
        "name": lambda run: run.name,
        "state": lambda run: run.state.name,
        "attempt": lambda run: run.attempt,
        "started": lambda run: age(run.started_at),
        "took": _took,
    }
    show_list(found, columns=columns, output=output)


def show_task_run(id_: TaskRunId, /, *, output: OutputOption = "table") -> None:
    """Show a task run with every state it was in."""
    with connect() as server:
        found = server.call(task_runs.get, task_run_id=id_)
    fields: Columns[WholeTaskRun] = {
        "id": lambda run: run.id,
        "name": lambda run: run.name,
        "task": lambda run: run.task_key,
        "run": lambda run: f"{run.flow_run.name} ({run.flow_run.id})",
        "state": lambda run: run.state.name,
        "message": lambda run: run.state.message,
        "attempt": lambda run: run.attempt,
        "tags": lambda run: run.tags,
        "cache key": lambda run: run.cache_key,
        "started": lambda run: age(run.started_at),
        "took": _took,
        "states": lambda run: "\n".join(
            f"{clock(state.timestamp)} {state.name}" for state in run.states
        ),
    }
    show_item(found, fields=fields, output=output)


def show_logs(id_: TaskRunId, /, *, output: OutputOption = "table") -> None:
    """Print what a task run logged, oldest line first."""
    with connect() as server:
        found = server.call(task_runs.get, task_run_id=id_)
        wanted = {"taskRunId": {"eq": found.id}}
        lines = read_lines(server, flow_run_id=found.flow_run.id, filter_=wanted)
    if output != "table":
        show_list(lines, columns={}, output=output)
        return
    for line in lines:
        sys.stdout.write(log_text(line) + "\n")


def _took(run: TaskRun) -> str:
    if run.started_at is None or run.ended_at is None:
        return ""
    return span(run.ended_at - run.started_at)
