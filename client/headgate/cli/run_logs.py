"""``headgate flow-runs logs``: a run's log, as it is or as it comes."""

import sys
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from headgate.api import logs
from headgate.api.calls import given
from headgate.api.logs import LogLine
from headgate.cli.connection import Server, connect
from headgate.cli.flow_runs import RunName
from headgate.cli.following import follow_log
from headgate.cli.names import get_flow_run
from headgate.cli.output import OutputOption, show_list
from headgate.cli.views import LogView, log_text

LINES_AT_ONCE = 1000
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
Level = Literal["debug", "info", "warning", "error", "critical"]


def show_logs(
    name: RunName,
    /,
    *,
    follow: Annotated[
        bool, Parameter(name=("--follow", "-f"), help="go on until the run ends")
    ] = False,
    tail: Annotated[
        int | None,
        Parameter(
            help="only this many lines from the end, at most 1000",
            validator=Number(gte=1, lte=LINES_AT_ONCE),
        ),
    ] = None,
    grep: Annotated[
        str | None, Parameter(help="only lines that hold this, whatever the case")
    ] = None,
    level: Annotated[Level | None, Parameter(help="only lines of this level or above")] = None,
    output: OutputOption = "table",
) -> None:
    """Print a run's log, oldest line first."""
    filter_ = given(text=grep, minLevel=None if level is None else _LEVELS[level]) or None
    with connect() as server:
        run = get_flow_run(server, name=name)
        if follow:
            view = LogView(sys.stdout)
            server.call(follow_log, flow_run_id=run.id, view=view, filter=filter_)
            return
        if tail is not None:
            lines = server.call(logs.list_logs, flow_run_id=run.id, last=tail, filter=filter_).items
        else:
            lines = read_lines(server, flow_run_id=run.id, filter_=filter_)
    if output != "table":
        show_list(lines, columns={}, output=output)
        return
    for line in lines:
        sys.stdout.write(log_text(line) + "\n")


def read_lines(
    server: Server, *, flow_run_id: str, filter_: dict[str, Any] | None = None
) -> list[LogLine]:
    """Return every line of a run's log that fits, oldest first."""
    found: list[LogLine] = []
    after: str | None = None
    while True:
        page = server.call(
            logs.list_logs,
            flow_run_id=flow_run_id,
            first=LINES_AT_ONCE,
            after=after,
            filter=filter_,
        )
        found += page.items
        after = page.end_cursor
        if not page.has_next_page:
            return found
