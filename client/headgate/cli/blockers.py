"""``headgate flow-runs why``, ``background-tasks why``: what holds one up, what would end it."""

from typing import Annotated

from cyclopts import Parameter

from headgate.api import blockers
from headgate.api.blockers import BlockerAnswer, WhyAnswer
from headgate.cli.confirming import YesOption, confirm
from headgate.cli.connection import Server, connect
from headgate.cli.failures import CommandError, ExitCode
from headgate.cli.flow_runs import RunName
from headgate.cli.names import get_flow_run
from headgate.cli.output import Columns, OutputOption, age, say, show_item, show_list


def why_not_running(
    name: RunName,
    /,
    *,
    fix: Annotated[
        bool, Parameter(name="--fix", negative="", help="do what would end the nearest cause")
    ] = False,
    yes: YesOption = False,
    output: OutputOption = "table",
) -> None:
    """Say why a run is not running, the nearest cause first."""
    with connect() as server:
        found = server.call(blockers.why, flow_run_id=get_flow_run(server, name=name).id)
        if output != "table":
            show_item(found, fields={}, output=output)
        elif not found.why_not_running:
            say(f"Nothing holds {found.name} up: it is {found.state.name}.")
        else:
            show_list(list(found.why_not_running), columns=_columns(), output=output)
        if fix:
            carry_out(server, found, is_sure=yes)


def why_task_waits(
    id: Annotated[str, Parameter(help="its id")], /, *, output: OutputOption = "table"
) -> None:
    """Say why a call of a task is not running, the nearest cause first."""
    with connect() as server:
        place = {"organization": server.organization, "workspace": server.workspace}
        found = server.call(blockers.why_task, **place, id=id)
    if output != "table":
        show_item(found, fields={}, output=output)
    elif not found.why_not_running:
        say(f"Nothing holds {found.name} up: it is {found.state_name}.")
    else:
        show_list(list(found.why_not_running), columns=_columns(), output=output)


def carry_out(server: Server, found: WhyAnswer, *, is_sure: bool) -> None:
    """Do what would end the nearest cause, after asking; nothing where there is no cause.

    Raises:
        CommandError: no call to the server ends it, the answer is no, or nobody can be asked.
        RefusedError: the server said no.
    """
    if not found.why_not_running:
        return
    action = found.why_not_running[0].action or {}
    if "mutation" not in action:
        hint = action.get("command")
        raise CommandError(
            "No call to the server ends the nearest cause",
            code=ExitCode.FAILURE,
            hints=[f"`{hint}`"] if hint else [],
        )
    confirm(action["label"], is_sure=is_sure)
    server.call(blockers.act, action)
    say(f"Done: {action['label']}.")


def _columns() -> Columns[BlockerAnswer]:
    return {
        "cause": lambda one: one.code,
        "why": lambda one: one.message,
        "since": lambda one: age(one.since),
        "ahead": lambda one: one.queue_position,
        "starts": lambda one: age(one.expected_start),
        "held by": lambda one: [holder.name for holder in (*one.holders, *one.background_tasks)],
        "what helps": _help,
    }


def _help(one: BlockerAnswer) -> str:
    action = one.action or {}
    return str(action.get("command") or action.get("label") or "")
