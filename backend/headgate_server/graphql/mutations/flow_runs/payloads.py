"""What mutations on flow runs answer."""

from datetime import datetime

import strawberry

from headgate_server.domain.errors import HeadgateError
from headgate_server.domain.flow_runs import FlowRun as FlowRunRow
from headgate_server.graphql.errors import MutationError, present
from headgate_server.graphql.fields import errors_field, payload_field
from headgate_server.graphql.shapes.states import State, show_state, state_of_flow_run
from headgate_server.graphql.types.flow_runs import FlowRun, show_flow_run
from headgate_server.graphql.types.leases import RunLeaseRef
from headgate_server.services.transitions import Transition


@strawberry.type(description="A flow run that was created or changed.")
class FlowRunPayload:
    flow_run: FlowRun | None = payload_field("The run as it is now.")
    duplicate: bool | None = payload_field("Whether the same request had been carried out before.")
    errors: list[MutationError] = errors_field()


@strawberry.type(description="The runs of a batch, in its order.")
class FlowRunBatchPayload:
    results: list[FlowRunPayload] = payload_field("One result for each run.", default=[])
    errors: list[MutationError] = errors_field()


@strawberry.type(description="A run with the lease it was born under.")
class FlowRunBeginPayload:
    flow_run: FlowRun | None = payload_field("The run, PENDING.")
    flow_id: strawberry.ID | None = payload_field("The id of the flow that it executes.")
    lease: RunLeaseRef | None = payload_field("Its lease.")
    lease_token: str | None = payload_field("Shown with every write under the lease; secret.")
    run_token: str | None = payload_field("The credential of the run; dies with the lease.")
    lease_expires_at: datetime | None = payload_field("When the lease lapses without a renewal.")
    errors: list[MutationError] = errors_field()


@strawberry.type(description="What became of a proposed state.")
class RunStatePayload:
    run: FlowRun | None = payload_field("The run as it is now.")
    accepted: bool = payload_field(
        "Whether the run entered the state, perhaps under another name.", default=False
    )
    state: State | None = payload_field("The state the run is in now.")
    errors: list[MutationError] = errors_field()


def show_transition(done: Transition) -> RunStatePayload:
    """Return what became of a proposal; a refusal still shows the state the run is in."""
    return RunStatePayload(
        run=show_flow_run(done.run),
        accepted=done.is_accepted,
        state=(
            state_of_flow_run(done.run)
            if done.state is None
            else show_state(done.state, workspace_id=done.run.workspace_id)
        ),
        errors=[] if done.error is None else [present(done.error)],
    )


def show_change(done: Transition) -> FlowRunPayload:
    """Return the run after a person's request."""
    errors = [] if done.error is None else [present(done.error)]
    return FlowRunPayload(flow_run=show_flow_run(done.run), errors=errors)


def show_result(
    result: FlowRunRow | HeadgateError | None, *, is_duplicate: bool = False
) -> FlowRunPayload:
    """Return what became of one run of a batch; None is a run that is gone by now."""
    if isinstance(result, HeadgateError):
        return FlowRunPayload(errors=[present(result)])
    run = None if result is None else show_flow_run(result)
    return FlowRunPayload(flow_run=run, duplicate=is_duplicate)
