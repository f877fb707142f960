"""``headgate flow-runs diff``: where two runs differ, from what they were given to their logs."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any, cast

import msgspec
from cyclopts import Parameter

from headgate.api import logs, run_differences, task_runs
from headgate.api.logs import LogLine
from headgate.api.run_differences import RunFacts
from headgate.api.task_runs import TaskRun
from headgate.cli.connection import Server, connect
from headgate.cli.names import get_flow_run
from headgate.cli.output import Columns, OutputOption, say, show_list, span

MOST_TASK_RUNS = 2000
MOST_LINES = 1000
"""So many of either's log are compared: one page of the API."""
NOTICED_SHARE = 0.2
NOTICED = timedelta(seconds=0.1)
"""Times of tasks that differ by less than both are called the same."""

Which = Annotated[str, Parameter(help="a run's id, or its name")]


class Difference(msgspec.Struct, frozen=True):
    """One place where two runs differ; None is nothing."""

    what: str
    one: Any
    other: Any


def diff_runs(
    one: Which,
    other: Which,
    /,
    *,
    every_task: Annotated[
        bool, Parameter(name="--tasks", negative="", help="show all tasks, also those alike")
    ] = False,
    output: OutputOption = "table",
) -> None:
    """Show where two runs differ: parameters, version, place, tasks, artifacts, log.

    Calls of a task are compared by their turn. Times of tasks are shown where they differ by a
    fifth and a tenth of a second; of the logs, the first line that is another one.
    """
    with connect() as server:
        first, second = (_facts(server, name) for name in (one, other))
        found = [
            *differences(_values(first), _values(second)),
            *_time_difference(first, second),
            *task_differences(
                *(_tasks(server, run.id) for run in (first, second)), every=every_task
            ),
            *log_difference(*(_lines(server, run.id) for run in (first, second))),
        ]
    columns: Columns[Difference] = {
        "what": lambda row: row.what,
        first.name: lambda row: _shown(row.one),
        second.name: lambda row: _shown(row.other),
    }
    if first.name == second.name:
        columns = {
            "what": lambda row: row.what,
            f"{first.name} ({first.id})": lambda row: _shown(row.one),
            f"{second.name} ({second.id})": lambda row: _shown(row.other),
        }
    if not found and output == "table":
        say(f"{first.name} and {second.name} are alike.")
        return
    show_list(found, columns=columns, output=output)


def differences(one: Any, other: Any, name: str = "") -> list[Difference]:
    """Return the places at which two documents differ, by the names that lead there."""
    if isinstance(one, dict) and isinstance(other, dict):
        first, second = cast("dict[str, Any]", one), cast("dict[str, Any]", other)
        found: list[Difference] = []
        for key in dict.fromkeys([*first, *second]):
            inner = f"{name}.{key}" if name else key
            found += differences(first.get(key), second.get(key), inner)
        return found
    return [] if one == other else [Difference(name, one, other)]


def task_differences(
    one: Sequence[TaskRun], other: Sequence[TaskRun], *, every: bool = False
) -> list[Difference]:
    """Return where the tasks of two runs differ, the calls of a task beside each other by turn."""
    first, second = _by_turn(one), _by_turn(other)
    found: list[Difference] = []
    for name in dict.fromkeys([*first, *second]):
        left, right = first.get(name), second.get(name)
        if every or left is None or right is None or not _is_alike(left, right):
            found.append(Difference(f"task {name}", _task(left), _task(right)))
    return found


def log_difference(one: Sequence[LogLine], other: Sequence[LogLine]) -> list[Difference]:
    """Return the first line in which two logs differ, and its number; nothing where none does."""
    for number in range(max(len(one), len(other))):
        left, right = (_message(lines, number) for lines in (one, other))
        if left != right:
            return [Difference(f"log line {number + 1}", left, right)]
    return []


