"""Mutations on flows."""

from typing import Annotated

import strawberry

from headgate_server.domain.permissions import Scope
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.mutations.flow_runs.inputs import workspace_id_of
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.types.flows import Flow, show_flow
from headgate_server.services import flows


@strawberry.input(description="A flow, by its name.")
class FlowUpsertInput:
    workspace_id: strawberry.ID = strawberry.field(description="Where.")
    name: str = strawberry.field(description="1 to 200 characters; names the flow.")
    tags: list[str] | None = strawberry.field(
        default=None,
        description="Replace its tags: at most 50, of 1 to 100 characters; kept if not said.",
    )


@strawberry.type(description="A flow that was made or changed.")
class FlowPayload:
    flow: Flow | None = payload_field("The flow.")
    created: bool | None = payload_field("Whether it was made now.")
    errors: list[MutationError] = errors_field()


@strawberry.type
class FlowMutations:
    @mutation(requires=[Scope.FLOWS_WRITE], description="Make or change the flow of a name.")
    async def flow_upsert(
        self,
        info: Info,
        input: Annotated[FlowUpsertInput, strawberry.argument(description="The flow.")],
    ) -> FlowPayload:
        async with info.context.work(workspace_id_of(input.workspace_id)) as work:
            row, is_new = await flows.upsert_flow(work, name=input.name, tags=input.tags)
        return FlowPayload(flow=show_flow(row), created=is_new)
