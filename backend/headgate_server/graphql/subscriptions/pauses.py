"""Follows a pause, for the process that waits at it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from headgate_server.domain.permissions import Scope
from headgate_server.graphql.permissions import Info, scoped_subscription
from headgate_server.graphql.types.leases import own_run_id
from headgate_server.graphql.types.pauses import Pause, show_pause
from headgate_server.services.flow_runs.read import get_many_flow_runs


@strawberry.type
class PauseSubscriptions:
    @scoped_subscription(
        requires=[Scope.RUNS_EXECUTE],
        description="A pause of the caller's own run as it is, then each change; ends when it "
        "waits no more.",
    )
    async def pause_updates(
        self,
        info: Info,
        flow_run_id: Annotated[strawberry.ID, strawberry.argument(description="Which run.")],
        key: Annotated[str, strawberry.argument(description="Under which key it asked.")],
    ) -> AsyncGenerator[Pause, None]:
        context = info.context
        run_id = own_run_id(context.principal, flow_run_id)
        workspace_id = await context.workspace_of(get_many_flow_runs, run_id)
        updates = context.backend.tails.waits.pause_updates(
            context.principal, workspace_id, flow_run_id=run_id, key=key
        )
        async with aclosing(updates):
            async for pause in updates:
                context.demand(workspace_id)
                yield show_pause(pause)
