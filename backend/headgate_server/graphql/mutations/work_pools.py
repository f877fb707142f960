"""Mutations on work pools."""

from functools import partial
from typing import Annotated

import strawberry

from headgate_server.domain.job_templates import NEEDED_SCOPES
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, given, mutation, payload_field
from headgate_server.graphql.mutations.flow_runs.inputs import workspace_id_of
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.shapes.json_values import an_object
from headgate_server.graphql.shapes.single_objects import existing
from headgate_server.graphql.types.work_pools import WorkPool, show_work_pool
from headgate_server.services import work_pools
from headgate_server.services.work_pools import WorkPoolChanges


@strawberry.input(description="A work pool, by its name; what is not said keeps its value.")
class WorkPoolUpsertInput:
    workspace_id: strawberry.ID = strawberry.field(description="Where.")
    name: str = strawberry.field(description="1 to 200 characters; names the pool.")
    type: str = strawberry.field(
        description="process, docker, kubernetes or ecs; cannot change afterwards."
    )
    paused: bool | None = strawberry.field(
        default=None, description="Whether nothing is offered from it."
    )
    concurrency_limit: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="How many of its runs may be held at once, 0 to 1,000,000; null is no limit.",
    )
    base_job_template: JSON | None = strawberry.field(
        default=None,
        description='What every job of the pool is made of: {"variables": a JSON Schema of the job '
        'variables that deployments and runs may give, with their defaults, "job_configuration": '
        "what the pool says itself, with {{ name }} for one of them}. A run takes that of its "
        "claim, so another holds for what waits, too. Setting it takes FLOWS_WRITE, RUNS_WRITE "
        "and BLOCKS_USE beside POOLS_WRITE.",
    )
    expected_version: int | None = strawberry.field(
        default=None,
        description="Refuse if the pool has another version by now; 0: if there is one.",
    )

    def to_changes(self) -> WorkPoolChanges:
        """Return what was said.

        Raises:
            InvalidInput: a template that is no object.
        """
        return WorkPoolChanges(
            is_paused=given(self.paused),
            concurrency_limit=given(self.concurrency_limit, is_nullable=True),
            base_job_template=given(an_object(self.base_job_template, "baseJobTemplate")),
        )


@strawberry.type(description="A work pool that was made or changed.")
class WorkPoolPayload:
    work_pool: WorkPool | None = payload_field("The pool.")
    created: bool | None = payload_field("Whether it was made now.")
    errors: list[MutationError] = errors_field()


@strawberry.type
class WorkPoolMutations:
    @mutation(
        requires=[Scope.POOLS_WRITE],
        description="Make or change the work pool of a name; a new one has the queue default.",
        is_storing=True,
    )
    async def work_pool_upsert(
        self,
        info: Info,
        input: Annotated[WorkPoolUpsertInput, strawberry.argument(description="The pool.")],
    ) -> WorkPoolPayload:
        context, changes = info.context, input.to_changes()
        workspace_id = workspace_id_of(input.workspace_id)
        lacking = NEEDED_SCOPES - context.principal.scopes_in(workspace_id)
        on = await existing(
            context, workspace_id, partial(work_pools.find_by_name, name=input.name)
        )
        async with context.work(workspace_id, on=on) as work:
            row, is_new = await work_pools.upsert_work_pool(
                work,
                name=input.name,
                type_=input.type,
                changes=changes,
                expected_version=input.expected_version,
                lacking=lacking,
            )
            # The name may be another pool's by now.
            context.demand(workspace_id, on=row.id)
        return WorkPoolPayload(work_pool=show_work_pool(row), created=is_new)
