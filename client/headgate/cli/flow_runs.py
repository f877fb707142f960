"""``headgate flow-runs``: list, get, watch, cancel, retry, rerun."""

import sys
from functools import partial
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from headgate.api import deployments, flow_runs
from headgate.api.flow_runs import FlowRun
from headgate.cli.connection import Server, connect
from headgate.cli.failures import CommandError, ExitCode
from headgate.cli.following import follow_run
from headgate.cli.names import get_deployment
from headgate.cli.names import get_flow_run as find_by_name
from headgate.cli.output import (
    Columns,
    Format,
    OutputOption,
    age,
    coloured_state,
    say,
    show_item,
    show_list,
    span,
)
from headgate.cli.parameters import ParameterOption, ParametersOption, read_parameters
from headgate.cli.views import open_view
from headgate.clock import now
from headgate.states import TERMINAL_TYPES, StateType

LONGEST_GRACE_SECONDS = 3600
STANDARD_NAMES = ("Late", "AwaitingRetry", "Retrying", "TimedOut", "Suspended", "Resuming")
"""The sub-states that Headgate itself gives, beside the types."""

RunName = Annotated[str, Parameter(help="its id, or its name")]
StateOption = Annotated[
    list[str] | None, Parameter(name="--state", help="only in this state, by type or name")
]
TagOption = Annotated[list[str] | None, Parameter(name="--tag", help="only with this tag")]
LimitOption = Annotated[
    int, Parameter(name=("--limit", "-n"), help="how many at most", validator=Number(gte=1))
]


def list_flow_runs(
    *,
    state: StateOption = None,
    flow: Annotated[str | None, Parameter(help="only of this flow")] = None,
    deployment: Annotated[
        str | None, Parameter(help="only of this deployment, by id or flow/name")
    ] = None,
    tag: TagOption = None,
    upcoming: Annotated[bool, Parameter(help="those that schedules planned, too")] = False,
    limit: LimitOption = 50,
    output: OutputOption = "table",
) -> None:
    """List runs, latest expected start first; what is only planned is left out."""
    with connect() as server:
        wanted = _filter(server, states=state, flow=flow, deployment=deployment, tags=tag)
        if not upcoming and not state:
            wanted.append(_not_planned())
        filter_ = {"and": wanted} if wanted else None
        lister = partial(flow_runs.list_flow_runs, filter=filter_)
        found = server.collect(lister, limit=limit, is_told=output == "table")
    if not found:
        _doubt_names(state)
    show_list(found, columns=_columns(), output=output)


def get_flow_run(name: RunName, /, *, output: OutputOption = "table") -> None:
    """Show one run."""
    with connect() as server:
        run = find_by_name(server, name=name)
    show_run(run, output=output)


def watch_flow_run(name: RunName, /, *, output: OutputOption = "table") -> int:
    """Follow a run's states, tasks and log until it ends; exits 7 when it did not complete."""
    with connect() as server:
        return watch(server, run=find_by_name(server, name=name), output=output)


def cancel_flow_run(
    name: RunName,
    /,
    *,
    reason: Annotated[str | None, Parameter(help="why, for the run's history")] = None,
    grace: Annotated[
        int,
        Parameter(
            help="seconds to clean up before it is killed, at most 3600",
            validator=Number(gte=0, lte=LONGEST_GRACE_SECONDS),
        ),
    ] = 30,
    force: Annotated[bool, Parameter(help="end it without its process")] = False,
    output: OutputOption = "table",
) -> None:
    """Ask a run to stop: at once if it has not started, else through its process."""
    with connect() as server:
        run = server.call(
            flow_runs.cancel,
            flow_run_id=find_by_name(server, name=name).id,
            reason=reason,
            grace_seconds=grace,
            is_forced=force,
        )
    show_run(run, output=output)
    if run.state.type not in TERMINAL_TYPES:
        say(f"Its process was asked to stop; `headgate flow-runs watch {run.id}` shows the end.")


def retry_flow_run(
    name: RunName,
    /,
    *,
    from_failed: Annotated[
        bool,
        Parameter(
            name="--from-failed",
            negative="",
            help="only what did not complete, and what depends on it",
        ),
    ] = False,
    param: ParameterOption = None,
    params: ParametersOption = None,
    watch_it: Annotated[bool, Parameter(name="--watch", help="follow it until it ends")] = False,
    output: OutputOption = "table",
) -> int:
    """Start a finished run again, perhaps with other parameters."""
    changed = read_parameters(param, document=params)
    with connect() as server:
        run = server.call(
            flow_runs.retry,
            flow_run_id=find_by_name(server, name=name).id,
            from_failed=from_failed,
            parameters=changed or None,
        )
        if watch_it:
            return watch(server, run=run, output=output)
    show_run(run, output=output)
    return ExitCode.OK


