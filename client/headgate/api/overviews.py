"""What goes on in a workspace right now, over the API: counts, pools, agents, live runs."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from headgate.api.calls import Answer, ask_workspace
from headgate.api.flow_runs import Named
from headgate.api.run_graphs import StateCount, StateName
from headgate.api.transport import Transport

NOUN = "overviews"
LIVE_TYPES = ("PENDING", "RUNNING", "PAUSED", "CANCELLING")


class LiveAgent(Answer, frozen=True):
    """An agent that is online."""

    name: str
    state: str
    in_flight: int
    capacity: int
    host: str | None = None
    last_heartbeat_at: datetime | None = None


class LiveBacklog(Answer, frozen=True):
    """What waits and runs in a pool."""

    ready: int
    running: int
    offered: int
    oldest_ready_age: timedelta | None = None


class LivePool(Answer, frozen=True):
    """A pool with its first agents that are online; ``agent_count`` says how many there are."""

    name: str
    status: str
    paused: bool
    backlog: LiveBacklog
    agents: list[LiveAgent]
    agent_count: int
    concurrency_limit: int | None = None


class LiveRun(Answer, frozen=True):
    """A run that has begun and not ended, or waits beyond its time."""

    id: str
    name: str
    flow: Named
    state: StateName
    work_pool: Named | None = None
    agent: str | None = None
    started_at: datetime | None = None
    expected_start: datetime | None = None


class Overview(Answer, frozen=True):
    """What goes on in a workspace.

    Args:
        last_hour: the runs that were due in it, by the state they are in now.
        has_more_runs, has_more_pools: whether some were left out.
    """

    running: int
    pending: int
    waiting: int
    late: int
    paused: int
    scheduled: int
    agents_online: int
    capacity: int
    taken: int
    last_hour: list[StateCount]
    pools: list[LivePool]
    runs: list[LiveRun]
    has_more_pools: bool = False
    has_more_runs: bool = False


async def get(
    transport: Transport, *, organization: str, workspace: str, first: int = 50
) -> Overview:
    """Return what goes on in a workspace: its first 20 pools, and the runs begun last.

    Args:
        first: up to so many runs, at most 100.

    Raises:
        NotFoundError: there is no such workspace, or this key may not see it.
    """
    live = {"or": [{"state": {"type": list(LIVE_TYPES)}}, {"state": {"name": ["Late"]}}]}
    found = await ask_workspace(
        transport,
        NOUN,
        "Overview",
        organization=organization,
        workspace=workspace,
        filter=live,
        first=first,
    )
    counts = found["counts"]
    numbers = ("running", "pending", "waiting", "late", "paused", "scheduled")
    document = {
        **{name: counts[name]["value"] for name in numbers},
        **counts["pools"],
        "lastHour": counts["inWindow"],
        "pools": [_pool(node) for node in found["workPools"]["nodes"]],
        "runs": [_run(node) for node in found["flowRuns"]["nodes"]],
        "hasMorePools": found["workPools"]["pageInfo"]["hasNextPage"],
        "hasMoreRuns": found["flowRuns"]["pageInfo"]["hasNextPage"],
    }
    return msgspec.convert(document, Overview)


def _pool(node: dict[str, Any]) -> dict[str, Any]:
    agents = node["agents"]
    return {**node, "agents": agents["nodes"], "agentCount": agents["totalCount"]["value"]}


def _run(node: dict[str, Any]) -> dict[str, Any]:
    lease: dict[str, Any] = node["lease"] or {}
    agent: dict[str, Any] = lease.get("agent") or {}
    return {**node, "agent": agent.get("name")}
