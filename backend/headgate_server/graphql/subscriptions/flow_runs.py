"""Follows the changes of one run."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.connections import After
from headgate_server.graphql.permissions import Info, scoped_subscription
from headgate_server.graphql.scalars import Cursor
from headgate_server.graphql.shapes.states import State, show_state
from headgate_server.graphql.types.flow_runs import FlowRun, show_flow_run
from headgate_server.graphql.types.task_runs import TaskRun, show_task_run
from headgate_server.services.flow_runs.read import get_many_flow_runs


@strawberry.type(description="What changed in a run.")
class RunUpdate:
    cursor: Cursor = strawberry.field(description="Pass it as after to go on from here.")
    run: FlowRun = strawberry.field(description="The run as it is now.")
    states: list[State] = strawberry.field(description="The states it entered since.")
    task_runs: list[TaskRun] = strawberry.field(description="The task runs that changed since.")
    caught_up: bool = strawberry.field(description="Whether this is all there is for now.")
    gap: bool = strawberry.field(
        description="Whether changes before these are gone for good, or after was of a database "
        "that was restored since; then this begins with the oldest that is kept."
    )


@strawberry.type
class FlowRunSubscriptions:
    @scoped_subscription(
        requires=[Scope.RUNS_READ],
        description="A run as it is, then each change, without a hole from a cursor on; ends when "
        "the run has ended.",
    )
    async def flow_run_updates(
        self,
        info: Info,
        flow_run_id: Annotated[strawberry.ID, strawberry.argument(description="Which run.")],
        after: After = None,
    ) -> AsyncGenerator[RunUpdate, None]:
        context = info.context
        run_id = ids.parse(flow_run_id, kind=ids.Kind.FLOW_RUN)
        workspace_id, on = await context.place_of(get_many_flow_runs, run_id)
        updates = context.backend.tails.run_updates(
            context.principal, workspace_id, run_id=run_id, after=after
        )
        async with aclosing(updates):
            async for update in updates:
                context.demand(workspace_id, on=on)
                yield RunUpdate(
                    cursor=Cursor(update.cursor),
                    run=show_flow_run(update.run),
                    states=[show_state(row, workspace_id=workspace_id) for row in update.states],
                    task_runs=[show_task_run(row) for row in update.task_runs],
                    caught_up=update.is_caught_up,
                    gap=update.has_gap,
                )
