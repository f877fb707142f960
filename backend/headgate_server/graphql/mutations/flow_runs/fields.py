"""The mutations on flow runs."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import strawberry

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import api_keys, ids
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.flow_runs import FlowRun as FlowRunRow
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.permissions import NOTHING, Scope
from headgate_server.domain.slices import sliced
from headgate_server.domain.states import ProposedState, StateType
from headgate_server.domain.tenancy import lacking
from headgate_server.graphql.context import OperationContext, needing
from headgate_server.graphql.fields import STORING, mutation
from headgate_server.graphql.mutations.flow_runs.inputs import (
    FlowRunBeginInput,
    FlowRunCreateBatchInput,
    FlowRunCreateInput,
    FlowRunRetryInput,
    RunCancelInput,
    RunSetStateInput,
    workspace_id_of,
)
from headgate_server.graphql.mutations.flow_runs.payloads import (
    FlowRunBatchPayload,
    FlowRunBeginPayload,
    FlowRunPayload,
    RunStatePayload,
    show_change,
    show_result,
    show_transition,
)
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info
from headgate_server.graphql.shapes.blocks import demand_use, demand_variables
from headgate_server.graphql.shapes.nodes import show_id
from headgate_server.graphql.types.flow_runs import show_flow_run
from headgate_server.graphql.types.leases import RunLeaseRef
from headgate_server.services.flow_runs import bulk, change, create, read
from headgate_server.services.flow_runs.create_once import create_runs_once
from headgate_server.services.idempotency_keys import once
from headgate_server.services.transitions import Transition

_AS_A_PERSON = frozenset({Scope.RUNS_WRITE})


@asynccontextmanager
async def work_on_run(context: OperationContext, run_id: UUID) -> AsyncGenerator[UnitOfWork]:
    """Open the unit of work of a run; what is granted on its deployment alone counts too."""
    workspace_id, on = await context.place_of(read.get_many_flow_runs, run_id)
    async with context.work(workspace_id, on=on) as work:
        yield work


@asynccontextmanager
async def work_on_runs(
    context: OperationContext, workspace_id: UUID, run_ids: Sequence[UUID]
) -> AsyncGenerator[UnitOfWork]:
    """Open the unit of work of a batch of runs, whose deployments all count as in ``work_on_run``.

    Raises:
        InvalidInput: they are no batch.
    """
    deployment_ids: list[UUID | None] = [None]
    if context.principal.all_rights().objects and await context.may_enter(workspace_id):
        bulk.check_batch(run_ids)
        load = partial(context.loaders.load, read.get_many_flow_runs, workspace_id=workspace_id)
        found = await asyncio.gather(*(load(run_id) for run_id in run_ids))
        deployment_ids = [run and run.deployment_id for run in found]
    async with _work_of(context, workspace_id, deployment_ids) as work:
        yield work


@asynccontextmanager
async def _work_of(
    context: OperationContext, workspace_id: UUID, deployment_ids: Sequence[UUID | None]
) -> AsyncGenerator[UnitOfWork]:
    """Open a unit of work for who may do it with each of the deployments; None is the workspace."""
    first, *others = dict.fromkeys(deployment_ids) or [None]
    async with context.work(workspace_id, on=first) as work:
        for other in others:
            context.demand(workspace_id, on=other)
        yield work


@strawberry.type
class FlowRunMutations:
    @mutation(
        requires=[Scope.RUNS_WRITE],
        description=f"Create a run of a deployment, for an agent. {STORING}",
    )
    async def flow_run_create(
        self,
        info: Info,
        input: Annotated[FlowRunCreateInput, strawberry.argument(description="What to run.")],
    ) -> FlowRunPayload:
        request = input.to_request()
        created: dict[UUID, FlowRunRow] = {}
        workspace_id, on = workspace_id_of(input.workspace_id), request.deployment_id
        demand_use(info.context, workspace_id, request.parameters, request.job_variables)
        async with info.context.work(workspace_id, on=on) as work:
            await demand_variables(info.context, work, [request])

            async def carry_out() -> dict[str, Any]:
                info.context.check_storage()
                run = await create.create_run(work, request)
                created[run.id] = run
                return {"id": str(run.id)}

            answer, is_duplicate = await once(
                work,
                operation="flowRunCreate",
                key=request.idempotency_key,
                body=strawberry.asdict(input),
                carry_out=carry_out,
            )
            run_id = UUID(answer["id"])
            found = created or await read.get_many_flow_runs(work, [run_id])
        row = found.get(run_id)
        run = show_flow_run(row) if row else None
        return FlowRunPayload(flow_run=run, duplicate=is_duplicate)

    @mutation(
        requires=[Scope.RUNS_WRITE],
        description="Create up to 1,000 runs in one go; each succeeds or fails on its own. They "
        "take at most 16 MiB together, with the parameters of their deployments: what comes after "
        "is answered LIMIT_EXCEEDED. An idempotency key is the whole batch's: sent again, it is "
        f"answered as before, also of the runs that were refused. {STORING}",
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
                raise InvalidInput(
                    "Runs of a batch have no idempotency keys; the batch has one.", path=path
                )
        requests = [run.to_request() async for some in sliced(input.runs) for run in some]
        for request in requests:
            demand_use(info.context, workspace_id, request.parameters, request.job_variables)
        is_keyed = input.idempotency_key is not None
        body = [
            strawberry.asdict(run) async for some in sliced(input.runs) for run in some if is_keyed
        ]
        deployment_ids = [request.deployment_id for request in requests]
        async with _work_of(info.context, workspace_id, deployment_ids) as work:
            await demand_variables(info.context, work, requests)
            results, is_duplicate = await create_runs_once(
                work,
                requests,
                key=input.idempotency_key,
                body=body,
                check=info.context.check_storage,
            )
        shown = [
            show_result(result, is_duplicate=is_duplicate)
            async for some in sliced(results)
            for result in some
        ]
        return FlowRunBatchPayload(results=shown)

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
        created: dict[UUID, FlowRunRow] = {}
        async with context.work(workspace_id_of(input.workspace_id)) as work:

            async def carry_out() -> dict[str, Any]:
                if request.parent_task_run_id is None:
                    context.check_storage()
                begun = await create.begin_run(
                    work, request, lease=timers.lease, parent=context.principal.run
                )
                created[begun.run.id] = begun.run
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
                body=strawberry.asdict(replace(input, sent_at=None)),
                carry_out=carry_out,
            )
            run_id = UUID(answer["id"])
            found = created or await read.get_many_flow_runs(work, [run_id])
        return await _show_begun(context, found[run_id], answer)

    @mutation(
        requires=ANY_CREDENTIAL,
        description="Propose a state for a run: as its holder under a lease, else with RUNS_WRITE "
        "as a person. RUNNING under a lease is the start gate: user code starts after accepted. A "
        "run that has ended stays so: a person corrects the end with force and a reason, and "
        "starts it again with flowRunRetry.",
    )
    async def flow_run_set_state(
        self,
        info: Info,
        input: Annotated[RunSetStateInput, strawberry.argument(description="The proposal.")],
    ) -> RunStatePayload:
        context = info.context
        needed = _AS_A_PERSON if input.lease is None else NOTHING
        missing = context.principal.missing_scopes(needed)
        if missing:
            raise lacking(missing)
        run_id = ids.parse(input.id, kind=ids.Kind.FLOW_RUN)
        lease = input.lease.to_own_ref(context.principal) if input.lease else None
        state = input.state.to_proposal()
        key = input.idempotency_key
        if lease is not None:
            return show_transition(
                await _propose(context, run_id, state=state, lease=lease, key=key)
            )
        with needing(needed):
            async with work_on_run(context, run_id) as work:
                done = await change.set_state(
                    work,
                    run_id=run_id,
                    state=state,
                    lease=None,
                    key=key,
                    correction=change.Correction(
                        is_forced=bool(input.force),
                        expected_sequence=input.expected_sequence,
                        reason=input.reason,
                    ),
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
        async with work_on_run(info.context, run_id) as work:
            done = await change.cancel_run(work, run_id=run_id, request=request)
        return show_change(done)

    @mutation(
        requires=[Scope.RUNS_WRITE],
        description="Start a run that has ended again: the same run, its history goes on. It runs "
        "as its deployment is today: that version, in its pool and queue, by its schema. "
        "Approvals are asked for again; with other parameters, every pause is.",
    )
    async def flow_run_retry(
        self,
        info: Info,
        input: Annotated[FlowRunRetryInput, strawberry.argument(description="What to retry.")],
    ) -> FlowRunPayload:
        run_id = ids.parse(input.id, kind=ids.Kind.FLOW_RUN)
        request = input.to_request()
        async with work_on_run(info.context, run_id) as work:
            if request.parameters is not None:
                info.context.check_storage()
                demand_use(info.context, work.workspace_id, request.parameters)
            done = await change.retry_run(work, run_id=run_id, request=request)
        return show_change(done)


async def _propose(
    context: OperationContext,
    run_id: UUID,
    *,
    state: ProposedState,
    lease: LeaseRef,
    key: str | None,
) -> Transition:
    """Propose a state for a run on behalf of its holder, together with what others propose."""
    proposal = change.check_proposal(run_id=run_id, state=state, lease=lease, key=key)
    workspace_id = await context.workspace_of(read.get_many_flow_runs, run_id)
    await context.enter(workspace_id)
    return await context.backend.dispatcher.changes.propose(
        context.principal, workspace_id, run_id=run_id, proposal=proposal
    )


async def _show_begun(
    context: OperationContext, row: FlowRunRow, answer: dict[str, Any]
) -> FlowRunBeginPayload:
    expires_at = datetime.fromisoformat(answer["expires"])
    principal = context.principal
    shown = principal.run or principal
    return FlowRunBeginPayload(
        flow_run=show_flow_run(row),
        flow_id=show_id(ids.Kind.FLOW, row.flow_id),
        lease=RunLeaseRef(
            run_id=show_id(ids.Kind.FLOW_RUN, row.id),
            epoch=answer["epoch"],
            expires_at=expires_at,
            cancel_requested=row.state_type is StateType.CANCELLING,
        ),
        lease_token=answer["token"],
        run_token=api_keys.run_token(
            row.id,
            organization_id=principal.organization_id,
            workspace_id=row.workspace_id,
            generation=await context.generation(),
            epoch=answer["epoch"],
            pepper=context.backend.pepper,
            withheld=_withheld(context, row.workspace_id),
            api_key_id=shown.api_key_id,
            secret_number=shown.secret_number,
        ),
        lease_expires_at=expires_at,
    )


def _withheld(context: OperationContext, workspace_id: UUID) -> frozenset[Scope]:
    """Return what the run's token does not carry, for the caller does not hold it.

    Of blocks and deployments, which single ones the caller may use is asked as the run does.
    """
    principal = context.principal
    held = principal.scopes_in(workspace_id)
    held |= principal.scopes & {Scope.BLOCKS_USE, Scope.RUNS_WRITE}
    if principal.run is not None and principal.run.may_start:
        held |= {Scope.RUNS_WRITE}
    return frozenset(api_keys.WITHHELD) - held
