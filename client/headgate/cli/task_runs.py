"""``headgate task-runs``: list."""

from functools import partial
from typing import Annotated

from cyclopts import Parameter

from headgate.api import task_runs
from headgate.api.task_runs import TaskRun
from headgate.cli.connection import connect
from headgate.cli.flow_runs import LimitOption, RunName
from headgate.cli.names import get_flow_run
from headgate.cli.output import Columns, OutputOption, age, show_list, span


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


def _took(run: TaskRun) -> str:
    if run.started_at is None or run.ended_at is None:
        return ""
    return span(run.ended_at - run.started_at)
