"""Follows the log of one run."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.permissions import Info, scoped_subscription
from headgate_server.graphql.scalars import Cursor
from headgate_server.graphql.shapes.filters import LogFilter
from headgate_server.graphql.types.logs import Filter, LogLine, show_line
from headgate_server.services.flow_runs.read import get_many_flow_runs


@strawberry.type(description="New lines of a run's log.")
class LogBatch:
    cursor: Cursor = strawberry.field(description="Pass it as after to go on from here.")
    lines: list[LogLine] = strawberry.field(description="The lines, in the order received.")
    caught_up: bool = strawberry.field(description="Whether this is all there is for now.")
    gap: bool = strawberry.field(
        description="Whether lines before these are gone for good, or after was of a database "
        "that was restored since; then this begins with the oldest that is kept."
    )
    ended: bool = strawberry.field(description="Whether the run has ended and no more will come.")


@strawberry.type
class LogSubscriptions:
    @scoped_subscription(
        requires=[Scope.LOGS_READ],
        description="A run's log, without a hole from a cursor on; ends when the run has ended.",
    )
    async def log_tail(
        self,
        info: Info,
        flow_run_id: Annotated[strawberry.ID, strawberry.argument(description="Whose log.")],
        after: Annotated[
            Cursor | None,
            strawberry.argument(
                description="Start behind this cursor of the same list, or of FlowRun.logs."
            ),
        ] = None,
        filter: Filter = None,
    ) -> AsyncGenerator[LogBatch, None]:
        context = info.context
        run_id = ids.parse(flow_run_id, kind=ids.Kind.FLOW_RUN)
        workspace_id, on = await context.place_of(get_many_flow_runs, run_id)
        batches = context.backend.tails.log_tail(
            context.principal,
            workspace_id,
            run_id=run_id,
            after=after,
            filter_=(filter or LogFilter()).to_filter(),
        )
        async with aclosing(batches):
            async for batch in batches:
                context.demand(workspace_id, on=on)
                yield LogBatch(
                    cursor=Cursor(batch.cursor),
                    lines=[show_line(line) for line in batch.lines],
                    caught_up=batch.is_caught_up,
                    gap=batch.has_gap,
                    ended=batch.has_ended,
                )
