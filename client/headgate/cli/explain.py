"""``headgate explain``: why a run is not running, and what would end that; or what a code means."""

import sys
from typing import Annotated

import msgspec
from cyclopts import Parameter

from headgate.api import blockers
from headgate.api.blockers import BlockerAnswer, WhyAnswer
from headgate.cli.blockers import carry_out
from headgate.cli.confirming import YesOption
from headgate.cli.connection import connect
from headgate.cli.explanations import Explanation, find_explanation
from headgate.cli.names import get_flow_run
from headgate.cli.output import Columns, OutputOption, age, say, show_item, write_document
from headgate.texts import visible


def explain(
    what: Annotated[str, Parameter(help="a run's id or name, or a code as NO_AGENT")],
    /,
    *,
    do: Annotated[
        bool, Parameter(name="--do", negative="", help="do what would end the nearest cause")
    ] = False,
    yes: YesOption = False,
    output: OutputOption = "table",
) -> None:
    """Say why a run is not running: every cause, the nearest first, with what would end each.

    Of a code of an error, of a blocker or of an exit, say what it means.
    """
    known = find_explanation(what)
    if known is not None:
        fields: Columns[Explanation] = {
            "code": lambda _: what.upper(),
            "means": lambda one: one.meaning,
            "what helps": lambda one: one.next,
        }
        show_item(known, fields=fields, output=output)
        return
    with connect() as server:
        found = server.call(blockers.why, flow_run_id=get_flow_run(server, name=what).id)
        if output != "table":
            write_document(msgspec.to_builtins(found), output)
        else:
            _show(found)
        if do:
            carry_out(server, found, is_sure=yes)


def _show(found: WhyAnswer) -> None:
    if not found.why_not_running:
        say(f"Nothing holds {found.name} up: it is {found.state.name}.")
        return
    lines = [f"{found.name} is {found.state.name}, and does not run:"]
    for number, cause in enumerate(found.why_not_running, start=1):
        since = f", since {age(cause.since)}" if cause.since else ""
        lines += ["", f"{number}. {cause.code}{since}"]
        lines += [f"   {line}" for line in _details(cause)]
    sys.stdout.write("".join(f"{visible(line)}\n" for line in lines))


def _details(cause: BlockerAnswer) -> list[str]:
    action = cause.action or {}
    lines = [cause.message]
    if cause.queue_position is not None:
        lines.append(f"Before it in line: {cause.queue_position}.")
    if cause.holders:
        lines.append(f"Held by {', '.join(holder.name for holder in cause.holders)}.")
    if cause.expected_start is not None:
        lines.append(f"Probably gone {age(cause.expected_start)}.")
    if "mutation" in action:
        lines.append(f"What helps: {action['label']} (--do).")
    elif action.get("command"):
        lines.append(f"What helps: `{action['command']}`")
    return lines
