"""``headgate flows``: list."""

from headgate.api import flows
from headgate.api.flows import FlowAnswer
from headgate.cli.connection import connect
from headgate.cli.flow_runs import LimitOption
from headgate.cli.output import Columns, OutputOption, show_list


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
