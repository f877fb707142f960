"""``headgate flow-runs pause``, ``suspend``, ``resume``, ``pending``: runs that wait for people."""

from datetime import datetime
from typing import Annotated

from cyclopts import Parameter

from headgate.api import pauses
from headgate.api.pauses import Pause
from headgate.cli.connection import connect
from headgate.cli.flow_runs import LimitOption, RunName, show_run
from headgate.cli.names import get_flow_run as find_by_name
from headgate.cli.output import Columns, OutputOption, age, show_list
from headgate.cli.parameters import ParameterOption, ParametersOption, read_parameters


def list_waiting(*, limit: LimitOption = 50, output: OutputOption = "table") -> None:
    """List what runs wait for an answer to, the oldest first."""
    with connect() as server:
        waiting = server.collect(pauses.list_waiting, limit=limit)
    show_list(waiting, columns=_columns(), output=output)


ReasonOption = Annotated[str | None, Parameter(help="why, for the audit log")]


def pause_flow_run(
    name: RunName, /, *, reason: ReasonOption = None, output: OutputOption = "table"
) -> None:
    """Ask a run to pause before its next task; its process stays, and waits until it is resumed."""
    _request(name, is_suspension=False, reason=reason, output=output)


def suspend_flow_run(
    name: RunName, /, *, reason: ReasonOption = None, output: OutputOption = "table"
) -> None:
    """Ask a run to end its process before its next task; resumed, an agent starts it again.

    Its finished tasks are not done again where their results were kept.
    """
    _request(name, is_suspension=True, reason=reason, output=output)


def _request(name: str, *, is_suspension: bool, reason: str | None, output: OutputOption) -> None:
    with connect() as server:
        run = server.call(
            pauses.request,
            flow_run_id=find_by_name(server, name=name).id,
            is_suspension=is_suspension,
            reason=reason,
        )
    show_run(run, output=output)


def resume_flow_run(
    name: RunName,
    /,
    *,
    param: ParameterOption = None,
    params: ParametersOption = None,
    reason: ReasonOption = None,
    key: Annotated[
        str | None,
        Parameter(help="answer only this question, as `pending` names it, and no later one"),
    ] = None,
    asked_at: Annotated[
        datetime | None,
        Parameter(help="answer only what was asked at that time, its createdAt in `-o json`"),
    ] = None,
    reject: Annotated[bool, Parameter(help="say no: the run fails unless it knows better")] = False,
    output: OutputOption = "table",
) -> None:
    """Answer a run that is paused or suspended, its fields as parameters; it goes on.

    A run that was asked to pause and has not come to it goes on without.
    """
    given = read_parameters(param, document=params)
    with connect() as server:
        run = server.call(
            pauses.resume,
            flow_run_id=find_by_name(server, name=name).id,
            input=given or None,
            is_rejected=reject,
            reason=reason,
            pause_key=key,
            paused_at=None if asked_at is None else asked_at.astimezone(),
        )
    show_run(run, output=output)


def _columns() -> Columns[Pause]:
    return {
        "run": lambda pause: pause.run_id,
        "name": lambda pause: pause.run.name if pause.run else None,
        "key": lambda pause: pause.key,
        "asks": lambda pause: pause.description,
        "again because": lambda pause: pause.refusal,
        "fields": lambda pause: list((pause.schema or {}).get("properties", {})),
        "since": lambda pause: age(pause.created_at),
        "until": lambda pause: age(pause.expires_at),
    }
