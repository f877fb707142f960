"""Flows: what a name in a workspace stands for."""

from typing import TYPE_CHECKING

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.flows import Flow as FlowRow
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.types.actors import Actor, show_actor
from headgate_server.graphql.types.nodes import Node, NodeKind, Versioned, reads, show_id, shows
from headgate_server.services import flows

if TYPE_CHECKING:
    pass


@strawberry.type(description="A flow that was run or deployed in a workspace.")
class Flow(Node, Versioned):
    name: str = strawberry.field(description="Unique in its workspace; 1 to 200 characters.")
    row: strawberry.Private[FlowRow]

    @scoped_field(requires=ANY_CREDENTIAL, description="Its tags, sorted; at most 50.")
    async def tags(self, info: Info) -> list[str]:
        row = self.row
        tags = await info.context.load(flows.get_many_tags, row.id, workspace_id=row.workspace_id)
        return list(tags or ())

    @strawberry.field(description="Who ran or deployed it first.")
    def created_by(self) -> Actor | None:
        return show_actor(self.row.created_by)


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
