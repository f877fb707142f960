"""Mutations on work queues."""

from typing import Annotated

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, given, mutation, payload_field
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.types.work_queues import WorkQueue, show_work_queue
from headgate_server.services import work_pools, work_queues
from headgate_server.services.work_queues import WorkQueueChanges


@strawberry.input(description="A work queue, by its name; what is not said keeps its value.")
class WorkQueueUpsertInput:
    work_pool_id: strawberry.ID = strawberry.field(description="In which pool.")
    name: str = strawberry.field(description="1 to 200 characters; names the queue.")
    priority: int | None = strawberry.field(
        default=None, description="1 to 1,000, 1 is served first; 10 in a new queue."
    )
    concurrency_limit: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="How many of its runs may be held at once, 0 to 1,000,000; null is no limit.",
    )
    paused: bool | None = strawberry.field(
        default=None, description="Whether nothing is offered from it."
    )
    expected_version: int | None = strawberry.field(
        default=None,
        description="Refuse if the queue has another version by now; 0: if there is one.",
    )


@strawberry.type(description="A work queue that was made or changed.")
class WorkQueuePayload:
    work_queue: WorkQueue | None = payload_field("The queue.")
    errors: list[MutationError] = errors_field()


@strawberry.type
class WorkQueueMutations:
    @mutation(
        requires=[Scope.POOLS_WRITE],
        description="Make or change the queue of a name; what waits in it follows.",
    )
    async def work_queue_upsert(
        self,
        info: Info,
        input: Annotated[WorkQueueUpsertInput, strawberry.argument(description="The queue.")],
    ) -> WorkQueuePayload:
        context = info.context
        pool_id = ids.parse(input.work_pool_id, kind=ids.Kind.WORK_POOL)
        changes = WorkQueueChanges(
            priority=given(input.priority),
            is_paused=given(input.paused),
            concurrency_limit=given(input.concurrency_limit, is_nullable=True),
        )
        workspace_id = await context.workspace_of(work_pools.get_many_work_pools, pool_id)
        async with context.work(workspace_id, on=pool_id) as work:
            row, _ = await work_queues.upsert_work_queue(
                work,
                work_pool_id=pool_id,
                name=input.name,
                changes=changes,
                expected_version=input.expected_version,
            )
        return WorkQueuePayload(work_queue=show_work_queue(row))
