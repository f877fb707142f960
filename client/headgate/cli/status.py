"""``headgate status``: the server, who the key belongs to, the pools and their agents."""

import asyncio
import shlex
from typing import Any

import msgspec

from headgate.api import server_info, viewer
from headgate.api.calls import Answer
from headgate.api.transport import Transport
from headgate.cli.connection import connect
from headgate.cli.output import Columns, OutputOption, show_item
from headgate.errors import ForbiddenError
from headgate.version import VERSION

_AGENTS = """
query AgentsOnline($organization: String!, $workspace: String!) {
  workspace(organization: $organization, slug: $workspace) {
    workPools(first: 100) {
      nodes { name status agents(first: 20, online: true) { nodes { name inFlight capacity } } }
    }
  }
}
"""


class AgentRow(Answer, frozen=True):
    """An agent that is online."""

    name: str
    in_flight: int
    capacity: int


class PoolRow(Answer, frozen=True):
    """A pool and its agents online."""

    name: str
    status: str
    agents: list[AgentRow]


class Status(Answer, frozen=True):
    """What ``headgate status`` knows."""

    url: str
    server_version: str
    client_version: str
    profile: str | None
    workspace: str
    viewer: str
    viewer_kind: str
    scopes: list[str]
    work_pools: list[PoolRow] | None
    """None where the caller may not see them."""


def status(*, output: OutputOption = "table") -> None:
    """Show the server, who the key belongs to, and which agents are online."""
    with connect() as server:
        workspace_id = server.workspace_id
        found = server.call(
            _read,
            organization=server.organization,
            workspace=server.workspace,
            workspace_id=workspace_id,
        )
        shown = Status(
            url=server.url,
            client_version=VERSION,
            profile=server.settings.profile,
            workspace=f"{server.organization}/{server.workspace}",
            **found,
        )
    fields: Columns[Status] = {
        "server": lambda status: f"{status.url} ({status.server_version})",
        "client": lambda status: status.client_version,
        "profile": lambda status: status.profile,
        "workspace": lambda status: status.workspace,
        "you are": lambda status: f"{status.viewer} ({status.viewer_kind})",
        "scopes": lambda status: len(status.scopes),
        "agents": _agents,
    }
    show_item(shown, fields=fields, output=output)


async def _read(
    transport: Transport, *, organization: str, workspace: str, workspace_id: str
) -> dict[str, Any]:
    try:
        async with asyncio.TaskGroup() as tasks:
            info = tasks.create_task(server_info.get(transport))
            actor = tasks.create_task(viewer.get(transport, workspace_id=workspace_id))
            pools = tasks.create_task(
                _read_pools(transport, organization=organization, workspace=workspace)
            )
    except ExceptionGroup as group:
        # They are asked together, and fail for the same reason; the first says it.
        raise group.exceptions[0] from group
    return {
        "server_version": info.result().version,
        "viewer": actor.result().display_name,
        "viewer_kind": actor.result().kind,
        "scopes": actor.result().scopes,
        "work_pools": pools.result(),
    }


async def _read_pools(
    transport: Transport, *, organization: str, workspace: str
) -> list[PoolRow] | None:
    """Return the pools with their agents online; None where the caller may not see them."""
    variables = {"organization": organization, "workspace": workspace}
    try:
        answer = await transport.execute(_AGENTS, variables, operation="AgentsOnline")
    except ForbiddenError:
        return None
    nodes = answer["workspace"]["workPools"]["nodes"]
    return msgspec.convert(
        [{**node, "agents": node["agents"]["nodes"]} for node in nodes], list[PoolRow]
    )


def _agents(status: Status) -> str:
    if status.work_pools is None:
        return "not shown: it takes the permission POOLS_READ"
    lines = [
        f"{agent.name} serves {pool.name}, {agent.in_flight} of {agent.capacity} busy"
        for pool in status.work_pools
        for agent in pool.agents
    ]
    idle = [pool.name for pool in status.work_pools if not pool.agents]
    lines += [
        f"none serves {name}: `headgate agent start --pool {name}`"
        for name in map(shlex.quote, idle)
    ]
    return "\n".join(lines) or "no work pool yet: `headgate work-pools create NAME`"
