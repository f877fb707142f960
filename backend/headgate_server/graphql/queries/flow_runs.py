"""Flow runs by their ids."""

from typing import Annotated, Any

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.permissions import Info, scoped_field
from headgate_server.graphql.shapes.nodes import find_node
from headgate_server.graphql.shapes.started_runs import StartedRun, show_started
from headgate_server.graphql.types.flow_runs import FlowRun
from headgate_server.services.flow_runs.start import find_started


@strawberry.type
class FlowRunQueries:
    @scoped_field(requires=[Scope.RUNS_READ], description="A flow run, if the caller may see it.")
    async def flow_run(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
    ) -> FlowRun | None:
        ids.parse(id, kind=ids.Kind.FLOW_RUN)
        found: Any = await find_node(info.context, id)
        return found

    @scoped_field(
        requires=[Scope.RUNS_EXECUTE],
        description="A run that the caller, itself a run, has started; null for any other.",
    )
    async def flow_run_started(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
    ) -> StartedRun | None:
        context = info.context
        run_id = ids.parse(id, kind=ids.Kind.FLOW_RUN)
        grant = context.principal.run
        if grant is None:
            return None
        async with context.work(context.own_workspace_id) as work:
            found = await find_started(work, run_id, by=grant.run_id)
        return None if found is None else show_started(*found)
