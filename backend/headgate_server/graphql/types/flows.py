"""Flows: what a name in a workspace stands for."""

from uuid import UUID

import strawberry

from headgate_server.domain import filters, ids
from headgate_server.domain.durations import RunOwner
from headgate_server.domain.flows import Flow as FlowRow
from headgate_server.domain.pagination import fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.connections import After, Connection, First, Listing, connect
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.scalars import Cursor
from headgate_server.graphql.shapes.actors import Actor, show_actor
from headgate_server.graphql.shapes.nodes import Node, NodeKind, Versioned, reads, show_id, shows
from headgate_server.graphql.types.deployments import Deployment, Runs
from headgate_server.graphql.types.deployments import list_of as list_deployments
from headgate_server.graphql.types.durations import Measured
from headgate_server.graphql.types.flow_runs import FlowRun
from headgate_server.graphql.types.flow_runs import list_of as list_flow_runs
from headgate_server.graphql.types.sla_rules import PromisingRuns
from headgate_server.services import flows


@strawberry.type(description="A flow that was run or deployed in a workspace.")
class Flow(PromisingRuns, Node, Versioned):
    name: str = strawberry.field(description="Unique in its workspace; 1 to 200 characters.")
    row: strawberry.Private[FlowRow]

    @scoped_field(requires=ANY_CREDENTIAL, description="Its tags, sorted; at most 50.")
    async def tags(self, info: Info) -> list[str]:
        row = self.row
        tags = await info.context.load(flows.get_many_tags, row.id, workspace_id=row.workspace_id)
        return list(tags or ())

    @scoped_field(requires=[Scope.FLOWS_READ], description="Its deployments, by name.")
    async def deployments(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[Deployment]:
        own = filters.FlowFilter(id=filters.IdFilter(eq=self.row.id))
        return await list_deployments(
            info,
            workspace_id=self.row.workspace_id,
            filter_=filters.DeploymentFilter(flow=own),
            first=first,
            after=after,
        )

    @scoped_field(
        requires=[Scope.RUNS_READ], description="Its runs, the latest expected start first."
    )
    async def runs(
        self, info: Info, first: First = None, after: After = None, filter: Runs = None
    ) -> Connection[FlowRun]:
        own = filters.FlowFilter(id=filters.IdFilter(eq=self.row.id))
        asked = (filter.to_filter(),) if filter else ()
        return await list_flow_runs(
            info,
            workspace_id=self.row.workspace_id,
            filter_=filters.FlowRunFilter(flow=own, and_=asked),
            first=first,
            after=after,
        )

    @strawberry.field(description="Who ran or deployed it first.")
    def created_by(self) -> Actor | None:
        return show_actor(self.row.created_by)

    @property
    def measured(self) -> Measured:
        """Return whose runs are measured."""
        return Measured(self.row.workspace_id, RunOwner.FLOW, self.row.id)


def show_flow(row: FlowRow) -> Flow:
    """Return a flow."""
    return Flow(
        id=show_id(ids.Kind.FLOW, row.id),
        name=row.name,
        version=row.version,
        updated_at=row.updated_at,
        row=row,
    )


shows(FlowRow, by=show_flow)
reads(ids.Kind.FLOW, by=NodeKind(fetch=flows.get_many_flows, scope=Scope.FLOWS_READ))


async def list_of(
    info: Info,
    *,
    workspace_id: UUID,
    filter_: filters.FlowFilter | None,
    first: int | None,
    after: Cursor | None,
) -> Connection[Flow]:
    """Return a page of a workspace's flows by name."""
    listing: Listing[FlowRow] = Listing(
        of=fingerprint("flows", workspace_id, filter_),
        key=lambda row: (row.name, row.id),
        key_types=tuple[str, UUID],
    )
    page = listing.request(first=first, after=after)
    async with info.context.work(workspace_id) as work:
        rows = await flows.list_flows(work, page=page, filter=filter_)

    async def count(cap: int) -> int:
        async with info.context.work(workspace_id) as work:
            return await flows.count_flows(work, filter=filter_, cap=cap)

    return connect(rows, listing=listing, show=show_flow, count=count)
