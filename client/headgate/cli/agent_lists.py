"""``headgate agent list`` and ``drain``: the agents of pools, and what they do."""

from functools import partial
from typing import Annotated

from cyclopts import Parameter

from headgate.api import work_pools
from headgate.api.work_pools import AgentAnswer
from headgate.cli.connection import Server, connect
from headgate.cli.failures import CommandError, ExitCode, near_names
from headgate.cli.flow_runs import LimitOption
from headgate.cli.names import KNOWN_NAMES, get_work_pool
from headgate.cli.output import Columns, OutputOption, age, say, show_item, show_list
from headgate.clock import now
from headgate.deployments.schedules import read_length


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
    show_list(found, columns=_columns(), output=output)


def drain_agent(
    name: Annotated[str, Parameter(help="its name or its id")],
    /,
    *,
    pool: Annotated[str | None, Parameter(help="its pool, where several have the name")] = None,
    within: Annotated[
        str | None, Parameter(help="how long it is expected to take, as 2h; shown to others")
    ] = None,
    reason: Annotated[str | None, Parameter(help="why, for whoever looks at it")] = None,
    output: OutputOption = "table",
) -> None:
    """Let an agent take no more runs, and end with the last one that it holds.

    It is asked at once and ends in its own time, so nothing is cancelled. Start it again to undo.
    """
    length = None if within is None else read_length(within)
    with connect() as server:
        is_id = name.startswith("agent_")
        drained = server.call(
            work_pools.request_drain,
            agent_id=name if is_id else _find(server, name=name, pool=pool).id,
            deadline=None if length is None else now() + length,
            reason=reason,
        )
    show_item(drained, fields=_columns(), output=output)


def _find(server: Server, *, name: str, pool: str | None) -> AgentAnswer:
    """Return the agent of a name that is there; those that went long ago count for nothing.

    Raises:
        CommandError: there is none, or agents of several pools have the name.
    """
    known: list[AgentAnswer] = []
    for one in _pools(server, pool):
        lister = partial(work_pools.list_agents, pool=one, is_online=True)
        known += server.collect(lister, limit=KNOWN_NAMES, is_told=False)
    found = [agent for agent in known if agent.name == name]
    if len(found) > 1:
        pools = ", ".join(agent.pool.name for agent in found)
        raise CommandError(
            f"Agents of several pools are called {name!r}: {pools}",
            code=ExitCode.USAGE,
            hints=["Say --pool NAME."],
        )
    if not found:
        names = (agent.name for agent in known)
        raise CommandError(
            f"No agent {name!r} is there",
            code=ExitCode.NOT_FOUND,
            hints=near_names(name, known=names, listing="headgate agent list"),
        )
    return found[0]


def _columns() -> Columns[AgentAnswer]:
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
    return columns


def _pools(server: Server, pool: str | None) -> list[str]:
    """Return the names of the pools that are meant."""
    if pool is not None:
        return [get_work_pool(server, name=pool).name]
    known = server.collect(work_pools.list_work_pools, limit=KNOWN_NAMES, is_told=False)
    return [one.name for one in known]
