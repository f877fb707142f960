"""``headgate agent list``: the agents of pools, and what they do."""

from functools import partial
from typing import Annotated

from cyclopts import Parameter

from headgate.api import work_pools
from headgate.api.work_pools import AgentAnswer
from headgate.cli.connection import Server, connect
from headgate.cli.flow_runs import LimitOption
from headgate.cli.names import KNOWN_NAMES, get_work_pool
from headgate.cli.output import Columns, OutputOption, age, say, show_list


def list_agents(
    *,
    pool: Annotated[str | None, Parameter(help="only of this pool")] = None,
    online: Annotated[
        bool, Parameter(name="--online", negative="", help="only those that are there")
    ] = False,
    limit: LimitOption = 100,
    output: OutputOption = "table",
) -> None:
    """List agents by pool and name."""
    found: list[AgentAnswer] = []
    with connect() as server:
        for name in _pools(server, pool):
            if len(found) == limit:
                say(f"Only the first {limit} are shown; --limit shows more.")
                break
            lister = partial(work_pools.list_agents, pool=name, is_online=True if online else None)
            found += server.collect(lister, limit=limit - len(found), is_told=output == "table")
    columns: Columns[AgentAnswer] = {
        "name": lambda agent: agent.name,
        "pool": lambda agent: agent.pool.name,
        "state": lambda agent: agent.state.lower(),
        "busy": lambda agent: f"{agent.in_flight}/{agent.capacity}",
        "queues": lambda agent: [queue.name for queue in agent.queues],
        "host": lambda agent: agent.host,
        "version": lambda agent: agent.sdk_version,
        "heard": lambda agent: age(agent.last_heartbeat_at),
        "why": lambda agent: agent.state_reason,
    }
    show_list(found, columns=columns, output=output)


def _pools(server: Server, pool: str | None) -> list[str]:
    """Return the names of the pools that are meant."""
    if pool is not None:
        return [get_work_pool(server, name=pool).name]
    known = server.collect(work_pools.list_work_pools, limit=KNOWN_NAMES, is_told=False)
    return [one.name for one in known]
