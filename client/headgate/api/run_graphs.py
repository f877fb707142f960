"""What a run's tasks made of each other's results, over the API."""

from datetime import datetime

import msgspec

from headgate.api.calls import Answer, ask, require
from headgate.api.flow_runs import Named
from headgate.api.transport import Transport

NOUN = "run_graphs"
MOST_NODES = 500


class StateName(Answer, frozen=True):
    """The state that a run is in."""

    type: str
    name: str


class GraphRun(Answer, frozen=True):
    """A task run, or the run of a flow that was called: that one has ``flow``."""

    id: str
    name: str
    state: StateName
    started_at: datetime | None = None
    ended_at: datetime | None = None
    task_key: str | None = None
    map_index: int | None = None
    flow: Named | None = None


class GraphNode(Answer, frozen=True):
    """A run, and the ids of those whose results went into it."""

    run: GraphRun
    parents: list[str]


class StateCount(Answer, frozen=True):
    """How many are in a state."""

    state: str
    count: int


class GraphGroup(Answer, frozen=True):
    """All runs of a task, and the tasks whose results went into some of them."""

    task_key: str
    parents: list[str]
    subflow_count: int
    counts: list[StateCount]


class RunGraph(Answer, frozen=True):
    """The graph: its nodes, or where there are too many of them, its groups."""

    total: int
    grouped: bool
    nodes: list[GraphNode]
    groups: list[GraphGroup]


class GraphAnswer(Answer, frozen=True):
    """A run with its graph."""

    id: str
    name: str
    flow: Named
    state: StateName
    graph: RunGraph
    started_at: datetime | None = None
    ended_at: datetime | None = None


async def get(transport: Transport, *, flow_run_id: str, most: int = MOST_NODES) -> GraphAnswer:
    """Return a run's graph.

    Args:
        most: up to so many task runs one by one, 0 to 500; more of them come as groups.

    Raises:
        NotFoundError: there is no such run, or this key may not see it.
    """
    found = await ask(transport, NOUN, "RunGraph", variables={"id": flow_run_id, "most": most})
    return msgspec.convert(require(found, what=f"flow run {flow_run_id}"), GraphAnswer)
