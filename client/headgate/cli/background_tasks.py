"""``headgate task``: serve; ``headgate background-tasks``: list, inspect, logs, cancel, retry."""

import json
import sys
from functools import partial
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from headgate.api import background_tasks
from headgate.api.background_tasks import QueuedTask, TaskLine, TaskState
from headgate.api.calls import given
from headgate.background_tasks.serving import serve
from headgate.cli.connection import connect
from headgate.cli.failures import CommandError, ExitCode
from headgate.cli.flow_runs import LimitOption, TagOption
from headgate.cli.output import Columns, OutputOption, age, say, show_item, show_list
from headgate.cli.views import log_text
from headgate.engine.entrypoints import load_tasks
from headgate.errors import EntrypointError
from headgate.states import StateType
from headgate.texts import error_text, visible

TaskId = Annotated[str, Parameter(help="its id")]


def serve_tasks(
    *entrypoints: Annotated[
        str, Parameter(help="path/file.py:task, or path/file.py for all of its tasks")
    ],
    limit: Annotated[
        int,
        Parameter(help="how many calls at once, at most 1000", validator=Number(gte=1, lte=1000)),
    ] = 10,
    grace: Annotated[
        float, Parameter(help="seconds that calls may go on once it is told to end")
    ] = 30.0,
) -> None:
    """Run calls that were queued with `delay`, until SIGINT or SIGTERM.

    A first signal lets what runs end; what does not end in time, or at a second signal, is given
    back, and another worker runs it.
    """
    tasks = [task for entrypoint in entrypoints for task in _load(entrypoint)]
    if not tasks:
        message = "Name what to serve: path/file.py:task"
        raise CommandError(message, code=ExitCode.USAGE)
    try:
        serve(*tasks, limit=limit, grace_seconds=grace)
    except ValueError as error:
        raise CommandError(str(error), code=ExitCode.USAGE) from error


def _load(entrypoint: str) -> list[object]:
    try:
        return load_tasks(entrypoint)
    except EntrypointError as error:
        hints = ["The form is path/file.py:task, from the current folder."]
        raise CommandError(str(error), code=ExitCode.USAGE, hints=hints) from error
    except Exception as error:
        message = f"{entrypoint} could not be imported: {error_text(error)}"
        hints = ["Run the command again with --debug to see the traceback."]
        raise CommandError(message, hints=hints) from error


def list_tasks(
    *,
    task: Annotated[
        list[str] | None, Parameter(name="--task", help="only calls of this task, by its key")
    ] = None,
    state: Annotated[
        list[str] | None, Parameter(name="--state", help="only in a state of this type")
    ] = None,
    tag: TagOption = None,
    limit: LimitOption = 50,
    output: OutputOption = "table",
) -> None:
    """List calls of tasks that were queued with `delay`, the one queued last first."""
    filter_ = given(taskKeys=task, states=_types(state), tags=tag)
    with connect() as server:
        lister = partial(background_tasks.list_tasks, filter=filter_)
        found = server.collect(lister, limit=limit, is_told=output == "table")
    show_list(found, columns=_columns(), output=output)


def inspect_task(id: TaskId, /, *, output: OutputOption = "table") -> None:
    """Show a call with its arguments, the states that it was in, and what came of it."""
    with connect() as server:
        place = {"organization": server.organization, "workspace": server.workspace}
        found = server.call(background_tasks.get, **place, id=id)
    fields: Columns[QueuedTask] = {
        **_columns(),
        "message": lambda task: task.message,
        "tags": lambda task: task.tags,
        "attempts": lambda task: task.epoch,
        "lost workers": lambda task: task.losses,
        "states": lambda task: "\n".join(map(_state_text, task.states)),
        "queued by": lambda task: task.created_by.display_name,
        "arguments": lambda task: _text(task.parameters),
        "result": lambda task: _text(task.result),
    }
    show_item(found, fields=fields, output=output)


def show_logs(id: TaskId, /, *, limit: LimitOption = 1000, output: OutputOption = "table") -> None:
    """Print what a call logged, attempt by attempt."""
    with connect() as server:
        lister = partial(background_tasks.list_logs, id=id)
        lines: list[TaskLine] = server.collect(lister, limit=limit, is_told=output == "table")
    if output != "table":
        show_list(lines, columns={}, output=output)
        return
    for line in lines:
        sys.stdout.write(log_text(line) + "\n")


def cancel_task(id: TaskId, /) -> None:
    """Cancel a call: at once where no worker has begun it, else through its worker."""
    with connect() as server:
        found = server.call(background_tasks.cancel, workspace_id=server.workspace_id, id=id)
    is_over = StateType(found.state_type) is StateType.CANCELLED
    say(f"{found.name} is {'cancelled' if is_over else 'being cancelled by its worker'}.")


def retry_task(id: TaskId, /) -> None:
    """Queue a call again that is over, with the arguments it had."""
    with connect() as server:
        found = server.call(background_tasks.retry, workspace_id=server.workspace_id, id=id)
    say(f"{found.name} is queued again.")


def _columns() -> Columns[QueuedTask]:
    return {
        "id": lambda task: task.id,
        "task": lambda task: task.task_key,
        "name": lambda task: task.name,
        "state": lambda task: task.state_name,
        "queued": lambda task: age(task.created_at),
        "started": lambda task: age(task.started_at),
        "ended": lambda task: age(task.ended_at),
    }


def _state_text(state: TaskState) -> str:
    """Return what a state was, in a line: when, which of how many attempts, and why."""
    attempt = f", attempt {state.epoch}" if state.epoch else ""
    why = "" if state.message is None else f": {visible(state.message)}".replace("\n", " ")
    return f"{state.name} {age(state.timestamp)}{attempt}{why}"


def _types(names: list[str] | None) -> list[str] | None:
    known = {kind.value for kind in StateType}
    types = None if names is None else [name.upper() for name in names]
    for name in types or []:
        if name not in known:
            message = f"{name} is no type of a state; they are {', '.join(sorted(known))}"
            raise CommandError(message, code=ExitCode.USAGE)
    return types


def _text(document: object) -> str | None:
    if document is None:
        return None
    return visible(json.dumps(document, ensure_ascii=False))
