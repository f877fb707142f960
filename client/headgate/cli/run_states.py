"""``headgate flow-runs set-state``: a person says how a run ends, or ended."""

from typing import Annotated, Literal

from cyclopts import Parameter

from headgate.api import flow_runs
from headgate.cli.connection import connect
from headgate.cli.flow_runs import RunName, show_run
from headgate.cli.names import get_flow_run as find_by_name
from headgate.cli.output import OutputOption
from headgate.states import StateType

End = Literal["completed", "failed", "crashed", "cancelled"]


def set_flow_run_state(
    name: RunName,
    state: Annotated[End, Parameter(help="how it ends")],
    /,
    *,
    reason: Annotated[
        str | None, Parameter(help="why, for the run's history and the audit log")
    ] = None,
    force: Annotated[
        bool,
        Parameter(
            negative="",
            help="past the rules of ordinary transitions; corrects a run that has ended",
        ),
    ] = False,
    output: OutputOption = "table",
) -> None:
    """End a run by hand, or correct how one ended: --force with a --reason.

    A correction changes what the run is counted as; when it ended, and what it left, stays.
    """
    with connect() as server:
        run = find_by_name(server, name=name)
        proposal = server.call(
            flow_runs.set_state,
            flow_run_id=run.id,
            state={"type": StateType(state.upper())},
            is_forced=force,
            reason=reason,
        )
        if proposal.refusal is not None:
            raise proposal.refusal
        now = server.call(flow_runs.get, flow_run_id=run.id)
    show_run(now, output=output)
