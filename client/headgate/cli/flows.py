"""``headgate flows``: list, get."""

from typing import Annotated

from cyclopts import Parameter

from headgate.api import flows
from headgate.api.flows import FlowAnswer, FlowSummary
from headgate.cli.connection import connect
from headgate.cli.flow_runs import LimitOption
from headgate.cli.names import get_flow
from headgate.cli.output import Columns, OutputOption, show_item, show_list, span


def list_flows(*, limit: LimitOption = 50, output: OutputOption = "table") -> None:
    """List flows by name."""
    with connect() as server:
        found = server.collect(flows.list_flows, limit=limit, is_told=output == "table")
    columns: Columns[FlowAnswer] = {
        "name": lambda flow: flow.name,
        "id": lambda flow: flow.id,
        "tags": lambda flow: flow.tags,
    }
    show_list(found, columns=columns, output=output)


def show_flow(
    name: Annotated[str, Parameter(help="its name")], /, *, output: OutputOption = "table"
) -> None:
    """Show a flow with its deployments, and how its runs of the last 30 days ended."""
    with connect() as server:
        found = server.call(
            flows.find_summary,
            organization=server.organization,
            workspace=server.workspace,
            name=get_flow(server, name=name).name,
        )
    if found is None:
        return
    fields: Columns[FlowSummary] = {
        "id": lambda flow: flow.id,
        "name": lambda flow: flow.name,
        "tags": lambda flow: flow.tags,
        "deployments": lambda flow: flow.deployments,
        "completed": lambda flow: flow.durations.completed,
        "failed": lambda flow: flow.durations.failed,
        "half take": lambda flow: span(flow.durations.p50),
        "95 of 100": lambda flow: span(flow.durations.p95),
        "first by": lambda flow: flow.created_by.display_name if flow.created_by else None,
    }
    show_item(found, fields=fields, output=output)