def rerun_flow_run(
    name: RunName,
    /,
    *,
    param: ParameterOption = None,
    params: ParametersOption = None,
    watch_it: Annotated[bool, Parameter(name="--watch", help="follow it until it ends")] = False,
    output: OutputOption = "table",
) -> int:
    """Create another run of a run's deployment, with its parameters and tags; it stays as it is."""
    changed = read_parameters(param, document=params)
    with connect() as server:
        before = find_by_name(server, name=name)
        if before.deployment is None:
            raise CommandError(
                f"{before.name} is of no deployment: nothing says how to run it",
                code=ExitCode.CONFLICT,
                hints=["`headgate run path/file.py:flow` runs it here."],
            )
        new = flow_runs.NewRun(
            deployment_id=before.deployment.id,
            parameters={**before.parameters, **changed},
            tags=before.tags,
        )
        run = server.call(deployments.run, workspace_id=server.workspace_id, run=new)
        if watch_it:
            return watch(server, run=run, output=output)
    show_run(run, output=output)
    say(f"`headgate flow-runs watch {run.id}` follows it.")
    return ExitCode.OK


def watch(server: Server, *, run: FlowRun, output: Format) -> int:
    """Follow a run until it ends, show it as it is then, and return the exit code for it."""
    with open_view(sys.stderr) as view:
        ended = server.call(follow_run, flow_run_id=run.id, view=view)
    show_run(ended, output=output)
    return exit_code_for(ended.state.type)


def exit_code_for(state_type: str) -> ExitCode:
    """Return what a finished run means to the shell."""
    return ExitCode.OK if state_type == StateType.COMPLETED else ExitCode.RUN_FAILED


def show_run(run: FlowRun, *, output: Format) -> None:
    """Print one run."""
    fields: Columns[FlowRun] = {
        "id": lambda run: run.id,
        "name": lambda run: run.name,
        "flow": lambda run: run.flow.name,
        "deployment": lambda run: run.deployment.name if run.deployment else None,
        "state": _state,
        "message": lambda run: run.state.message,
        "attempt": lambda run: run.attempt,
        "parameters": lambda run: run.parameters,
        "tags": lambda run: run.tags,
        "due": lambda run: age(run.expected_start),
        "started": lambda run: age(run.started_at),
        "took": _took,
    }
    show_item(run, fields=fields, output=output)


def _columns() -> Columns[FlowRun]:
    return {
        "id": lambda run: run.id,
        "name": lambda run: run.name,
        "flow": lambda run: run.flow.name,
        "deployment": lambda run: run.deployment.name if run.deployment else None,
        "state": lambda run: run.state.name,
        "due": lambda run: age(run.expected_start),
        "took": _took,
    }


def _state(run: FlowRun) -> str:
    return coloured_state(run.state.type, text=run.state.name, is_tty=sys.stdout.isatty())


def _took(run: FlowRun) -> str:
    if run.started_at is None or run.ended_at is None:
        return ""
    return span(run.ended_at - run.started_at)


def _filter(
    server: Server,
    *,
    states: list[str] | None,
    flow: str | None,
    deployment: str | None,
    tags: list[str] | None,
) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    if states:
        types = [state.upper() for state in states if state.upper() in StateType.__members__]
        names = [state for state in states if state.upper() not in StateType.__members__]
        either: list[dict[str, Any]] = [{"state": {"type": types}}] if types else []
        either += [{"state": {"name": names}}] if names else []
        parts.append({"or": either})
    if flow:
        parts.append({"flow": {"name": {"eq": flow}}})
    if deployment:
        found = get_deployment(server, name=deployment)
        parts.append({"deployment": {"id": {"eq": found.id}}})
    if tags:
        parts.append({"tags": {"all": tags}})
    return parts


def _doubt_names(states: list[str] | None) -> None:
    """Say which states there are, where none was found and one asked for is not among them."""
    known = [*StateType.__members__, *STANDARD_NAMES]
    unknown = [state for state in states or () if state.upper() not in map(str.upper, known)]
    if unknown:
        say(f"No run is in a state named {unknown[0]!r}; flows may name states of their own.")
        say(f"Headgate's are {', '.join(known)}.")


def _not_planned() -> dict[str, Any]:
    return {"not": {"state": {"name": ["Scheduled"]}, "expectedStart": {"gte": now().isoformat()}}}
