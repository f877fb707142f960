"""Mutations on flow runs: create, begin, move, cancel, retry."""

from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

import strawberry

from headgate_server.domain import api_keys, ids
from headgate_server.domain.errors import HeadgateError, InvalidInput
from headgate_server.domain.flow_runs import FlowRun as FlowRunRow
from headgate_server.domain.permissions import Scope
from headgate_server.domain.states import StateType
from headgate_server.graphql.context import OperationContext
from headgate_server.graphql.errors import MutationError, present
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, lacking
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.types.flow_runs import FlowRun, show_flow_run
from headgate_server.graphql.types.leases import LeaseInput, RunLeaseRef, parse_uuid
from headgate_server.graphql.types.nodes import show_id
from headgate_server.graphql.types.states import State, StateInput, state_of_flow_run
from headgate_server.services.flow_runs import change, create, read
from headgate_server.services.flow_runs.create import BeginRequest, RunRequest
from headgate_server.services.idempotency_keys import once
from headgate_server.services.transitions import Transition

_TAGS = "At most 50 tags of 1 to 100 characters."


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
        default=None, description="An object that changes this run's job."
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
        )


@strawberry.input(description="Runs to be created together; each on its own.")
class FlowRunCreateBatchInput:
    workspace_id: strawberry.ID = strawberry.field(description="Where; all in one workspace.")
    runs: list[FlowRunCreateInput] = strawberry.field(description="1 to 1,000 runs.")


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
        )


