"""What mutations on flow runs are given."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.reruns import RerunRequest
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.shapes.json_values import an_object
from headgate_server.graphql.shapes.plain_inputs import plain
from headgate_server.graphql.shapes.states import StateInput
from headgate_server.graphql.types.leases import LeaseInput, parse_uuid
from headgate_server.graphql.types.reruns import to_request
from headgate_server.services.flow_runs.create import BeginRequest, RunRequest


def workspace_id_of(shown: str) -> UUID:
    """Return the workspace that an input names.

    Raises:
        InvalidId: not the id of a workspace.
    """
    return ids.parse(shown, kind=ids.Kind.WORKSPACE)


_TAGS = "At most 50 tags of 1 to 100 characters."


@plain
@strawberry.input(description="A run of a deployment, for an agent.")
class FlowRunCreateInput:
    workspace_id: strawberry.ID = strawberry.field(description="Where.")
    deployment_id: strawberry.ID = strawberry.field(description="Of which deployment.")
    name: str | None = strawberry.field(
        default=None, description="1 to 200 characters; made up if not said."
    )
    parameters: JSON | None = strawberry.field(
        default=None,
        description="An object that is laid over the deployment's parameters; at most 512 KiB.",
    )
    tags: list[str] | None = strawberry.field(
        default=None, description=f"Beside the deployment's own. {_TAGS}"
    )
    priority: int | None = strawberry.field(
        default=None, description="-1,000 to 1,000, high first; 0 if not said."
    )
    work_queue_name: str | None = strawberry.field(
        default=None, description="A queue of the deployment's pool; its own queue if not said."
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="At most 255 characters; the same key within 24 hours makes no second run.",
    )
    parent_task_run_id: strawberry.ID | None = strawberry.field(
        default=None, description="The task run that stands for it in its parent."
    )
    expected_start: datetime | None = strawberry.field(
        default=None, description="When it is due, within ten years; now if not said."
    )
    job_variables: JSON | None = strawberry.field(
        default=None,
        description="Job variables, over the deployment's; env is laid over name by name. The "
        "template of the pool refuses them as far as it declares them.",
    )
    collision_key: str | None = strawberry.field(
        default=None,
        description="Where its deployment coalesces runs: this run is cancelled if another of the "
        "key waits already; 1 to 255 characters.",
    )

    def to_request(self) -> RunRequest:
        """Return the request.

        Raises:
            InvalidInput: an id, or something that is not an object.
        """
        parent = self.parent_task_run_id
        return RunRequest(
            deployment_id=ids.parse(self.deployment_id, kind=ids.Kind.DEPLOYMENT),
            name=self.name,
            parameters=an_object(self.parameters, "parameters"),
            tags=tuple(self.tags or ()),
            priority=self.priority or 0,
            work_queue_name=self.work_queue_name,
            idempotency_key=self.idempotency_key,
            parent_task_run_id=ids.parse(parent, kind=ids.Kind.TASK_RUN) if parent else None,
            expected_start=self.expected_start,
            job_variables=an_object(self.job_variables, "jobVariables"),
            collision_key=self.collision_key,
        )


@strawberry.input(description="Runs to be created together; each on its own.")
class FlowRunCreateBatchInput:
    workspace_id: strawberry.ID = strawberry.field(description="Where; all in one workspace.")
    runs: list[FlowRunCreateInput] = strawberry.field(
        description="1 to 1,000 runs, without idempotency keys of their own."
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="At most 255 characters; the same key within 24 hours makes no second runs.",
    )


@strawberry.input(description="A run that starts in the caller's own process.")
class FlowRunBeginInput:
    workspace_id: strawberry.ID = strawberry.field(description="Where.")
    flow_name: str = strawberry.field(description="1 to 200 characters; made if it is new.")
    name: str | None = strawberry.field(
        default=None, description="1 to 200 characters; made up if not said."
    )
    parameters: JSON | None = strawberry.field(
        default=None, description="An object: what the flow is called with; at most 512 KiB."
    )
    tags: list[str] | None = strawberry.field(default=None, description=_TAGS)
    parent_task_run_id: strawberry.ID | None = strawberry.field(
        default=None, description="The task run that stands for it in its parent."
    )
    client_id: strawberry.ID = strawberry.field(description="A UUID of the calling process.")
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="At most 255 characters; the same key within 24 hours begins no second run.",
    )
    id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The run's id where the caller makes it: run_ and a UUIDv7 made as the run "
        "began, within the last 30 days; one that was never used.",
    )
    lease_token: str | None = strawberry.field(
        default=None,
        description="The token of the lease where the caller makes it: a UUID that nobody can "
        "guess, of version 4.",
    )
    sent_at: datetime | None = strawberry.field(
        default=None,
        description="What the clock that the id was made by shows as this is sent: a run that "
        "began long before now is told with its times.",
    )

    def to_request(self) -> BeginRequest:
        """Return the request.

        Raises:
            InvalidInput: an id, or something that is not an object.
        """
        parse_uuid(self.client_id, path=["clientId"])
        parent = self.parent_task_run_id
        return BeginRequest(
            flow_name=self.flow_name,
            name=self.name,
            parameters=an_object(self.parameters, "parameters") or {},
            tags=tuple(self.tags or ()),
            parent_task_run_id=ids.parse(parent, kind=ids.Kind.TASK_RUN) if parent else None,
            idempotency_key=self.idempotency_key,
            id=ids.parse(self.id, kind=ids.Kind.FLOW_RUN) if self.id else None,
            lease_token=_lease_token(self.lease_token),
            sent_at=self.sent_at,
        )


def _lease_token(text: str | None) -> UUID | None:
    if text is None:
        return None
    token = parse_uuid(text, path=["leaseToken"])
    if token.version != 4:
        raise InvalidInput("leaseToken is a UUID of version 4.", path=["leaseToken"])
    return token


@strawberry.input(description="A state proposed for a run.")
class RunSetStateInput:
    id: strawberry.ID = strawberry.field(description="Which run.")
    state: StateInput = strawberry.field(description="The state.")
    lease: LeaseInput | None = strawberry.field(
        default=None, description="The holder's lease; without one, it needs RUNS_WRITE."
    )
    expected_sequence: int | None = strawberry.field(
        default=None,
        description="The sequence of the state that was seen: nothing changes where the run has "
        "moved on since.",
    )
    reason: str | None = strawberry.field(
        default=None,
        description="Why, for the history and the audit log; people only, 1 to 4,000 characters.",
    )
    force: bool | None = strawberry.field(
        default=None,
        description="Skip the rules that protect a run; people only. With a reason, it corrects "
        "how a run that has ended is known to have ended: all else of it stays as it was.",
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="The same proposal with the same key is answered the same."
    )


@strawberry.input(description="A run to be cancelled.")
class RunCancelInput:
    id: strawberry.ID = strawberry.field(description="Which run.")
    reason: str | None = strawberry.field(default=None, description="Why, for people.")
    grace_seconds: int = strawberry.field(
        default=30, description="How long its process may take to end: 0 to 3,600."
    )
    force: bool = strawberry.field(
        default=False, description="End the run now, whatever its process does."
    )


@strawberry.input(description="A run to be started again, as the same run.")
class FlowRunRetryInput:
    id: strawberry.ID = strawberry.field(description="Which run; it has ended.")
    from_failed: bool = strawberry.field(
        default=False,
        description="Only what did not complete, and what depends on it; see retryPreview.",
    )
    from_task_run_ids: list[strawberry.ID] | None = strawberry.field(
        default=None,
        description="Only these, and what depends on them; 1,000 at most. See retryPreview.",
    )
    parameters: JSON | None = strawberry.field(
        default=None,
        description="An object that is laid over the run's parameters. A task that gets other "
        "inputs by it is done again, also where retryPreview has it reused.",
    )

    def to_request(self) -> RerunRequest:
        """Return how the run is started again.

        Raises:
            InvalidInput: an id, or parameters that are no object.
        """
        chosen = to_request(self.from_failed, self.from_task_run_ids)
        return replace(chosen, parameters=an_object(self.parameters, "parameters"))
