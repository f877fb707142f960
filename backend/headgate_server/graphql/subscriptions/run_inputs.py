"""Follows the mailbox of a run, for the process that reads it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from headgate_server.domain.permissions import Scope
from headgate_server.graphql.permissions import Info, scoped_subscription
from headgate_server.graphql.types.leases import own_run_id
from headgate_server.graphql.types.run_inputs import RunInput, show_run_input
from headgate_server.services.flow_runs.read import get_many_flow_runs


@strawberry.type
class RunInputSubscriptions:
    @scoped_subscription(
        requires=[Scope.RUNS_EXECUTE],
        description="The inputs of the caller's own run behind a place, in order, then each that "
        "comes, up to 100 at once. The last sequence is where to go on from.",
    )
    async def run_inputs(
        self,
        info: Info,
        flow_run_id: Annotated[strawberry.ID, strawberry.argument(description="Whose mailbox.")],
        keyset: Annotated[str | None, strawberry.argument(description="Only of this kind.")] = None,
        after: Annotated[
            int, strawberry.argument(description="The sequence of the last one that was read.")
        ] = 0,
    ) -> AsyncGenerator[list[RunInput], None]:
        context = info.context
        run_id = own_run_id(context.principal, flow_run_id)
        workspace_id = await context.workspace_of(get_many_flow_runs, run_id)
        batches = context.backend.tails.waits.run_inputs(
            context.principal, workspace_id, flow_run_id=run_id, keyset=keyset, after=after
        )
        async with aclosing(batches):
            async for batch in batches:
                context.demand(workspace_id)
                yield [show_run_input(row) for row in batch]
