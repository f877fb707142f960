"""``headgate agent list``: the agents of pools, and what they do."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

from cyclopts import Parameter

from headgate.api import work_pools
from headgate.api.work_pools import AgentAnswer
from headgate.cli.connection import connect
from headgate.cli.names import KNOWN_NAMES, get_work_pool
from headgate.cli.output import Columns, OutputOption, age, show_list


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent and the pool that it serves."""

    pool: str
    agent: AgentAnswer


def list_agents(
    *,
    pool: Annotated[str | None, Parameter(help="only of this pool")] = None,
    online: Annotated[
        bool, Parameter(name="--online", negative="", help="only those that are there")
    ] = False,
    output: OutputOption = "table",
) -> None:
    """List agents by pool and name, at most 100 of each pool."""
    with connect() as server:
        if pool is not None:
            get_work_pool(server, name=pool)
        lister = partial(work_pools.list_agents, is_online=True if online else None)
        pools = server.collect(lister, limit=KNOWN_NAMES, is_told=output == "table")
    rows = [
        AgentRow(one.name, agent)
        for one in pools
        if pool in {None, one.name}
        for agent in one.agents
    ]
    if output != "table":
        show_list([row.agent for row in rows], columns={}, output=output)
        return
    columns: Columns[AgentRow] = {
        "name": lambda row: row.agent.name,
        "pool": lambda row: row.pool,
        "state": lambda row: row.agent.state.lower(),
        "busy": lambda row: f"{row.agent.in_flight}/{row.agent.capacity}",
        "queues": lambda row: [queue.name for queue in row.agent.queues],
        "host": lambda row: row.agent.host,
        "version": lambda row: row.agent.sdk_version,
        "heard": lambda row: age(row.agent.last_heartbeat_at),
        "why": lambda row: row.agent.state_reason,
    }
    show_list(rows, columns=columns, output=output)
