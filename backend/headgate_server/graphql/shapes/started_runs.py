"""A run that another has started, as the other sees it: how it goes, and nothing else of it."""

from datetime import datetime

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.graphql.shapes.nodes import show_id
from headgate_server.graphql.shapes.states import State, state_of_flow_run


@strawberry.type(description="A run that the caller, itself a run, has started.")
class StartedRun:
    id: strawberry.ID = strawberry.field(description="Its id, as of any flow run.")
    name: str = strawberry.field(description="1 to 200 characters.")
    deployment_id: strawberry.ID | None = strawberry.field(
        description="Its deployment; null once that is deleted."
    )
    state: State = strawberry.field(description="The state it is in now.")
    expected_start: datetime | None = strawberry.field(description="When it is due.")
    started_at: datetime | None = strawberry.field(description="When it first ran.")
    ended_at: datetime | None = strawberry.field(description="When it ended.")
    coalesced_into: "StartedRun | None" = strawberry.field(
        default=None,
        description="The run that does for this one as well, where its deployment coalesced it: "
        "it waited already. As flowRunStarted alone tells it; null otherwise.",
    )


def show_started(run: FlowRun, other: FlowRun | None = None) -> StartedRun:
    """Return what the run that started another sees of it.

    Args:
        other: the run that does for it as well.
    """
    id_ = run.deployment_id
    return StartedRun(
        id=show_id(ids.Kind.FLOW_RUN, run.id),
        name=run.name,
        deployment_id=None if id_ is None else show_id(ids.Kind.DEPLOYMENT, id_),
        state=state_of_flow_run(run),
        expected_start=run.expected_start,
        started_at=run.started_at,
        ended_at=run.ended_at,
        coalesced_into=None if other is None else show_started(other),
    )