@strawberry.input(description="A state proposed for a run.")
class RunSetStateInput:
    id: strawberry.ID = strawberry.field(description="Which run.")
    state: StateInput = strawberry.field(description="The state.")
    lease: LeaseInput | None = strawberry.field(
        default=None, description="The holder's lease; without one, it needs RUNS_WRITE."
    )
    force: bool | None = strawberry.field(
        default=None, description="Skip the rules that protect a run; people only."
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


def an_object(value: JSON | None, name: str) -> dict[str, Any] | None:
    """Return a JSON value that is an object or null.

    Raises:
        InvalidInput: any other value.
    """
    if not isinstance(value, dict | None):
        raise InvalidInput(f"{name} is a JSON object.", path=[name])
    return cast("dict[str, Any] | None", value)


def show_transition(done: Transition) -> RunStatePayload:
    """Return what became of a proposal; a refusal still shows the state the run is in."""
    return RunStatePayload(
        run=show_flow_run(done.run),
        accepted=done.is_accepted,
        state=state_of_flow_run(done.run),
        errors=[] if done.error is None else [present(done.error)],
    )


def show_change(done: Transition) -> FlowRunPayload:
    """Return the run after a person's request."""
    errors = [] if done.error is None else [present(done.error)]
    return FlowRunPayload(flow_run=show_flow_run(done.run), errors=errors)


def workspace_id_of(shown: str) -> UUID:
    """Return the workspace that an input names.

    Raises:
        InvalidId: not the id of a workspace.
    """
    return ids.parse(shown, kind=ids.Kind.WORKSPACE)


async def _workspace_of_run(context: OperationContext, run_id: UUID) -> UUID:
    return await context.workspace_of(read.get_many_flow_runs, run_id)


@strawberry.type
class FlowRunMutations:
    @mutation(
        requires=[Scope.RUNS_WRITE], description="Create a run of a deployment, for an agent."
    )
    async def flow_run_create(
        self,
        info: Info,
        input: Annotated[FlowRunCreateInput, strawberry.argument(description="What to run.")],
    ) -> FlowRunPayload:
        request = input.to_request()
        async with info.context.work(workspace_id_of(input.workspace_id)) as work:

            async def carry_out() -> dict[str, Any]:
                return {"id": str((await create.create_run(work, request)).id)}

            answer, is_duplicate = await once(
                work,
                operation="flowRunCreate",
                key=request.idempotency_key,
                body=strawberry.asdict(input),
                carry_out=carry_out,
            )
            run_id = UUID(answer["id"])
            row = (await read.get_many_flow_runs(work, [run_id])).get(run_id)
        run = show_flow_run(row) if row else None
        return FlowRunPayload(flow_run=run, duplicate=is_duplicate)

    @mutation(
        requires=[Scope.RUNS_WRITE],
        description="Create up to 1,000 runs in one go; each succeeds or fails on its own. "
        "Idempotency keys belong to single creations.",
    )
    async def flow_run_create_batch(
        self,
        info: Info,
        input: Annotated[FlowRunCreateBatchInput, strawberry.argument(description="The runs.")],
    ) -> FlowRunBatchPayload:
        workspace_id = workspace_id_of(input.workspace_id)
        for index, run in enumerate(input.runs):
            if run.workspace_id != input.workspace_id:
                path = ["runs", str(index), "workspaceId"]
                raise InvalidInput("All runs of a batch are in its workspace.", path=path)
            if run.idempotency_key is not None:
                path = ["runs", str(index), "idempotencyKey"]
                raise InvalidInput("Runs of a batch have no idempotency keys.", path=path)
        requests = [run.to_request() for run in input.runs]
        async with info.context.work(workspace_id) as work:
            results = await create.create_runs(work, requests)
        return FlowRunBatchPayload(results=[_show_result(result) for result in results])

    @mutation(
        requires=[Scope.RUNS_EXECUTE],
        description="Create a run that the caller executes itself: run, lease and run token in one "
        "step.",
    )
    async def flow_run_begin(
        self,
        info: Info,
        input: Annotated[FlowRunBeginInput, strawberry.argument(description="What begins.")],
    ) -> FlowRunBeginPayload:
        context = info.context
        request = input.to_request()
        timers = context.backend.timers
        async with context.work(workspace_id_of(input.workspace_id)) as work:

            async def carry_out() -> dict[str, Any]:
                begun = await create.begin_run(
                    work, request, lease=timers.lease, parent=context.principal.run
                )
                return {
                    "id": str(begun.run.id),
                    "token": str(begun.lease.token),
                    "epoch": begun.lease.epoch,
                    "expires": begun.expires_at.isoformat(),
                }

            answer, _ = await once(
                work,
                operation="flowRunBegin",
                key=request.idempotency_key,
                body=strawberry.asdict(input),
                carry_out=carry_out,
            )
            run_id = UUID(answer["id"])
            row = (await read.get_many_flow_runs(work, [run_id]))[run_id]
        return _show_begun(context, row, answer)

    @mutation(
        requires=ANY_CREDENTIAL,
        description="Propose a state for a run: as its holder under a lease, else with RUNS_WRITE "
        "as a person. RUNNING under a lease is the start gate: user code starts after accepted.",
    )
    async def flow_run_set_state(
        self,
        info: Info,
        input: Annotated[RunSetStateInput, strawberry.argument(description="The proposal.")],
    ) -> RunStatePayload:
        context = info.context
        missing = context.principal.missing_scopes(frozenset({Scope.RUNS_WRITE}))
        if input.lease is None and missing:
            raise lacking(missing)
        run_id = ids.parse(input.id, kind=ids.Kind.FLOW_RUN)
        lease = input.lease.to_ref("lease") if input.lease else None
        state = input.state.to_proposal()
        async with context.work(await _workspace_of_run(context, run_id)) as work:
            done = await change.set_state(
                work,
                run_id=run_id,
                state=state,
                lease=lease,
                key=input.idempotency_key,
                is_forced=bool(input.force),
            )
        return show_transition(done)

    @mutation(
        requires=[Scope.RUNS_WRITE],
        description="Cancel a run: at once where it has not started, else through its process.",
    )
    async def flow_run_cancel(
        self,
        info: Info,
        input: Annotated[RunCancelInput, strawberry.argument(description="What to cancel.")],
    ) -> FlowRunPayload:
        run_id = ids.parse(input.id, kind=ids.Kind.FLOW_RUN)
        request = change.CancelRequest(
            reason=input.reason, grace_seconds=input.grace_seconds, is_forced=input.force
        )
        workspace_id = await _workspace_of_run(info.context, run_id)
        async with info.context.work(workspace_id) as work:
            done = await change.cancel_run(work, run_id=run_id, request=request)
        return show_change(done)

    @mutation(
        requires=[Scope.RUNS_WRITE],
        description="Start a run that has ended again: the same run, its history goes on.",
    )
    async def flow_run_retry(
        self,
        info: Info,
        input: Annotated[FlowRunRetryInput, strawberry.argument(description="What to retry.")],
    ) -> FlowRunPayload:
        run_id = ids.parse(input.id, kind=ids.Kind.FLOW_RUN)
        workspace_id = await _workspace_of_run(info.context, run_id)
        async with info.context.work(workspace_id) as work:
            done = await change.retry_run(work, run_id=run_id)
        return show_change(done)


def _show_result(result: FlowRunRow | HeadgateError) -> FlowRunPayload:
    if isinstance(result, HeadgateError):
        return FlowRunPayload(errors=[present(result)])
    return FlowRunPayload(flow_run=show_flow_run(result), duplicate=False)


def _show_begun(
    context: OperationContext, row: FlowRunRow, answer: dict[str, Any]
) -> FlowRunBeginPayload:
    expires_at = datetime.fromisoformat(answer["expires"])
    return FlowRunBeginPayload(
        flow_run=show_flow_run(row),
        lease=RunLeaseRef(
            run_id=show_id(ids.Kind.FLOW_RUN, row.id),
            epoch=answer["epoch"],
            expires_at=expires_at,
            cancel_requested=row.state_type is StateType.CANCELLING,
        ),
        lease_token=answer["token"],
        run_token=api_keys.run_token(
            row.id,
            organization_id=context.principal.organization_id,
            workspace_id=row.workspace_id,
            epoch=answer["epoch"],
            pepper=context.backend.secret_key,
        ),
        lease_expires_at=expires_at,
    )
