"""Agents: names in a pool under which processes execute runs."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.agents import Agent as AgentRow
from headgate_server.domain.agents import AgentState
from headgate_server.domain.pagination import fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.connections import Connection, Listing, connect
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.scalars import JSON, Cursor
from headgate_server.graphql.shapes.nodes import Node, NodeKind, load, reads, show_id, shows
from headgate_server.graphql.types.work_queues import WorkQueue, show_work_queue
from headgate_server.services import agents, work_pools, work_queues
from headgate_server.services.flow_runs.read import get_many_flow_runs

if TYPE_CHECKING:
    from headgate_server.graphql.types.flow_runs import FlowRun
    from headgate_server.graphql.types.work_pools import WorkPool

strawberry.enum(AgentState, description="What an agent's latest process is doing.")


@strawberry.type(description="A name in a pool under which processes execute runs.")
class Agent(Node):
    name: str = strawberry.field(description="Unique in its pool; 1 to 200 characters.")
    state: AgentState = strawberry.field(description="What its latest process is doing.")
    capacity: int = strawberry.field(description="How many runs it takes at once; at most 1,000.")
    in_flight: int = strawberry.field(description="How many runs it holds now.")
    labels: JSON = strawberry.field(description="What it says of itself; at most 50.")
    sdk_version: str = strawberry.field(description="The version of its software.")
    host: str | None = strawberry.field(description="The machine it runs on.")
    last_heartbeat_at: datetime | None = strawberry.field(description="When it was last heard.")
    connected_at: datetime | None = strawberry.field(
        description="When its latest process registered."
    )
    row: strawberry.Private[AgentRow]

    @scoped_field(requires=ANY_CREDENTIAL, description="The pool it serves.")
    async def pool(
        self, info: Info
    ) -> Annotated["WorkPool", strawberry.lazy("headgate_server.graphql.types.work_pools")]:
        row = self.row
        fetch = work_pools.get_many_work_pools
        shown: Any = await load(
            info.context, fetch, row.work_pool_id, workspace_id=row.workspace_id
        )
        return shown

    @scoped_field(requires=ANY_CREDENTIAL, description="The queues it serves: all, or the named.")
    async def queues(self, info: Info) -> list[WorkQueue]:
        row = self.row
        found = await info.context.load(
            work_queues.get_many_of_pools, row.work_pool_id, workspace_id=row.workspace_id
        )
        served = row.queue_ids
        return [
            show_work_queue(queue) for queue in found or () if served is None or queue.id in served
        ]

    @scoped_field(requires=[Scope.RUNS_READ], description="The runs it holds, oldest claim first.")
    async def leases(
        self, info: Info
    ) -> list[Annotated["FlowRun", strawberry.lazy("headgate_server.graphql.types.flow_runs")]]:
        row, context = self.row, info.context
        ids_ = await context.load(agents.list_runs_of_agents, row.id, workspace_id=row.workspace_id)
        return [
            await load(context, get_many_flow_runs, run_id, workspace_id=row.workspace_id)
            for run_id in ids_ or ()
        ]


def show_agent(row: AgentRow) -> Agent:
    """Return an agent."""
    return Agent(
        id=show_id(ids.Kind.AGENT, row.id),
        name=row.name,
        state=row.state,
        capacity=row.capacity,
        in_flight=row.in_flight,
        labels=JSON(row.labels),
        sdk_version=row.sdk_version,
        host=row.host,
        last_heartbeat_at=row.last_heartbeat_at,
        connected_at=row.connected_at,
        row=row,
    )


async def list_of_pool(
    info: Info,
    *,
    workspace_id: UUID,
    work_pool_id: UUID,
    is_online: bool | None,
    first: int | None,
    after: Cursor | None,
) -> Connection[Agent]:
    """Return a page of a pool's agents by name."""
    listing: Listing[AgentRow] = Listing(
        of=fingerprint("agents", work_pool_id, is_online),
        key=lambda row: (row.name, row.id),
        key_types=tuple[str, UUID],
    )
    page = listing.request(first=first, after=after)
    async with info.context.work(workspace_id) as work:
        rows = await agents.list_agents(
            work, work_pool_id=work_pool_id, page=page, is_online=is_online
        )

    async def count(cap: int) -> int:
        async with info.context.work(workspace_id) as work:
            return await agents.count_agents(
                work, work_pool_id=work_pool_id, is_online=is_online, cap=cap
            )

    return connect(rows, listing=listing, show=show_agent, count=count)


shows(AgentRow, by=show_agent)
reads(ids.Kind.AGENT, by=NodeKind(fetch=agents.get_many_agents, scope=Scope.POOLS_READ))
