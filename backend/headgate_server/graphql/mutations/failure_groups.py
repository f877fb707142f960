"""Mutations on failure groups: mute, resolve, open, retry all of them."""

from typing import Annotated

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.failure_groups import FailureGroupStatus
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.mutations.flow_runs.bulk import show_one
from headgate_server.graphql.mutations.flow_runs.payloads import FlowRunPayload
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.shapes.refusals import RefusalCount, count_refusals
from headgate_server.graphql.types.failure_groups import FailureGroup, show_group
from headgate_server.services import failure_groups


@strawberry.input(description="What to make of a failure group.")
class FailureGroupUpdateInput:
    id: strawberry.ID = strawberry.field(description="Which.")
    status: FailureGroupStatus = strawberry.field(
        description="MUTED stays so when it is seen again, RESOLVED becomes REGRESSED then; OPEN "
        "undoes both."
    )
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse if it has another version by now."
    )


@strawberry.input(description="A failure group whose runs are to be started again.")
class FailureGroupRetryInput:
    id: strawberry.ID = strawberry.field(description="Which.")
    first: int = strawberry.field(
        default=failure_groups.MAX_RETRIES_AT_ONCE,
        description="How many at once, the oldest first: 1 to 100. Those that nothing can start, "
        "for their deployment or queue is gone, come last.",
    )


@strawberry.type(description="A failure group that was changed.")
class FailureGroupPayload:
    failure_group: FailureGroup | None = payload_field("The group.")
    errors: list[MutationError] = errors_field()


@strawberry.type(description="What became of the runs of a failure group.")
class FailureGroupRetryPayload:
    results: list[FlowRunPayload] = payload_field("One result for each run.", default=[])
    remaining: int = payload_field(
        "How many are still to be started, 10,000 at most: ask again for them.", default=0
    )
    refused: int = payload_field(
        "How many still stand as the group says and were refused a new start, now or before; "
        "10,000 at most. They are left out until their deployment has another version.",
        default=0,
    )
    refusals: list[RefusalCount] = payload_field(
        "Why runs were refused in this call, the most frequent reason first; up to 20.", default=[]
    )
    errors: list[MutationError] = errors_field()


@strawberry.type
class FailureGroupMutations:
    @mutation(
        requires=[Scope.RUNS_WRITE],
        description="Mute, resolve or open a failure group. Nothing happens to its runs.",
    )
    async def failure_group_update(
        self,
        info: Info,
        input: Annotated[FailureGroupUpdateInput, strawberry.argument(description="What.")],
    ) -> FailureGroupPayload:
        id_ = ids.parse(input.id, kind=ids.Kind.FAILURE_GROUP)
        workspace_id = await info.context.workspace_of(failure_groups.get_many_groups, id_)
        async with info.context.work(workspace_id) as work:
            row = await failure_groups.set_status(
                work, id_=id_, status=input.status, expected_version=input.expected_version
            )
        return FailureGroupPayload(failure_group=show_group(row))

    @mutation(
        requires=[Scope.RUNS_WRITE],
        description="Start the runs again whose last state is this failure, as flowRunRetry does: "
        "of the current version of their deployment. Each succeeds or fails on its own. One that "
        "is refused for its parameters, or as nothing can start it, says so once: asked again, it "
        "is left out until its deployment has another version. Where a quota has no room, the runs "
        "remain, and are answered QUOTA_EXCEEDED.",
    )
    async def failure_group_retry(
        self,
        info: Info,
        input: Annotated[FailureGroupRetryInput, strawberry.argument(description="Which.")],
    ) -> FailureGroupRetryPayload:
        id_ = ids.parse(input.id, kind=ids.Kind.FAILURE_GROUP)
        workspace_id = await info.context.workspace_of(failure_groups.get_many_groups, id_)
        async with info.context.work(workspace_id) as work:
            done = await failure_groups.retry_group(work, id_=id_, most=input.first)
        results = [show_one(result) for result in done.results]
        return FailureGroupRetryPayload(
            results=results,
            remaining=done.remaining,
            refused=done.refused,
            refusals=count_refusals(error.message for one in results for error in one.errors),
        )
