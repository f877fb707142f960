"""Mutations on task runs: the engine's bulk report."""

from typing import Annotated

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.errors import ErrorCode, MutationError
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.types.leases import LeaseInput, parse_uuid
from headgate_server.services import task_runs
from headgate_server.services.flow_runs.read import get_many_flow_runs


@strawberry.input(description="Task runs with all their states, in columns.")
class TaskRunSyncInput:
    flow_run_id: strawberry.ID = strawberry.field(description="The run they are part of.")
    lease: LeaseInput = strawberry.field(description="The lease of that run, or of its root.")
    batch_id: strawberry.ID = strawberry.field(description="A UUID, for tracing.")
    batch: JSON = strawberry.field(
        description="An object of equally long arrays, of 1 to 1,000 entries: id (made by the "
        "client: trun_ and a UUIDv7), taskKey, name, mapIndex (or null), tags, cacheKey (or null), "
        "attempt, parents (ids), states (each [type, name, microseconds since 1970, message or "
        "null]; the whole list so far, at most 200: the longer list wins)."
    )


@strawberry.type(description="A task run that was not taken.")
class TaskRunRejection:
    id: strawberry.ID = strawberry.field(description="As it was sent.")
    code: ErrorCode = strawberry.field(description="What kind of failure; for programs.")
    message: str = strawberry.field(description="What is wrong with it; for people.")


@strawberry.type(description="What became of a report.")
class TaskRunSyncPayload:
    accepted: int = payload_field("How many were taken.", default=0)
    rejected: list[TaskRunRejection] = payload_field("The others.", default=[])
    errors: list[MutationError] = errors_field()


@strawberry.type
class TaskRunMutations:
    @mutation(
        requires=[Scope.RUNS_EXECUTE],
        description="Report task runs in bulk. Safe to repeat, in any order.",
    )
    async def task_run_sync(
        self,
        info: Info,
        input: Annotated[TaskRunSyncInput, strawberry.argument(description="The report.")],
    ) -> TaskRunSyncPayload:
        context = info.context
        flow_run_id = ids.parse(input.flow_run_id, kind=ids.Kind.FLOW_RUN)
        parse_uuid(input.batch_id, path=["batchId"])
        lease = input.lease.to_own_ref(context.principal)
        workspace_id = await context.workspace_of(get_many_flow_runs, flow_run_id)
        async with context.work(workspace_id) as work:
            accepted, rejections = await task_runs.sync_task_runs(
                work, flow_run_id=flow_run_id, lease=lease, batch=input.batch
            )
        rejected = [
            TaskRunRejection(
                id=strawberry.ID(found.id), code=ErrorCode(found.code), message=found.message
            )
            for found in rejections
        ]
        return TaskRunSyncPayload(accepted=accepted, rejected=rejected)
