"""The graph of a run, as a field of the run."""

from typing import Annotated
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.flow_runs import FlowRun as FlowRunRow
from headgate_server.domain.pagination import decode_cursor, encode_cursor, fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.domain.run_graphs import DEFAULT_MOST, parents_of
from headgate_server.domain.run_graphs import GraphGroup as GroupRow
from headgate_server.domain.run_graphs import RunGraph as GraphRow
from headgate_server.domain.states import StateType
from headgate_server.domain.task_runs import TaskRun as TaskRunRow
from headgate_server.graphql.directives import Cost
from headgate_server.graphql.permissions import Info, scoped_field
from headgate_server.graphql.scalars import Cursor
from headgate_server.graphql.shapes.nodes import show, show_id
from headgate_server.graphql.shapes.run_counts import StateCount
from headgate_server.graphql.shapes.runs import Run
from headgate_server.graphql.types.timelines import TimedRun
from headgate_server.services import run_graphs


@strawberry.type(description="A task run of a graph, or a run of another flow that one stands for.")
class GraphNode:
    run: Run = strawberry.field(description="The run.")
    parents: list[strawberry.ID] = strawberry.field(
        description="The task runs whose results went into it; of a subflow, the task run that "
        "stands for it."
    )


@strawberry.type(description="All task runs of one task, in a graph that has too many to show.")
class GraphGroup:
    task_key: str = strawberry.field(description="Names the task in its flow's code.")
    counts: list[StateCount] = strawberry.field(description="How many are in which state.")
    parents: list[str] = strawberry.field(
        description="The keys of the tasks whose results went into some of them."
    )
    subflow_count: int = strawberry.field(
        description="How many of them stand for runs of other flows."
    )


@strawberry.type(description="What a run's tasks made of each other's results.")
class RunGraph:
    cursor: Cursor = strawberry.field(description="Pass it as since, to get only what changed.")
    total: int = strawberry.field(description="How many task runs there are.")
    grouped: bool = strawberry.field(
        description="Whether there are too many to show: groups are there then, and no nodes."
    )
    nodes: list[GraphNode] = strawberry.field(
        description="Task runs that changed since, in the order they were made; then all subflows."
    )
    groups: list[GraphGroup] = strawberry.field(
        description="The task runs by task, in the order in which the tasks came first."
    )


@strawberry.type
class GraphedRun(TimedRun):
    """The graph and the timeline of a run, as fields of it."""

    @scoped_field(
        requires=[Scope.RUNS_READ],
        description="Its task runs, with what went into each, and the flows they called.",
        directives=[Cost(weight=10)],
    )
    async def graph(
        self,
        info: Info,
        since: Annotated[
            Cursor | None,
            strawberry.argument(description="Only task runs that changed behind this cursor."),
        ] = None,
        most: Annotated[
            int,
            strawberry.argument(
                description="Up to so many task runs are shown one by one: 0 to 500."
            ),
        ] = DEFAULT_MOST,
    ) -> RunGraph:
        run_id: UUID = self.row.id
        of = fingerprint("graph", run_id)
        after = decode_cursor(since, of=of, types=tuple[int])[0] if since else 0
        async with info.context.work(self.row.workspace_id) as work:
            found = await run_graphs.read_graph(work, run_id, since=after, most=most)
        return _show(found, cursor=Cursor(encode_cursor((found.sequence,), of=of)))


def _show(found: GraphRow, *, cursor: Cursor) -> RunGraph:
    return RunGraph(
        cursor=cursor,
        total=found.total,
        grouped=found.groups is not None,
        nodes=[_node(row) for row in (*found.task_runs, *found.subflows)],
        groups=[_group(row) for row in found.groups or ()],
    )


def _node(row: TaskRunRow | FlowRunRow) -> GraphNode:
    shown: Run = show(row)
    return GraphNode(
        run=shown, parents=[show_id(ids.Kind.TASK_RUN, parent) for parent in parents_of(row)]
    )


def _group(row: GroupRow) -> GraphGroup:
    return GraphGroup(
        task_key=row.task_key,
        counts=[
            StateCount(state=state, count=row.counts[state])
            for state in StateType
            if state in row.counts
        ],
        parents=list(row.parents),
        subflow_count=row.subflow_count,
    )
