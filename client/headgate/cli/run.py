"""``headgate run``: a flow in this process, reported to the server where one is configured."""

import asyncio
import json
import sys
from contextlib import redirect_stdout
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from headgate.cli.entrypoints import import_flow
from headgate.cli.failures import ExitCode
from headgate.cli.output import Columns, Format, OutputOption, show_item
from headgate.cli.parameters import ParameterOption, ParametersOption, read_parameters
from headgate.engine.own_run import FlowRun
from headgate.engine.parameters import as_call, bind_named, validate
from headgate.flows import Flow
from headgate.states import State
from headgate.texts import text_of

Entrypoint = Annotated[str, Parameter(help="path/file.py:flow; the flow may be left out if one")]


class Outcome(msgspec.Struct, frozen=True, rename="camel"):
    """How a run in this process ended."""

    flow: str
    id: str
    name: str
    state: str
    state_type: str
    message: str | None
    result: Any


def run(
    entrypoint: Entrypoint,
    /,
    *,
    param: ParameterOption = None,
    params: ParametersOption = None,
    output: OutputOption = "table",
) -> int:
    """Run a flow in this process; exits 7 when it did not complete.

    What the flow prints and logs goes to standard error; its outcome goes to standard output.
    """
    parameters = read_parameters(param, document=params)
    flow = import_flow(entrypoint)
    spec = flow.spec
    parameters = bind_named(spec.signature, name=spec.name, parameters=parameters)
    if spec.validate_parameters:
        # The engine would fail the run for it; here it is a slip of the command line.
        validate(spec.fn, signature=spec.signature, name=spec.name, parameters=parameters)
    runs: list[FlowRun] = []

    def remember(flow: Flow[..., Any], started: FlowRun, state: State[Any]) -> None:
        del flow, state
        runs.append(started)

    flow.on_running(remember)
    with redirect_stdout(sys.stderr):
        try:
            state: State[Any] = _execute(flow, parameters)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if not runs or isinstance(error, Exception):
                raise
            # The flow left the process; the run has its state, and this command its exit code.
            state = runs[0].state
    outcome = Outcome(
        flow=flow.name,
        id=runs[0].id if runs else "",
        name=runs[0].name if runs else "",
        state=state.name,
        state_type=state.type.value,
        message=state.message,
        result=_as_json(state.data) if state.is_completed() else None,
    )
    _show(outcome, output=output)
    return ExitCode.OK if state.is_completed() else ExitCode.RUN_FAILED


def _execute(flow: Flow[..., Any], parameters: dict[str, Any]) -> State[Any]:
    args, kwargs = as_call(flow.spec.signature, parameters=parameters)
    state = flow(*args, **kwargs, return_state=True)
    return asyncio.run(state) if flow.is_async else state


def _as_json(value: Any) -> Any:
    """Return a result as JSON has it; what has no JSON form as its text."""
    try:
        return json.loads(json.dumps(msgspec.to_builtins(value)))
    except (TypeError, ValueError, RecursionError):
        return text_of(value, as_text=repr)


def _show(outcome: Outcome, *, output: Format) -> None:
    fields: Columns[Outcome] = {
        "id": lambda outcome: outcome.id,
        "name": lambda outcome: outcome.name,
        "flow": lambda outcome: outcome.flow,
        "state": lambda outcome: outcome.state,
        "message": lambda outcome: outcome.message,
        "result": lambda outcome: outcome.result,
    }
    show_item(outcome, fields=fields, output=output)