def _time_difference(one: RunFacts, other: RunFacts) -> list[Difference]:
    times = [_took(run.started_at, run.ended_at) for run in (one, other)]
    if _is_as_long(*times):
        return []
    first, second = (span(time) or None for time in times)
    return [Difference("took", first, second)]


def _facts(server: Server, name: str) -> RunFacts:
    run_id = get_flow_run(server, name=name).id
    return server.call(run_differences.get_facts, flow_run_id=run_id)


def _values(run: RunFacts) -> dict[str, Any]:
    version = run.deployment_version
    agents = [attempt.agent for attempt in run.attempts if attempt.agent is not None]
    return {
        "flow": run.flow.name,
        "deployment": run.deployment.name if run.deployment else None,
        "version": _version(run) if version else None,
        "code": version.git if version else None,
        "parameters": run.parameters,
        "job variables": run.job_variables or {},
        "tags": run.tags,
        "priority": run.priority,
        "pool": run.work_pool.name if run.work_pool else None,
        "queue": run.work_queue.name if run.work_queue else None,
        "agent": agents[-1].name if agents else None,
        "host": agents[-1].host if agents else None,
        "agent's version": agents[-1].sdk_version if agents else None,
        "state": run.state.name,
        "message": (run.state.message or "").partition("\n")[0] or None,
        "attempts": run.attempt,
        "late by": _noticed(run.lateness),
        "artifacts": _artifacts(run),
    }


def _version(run: RunFacts) -> str | None:
    version = run.deployment_version
    if version is None:
        return None
    return f"{version.number} ({version.label})" if version.label else str(version.number)


def _artifacts(run: RunFacts) -> dict[str, int]:
    kinds = Counter(one.key or f"a {one.type}" for one in run.artifacts.nodes)
    return dict(sorted(kinds.items()))


def _noticed(length: timedelta | None) -> str | None:
    return span(length) if length is not None and length >= timedelta(seconds=1) else None


def _tasks(server: Server, run_id: str) -> list[TaskRun]:
    wanted = {"flowRunId": {"eq": run_id}}
    lister = partial(task_runs.list_task_runs, filter=wanted)
    found = server.collect(lister, limit=MOST_TASK_RUNS, is_told=False)
    if len(found) == MOST_TASK_RUNS:
        say(f"Only {MOST_TASK_RUNS} task runs of {run_id} are compared.")
    # Ids rise with time: the order in which they were made.
    return sorted(found, key=lambda run: run.id)


def _lines(server: Server, run_id: str) -> list[LogLine]:
    return server.call(logs.list_logs, flow_run_id=run_id, first=MOST_LINES).items


def _by_turn(runs: Iterable[TaskRun]) -> dict[str, TaskRun]:
    """Return each call by its task and its turn: names of calls are made up in every run."""
    turns: Counter[str] = Counter()
    found: dict[str, TaskRun] = {}
    for run in runs:
        turns[run.task_key] += 1
        found[f"{run.task_key} {turns[run.task_key]}"] = run
    return found


def _is_alike(one: TaskRun, other: TaskRun) -> bool:
    if (one.state.name, one.attempt) != (other.state.name, other.attempt):
        return False
    return _is_as_long(*(_took(run.started_at, run.ended_at) for run in (one, other)))


def _is_as_long(one: timedelta | None, other: timedelta | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) < max(NOTICED, max(one, other) * NOTICED_SHARE)


def _task(run: TaskRun | None) -> str | None:
    if run is None:
        return None
    took = span(_took(run.started_at, run.ended_at))
    again = f", attempt {run.attempt}" if run.attempt > 1 else ""
    return run.state.name + again + (f", {took}" if took else "")


def _took(started_at: datetime | None, ended_at: datetime | None) -> timedelta | None:
    return None if started_at is None or ended_at is None else ended_at - started_at


def _message(lines: Sequence[LogLine], number: int) -> str | None:
    return lines[number].message.partition("\n")[0] if number < len(lines) else None


def _shown(value: Any) -> str:
    if value is None:
        return "—"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
