"""The mutations on many runs at once: cancel, retry."""

from typing import Annotated

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.errors import HeadgateError
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.errors import present
from headgate_server.graphql.fields import mutation
from headgate_server.graphql.mutations.flow_runs.fields import work_on_runs
from headgate_server.graphql.mutations.flow_runs.inputs import workspace_id_of
from headgate_server.graphql.mutations.flow_runs.payloads import (
    FlowRunBatchPayload,
    FlowRunPayload,
    show_change,
)
from headgate_server.graphql.permissions import Info
from headgate_server.services.flow_runs import bulk
from headgate_server.services.flow_runs.change import CancelRequest

_WHICH = "Which: 1 to 100, each once."


@strawberry.input(description="Runs to be cancelled.")
class FlowRunCancelBatchInput:
    workspace_id: strawberry.ID = strawberry.field(description="Where all of them are.")
    ids: list[strawberry.ID] = strawberry.field(description=_WHICH)
    reason: str | None = strawberry.field(default=None, description="As of flowRunCancel.")
    grace_seconds: int = strawberry.field(default=30, description="As of flowRunCancel.")
    force: bool = strawberry.field(default=False, description="As of flowRunCancel.")


@strawberry.input(description="Runs to be started again.")
class FlowRunRetryBatchInput:
    workspace_id: strawberry.ID = strawberry.field(description="Where all of them are.")
    ids: list[strawberry.ID] = strawberry.field(description=_WHICH)


@strawberry.type
class FlowRunBulkMutations:
    @mutation(
        requires=[Scope.RUNS_WRITE],
        description="Cancel up to 100 runs as flowRunCancel does; each succeeds or fails on its "
        "own.",
    )
    async def flow_run_cancel_batch(
        self,
        info: Info,
        input: Annotated[FlowRunCancelBatchInput, strawberry.argument(description="The runs.")],
    ) -> FlowRunBatchPayload:
        run_ids = [ids.parse(id_, kind=ids.Kind.FLOW_RUN) for id_ in input.ids]
        request = CancelRequest(
            reason=input.reason, grace_seconds=input.grace_seconds, is_forced=input.force
        )
        workspace_id = workspace_id_of(input.workspace_id)
        async with work_on_runs(info.context, workspace_id, run_ids) as work:
            results = await bulk.cancel_runs(work, run_ids, request=request)
        return FlowRunBatchPayload(results=[show_one(result) for result in results])

    @mutation(
        requires=[Scope.RUNS_WRITE],
        description="Start up to 100 runs that have ended again as flowRunRetry does; each "
        "succeeds or fails on its own. Where a quota has no room for all of them, those that were "
        "made first start, and the others are answered QUOTA_EXCEEDED.",
    )
    async def flow_run_retry_batch(
        self,
        info: Info,
        input: Annotated[FlowRunRetryBatchInput, strawberry.argument(description="The runs.")],
    ) -> FlowRunBatchPayload:
        run_ids = [ids.parse(id_, kind=ids.Kind.FLOW_RUN) for id_ in input.ids]
        workspace_id = workspace_id_of(input.workspace_id)
        async with work_on_runs(info.context, workspace_id, run_ids) as work:
            results = await bulk.retry_runs(work, run_ids)
        return FlowRunBatchPayload(results=[show_one(result) for result in results])


def show_one(result: bulk.Result) -> FlowRunPayload:
    """Return what became of one run."""
    if isinstance(result, HeadgateError):
        return FlowRunPayload(errors=[present(result)])
    return show_change(result)
