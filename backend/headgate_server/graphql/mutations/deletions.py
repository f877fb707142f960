"""Mutations that delete runs, flows, deployments, pools, variables, limits, blocks and more."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Protocol
from uuid import UUID

import strawberry

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.errors import Forbidden
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.errors import MutationError, present
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.mutations.flow_runs.fields import work_on_runs
from headgate_server.graphql.mutations.flow_runs.inputs import workspace_id_of
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.shapes.payloads import DeleteInput, DeletePayload
from headgate_server.services import (
    artifacts,
    assets,
    concurrency_limits,
    deletions,
    deployments,
    flows,
    variables,
    work_pools,
    work_queues,
)
from headgate_server.services.blocks import documents as block_documents
from headgate_server.services.blocks.read import get_many_documents
from headgate_server.services.flow_runs import read

Which = Annotated[DeleteInput, strawberry.argument(description="Which.")]


class Delete(Protocol):
    """A service that deletes one object."""

    def __call__(
        self, work: UnitOfWork, *, id_: UUID, expected_version: int | None
    ) -> Awaitable[None]:
        """Delete it."""
        ...


@strawberry.input(description="Runs to be deleted.")
class FlowRunDeleteBatchInput:
    workspace_id: strawberry.ID = strawberry.field(description="Where all of them are.")
    ids: list[strawberry.ID] = strawberry.field(description="Which: 1 to 100, each once.")


@strawberry.type(description="What became of the runs of a batch, in its order.")
class FlowRunDeleteBatchPayload:
    results: list[DeletePayload] = payload_field("One result for each run.", default=[])
    errors: list[MutationError] = errors_field()


@strawberry.type
class DeletionMutations:
    @mutation(
        requires=[Scope.RUNS_WRITE],
        description="Delete a run that has ended, with its history, task runs and logs.",
    )
    async def flow_run_delete(self, info: Info, input: Which) -> DeletePayload:
        id_ = ids.parse(input.id, kind=ids.Kind.FLOW_RUN)
        workspace_id, on = await info.context.place_of(read.get_many_flow_runs, id_)
        async with info.context.work(workspace_id, on=on) as work:
            await deletions.delete_flow_run(work, id_=id_, expected_version=input.expected_version)
        return DeletePayload(deleted_id=input.id)

    @mutation(
        requires=[Scope.RUNS_WRITE],
        description="Delete up to 100 runs that have ended; each succeeds or fails on its own.",
    )
    async def flow_run_delete_batch(
        self,
        info: Info,
        input: Annotated[FlowRunDeleteBatchInput, strawberry.argument(description="The runs.")],
    ) -> FlowRunDeleteBatchPayload:
        run_ids = [ids.parse(id_, kind=ids.Kind.FLOW_RUN) for id_ in input.ids]
        workspace_id = workspace_id_of(input.workspace_id)
        async with work_on_runs(info.context, workspace_id, run_ids) as work:
            results = await deletions.delete_flow_runs(work, run_ids)
        return FlowRunDeleteBatchPayload(
            results=[
                DeletePayload(deleted_id=id_)
                if error is None
                else DeletePayload(errors=[present(error)])
                for id_, error in zip(input.ids, results, strict=True)
            ]
        )

    @mutation(
        requires=[Scope.FLOWS_WRITE],
        description="Delete a flow with its runs, at most 1,000, which have all ended. Refused "
        "while it has deployments.",
    )
    async def flow_delete(self, info: Info, input: Which) -> DeletePayload:
        kind, fetch = ids.Kind.FLOW, flows.get_many_flows
        return await _delete(info, input, kind=kind, fetch=fetch, by=deletions.delete_flow)

    @mutation(
        requires=[Scope.FLOWS_WRITE],
        description="Delete a deployment with its schedules and what they have planned. Runs that "
        "have ended stay, without a deployment; refused while others have not.",
    )
    async def deployment_delete(self, info: Info, input: Which) -> DeletePayload:
        kind, fetch = ids.Kind.DEPLOYMENT, deployments.get_many_deployments
        return await _delete(info, input, kind=kind, fetch=fetch, by=deletions.delete_deployment)

    @mutation(
        requires=[Scope.POOLS_WRITE],
        description="Delete a pool with its queues and agents, whose keys are revoked. Refused "
        "while deployments or live runs need it.",
    )
    async def work_pool_delete(self, info: Info, input: Which) -> DeletePayload:
        kind, fetch = ids.Kind.WORK_POOL, work_pools.get_many_work_pools
        return await _delete(info, input, kind=kind, fetch=fetch, by=deletions.delete_work_pool)

    @mutation(
        requires=[Scope.POOLS_WRITE],
        description="Delete a queue. Refused for a pool's default queue, and while deployments "
        "or live runs need it.",
    )
    async def work_queue_delete(self, info: Info, input: Which) -> DeletePayload:
        kind, fetch = ids.Kind.WORK_QUEUE, work_queues.get_many_work_queues
        return await _delete(info, input, kind=kind, fetch=fetch, by=deletions.delete_work_queue)

    @mutation(
        requires=[Scope.VARIABLES_WRITE],
        description="Delete a variable with its history. Runs whose parameters or job variables "
        "name it fail to start from now on.",
    )
    async def variable_delete(self, info: Info, input: Which) -> DeletePayload:
        kind, fetch = ids.Kind.VARIABLE, variables.get_many_variables
        return await _delete(info, input, kind=kind, fetch=fetch, by=variables.delete_variable)

    @mutation(
        requires=[Scope.FLOWS_WRITE],
        description="Delete a concurrency limit. Who holds its slots goes on, and who waits for "
        "them waits no longer.",
    )
    async def concurrency_limit_delete(self, info: Info, input: Which) -> DeletePayload:
        kind, fetch = ids.Kind.CONCURRENCY_LIMIT, concurrency_limits.get_many_limits
        by = concurrency_limits.delete_limit
        return await _delete(info, input, kind=kind, fetch=fetch, by=by)

    @mutation(
        requires=[Scope.BLOCKS_WRITE],
        description="Delete a block with its secrets. Refused while other blocks refer to it.",
    )
    async def block_document_delete(self, info: Info, input: Which) -> DeletePayload:
        kind, fetch, by = ids.Kind.BLOCK_DOCUMENT, get_many_documents, block_documents
        return await _delete(info, input, kind=kind, fetch=fetch, by=by.delete_document)

    @mutation(
        requires=[Scope.ARTIFACTS_WRITE],
        description="Delete an artifact; of its key the one before it is the latest then. For "
        "people and their keys: a run's token deletes none.",
    )
    async def artifact_delete(self, info: Info, input: Which) -> DeletePayload:
        if info.context.principal.run is not None:
            raise Forbidden("A run deletes no artifacts; a person's key or a service account may.")
        kind, fetch = ids.Kind.ARTIFACT, artifacts.get_many_artifacts
        return await _delete(info, input, kind=kind, fetch=fetch, by=artifacts.delete_artifact)

    @mutation(
        requires=[Scope.ARTIFACTS_WRITE],
        description="Delete an asset with its history and the edges to others; the data stay where "
        "they are. For people and their keys: a run's token deletes none.",
    )
    async def asset_delete(self, info: Info, input: Which) -> DeletePayload:
        if info.context.principal.run is not None:
            raise Forbidden("A run deletes no assets; a person's key or a service account may.")
        kind, fetch = ids.Kind.ASSET, assets.get_many_assets
        return await _delete(info, input, kind=kind, fetch=fetch, by=assets.delete_asset)


async def _delete(
    info: Info, given: DeleteInput, *, kind: ids.Kind, fetch: Callable[..., Any], by: Delete
) -> DeletePayload:
    id_ = ids.parse(given.id, kind=kind)
    workspace_id = await info.context.workspace_of(fetch, id_)
    async with info.context.work(workspace_id, on=id_) as work:
        await by(work, id_=id_, expected_version=given.expected_version)
    return DeletePayload(deleted_id=given.id)
