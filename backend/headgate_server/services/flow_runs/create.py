"""Creates runs: of a deployment for an agent, of a schedule, or in the caller's own process."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import flows as flow_rules
from headgate_server.domain import ids, names
from headgate_server.domain.deployments import (
    DEFAULT_ABANDON_AFTER,
    DEFAULT_FENCE,
    DEFAULT_LATE_THRESHOLD,
    MAX_COLLISION_KEY_LENGTH,
    AgentLostPolicy,
    CollisionPolicy,
    check_job_variables,
)
from headgate_server.domain.documents import measure_document
from headgate_server.domain.errors import Forbidden, HeadgateError, InvalidInput, NotFound
from headgate_server.domain.flow_runs import BatchRoom, FlowRun, NewFlowRun, check_asked
from headgate_server.domain.job_templates import check_given
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.parameters import Budget, check_parameters
from headgate_server.domain.slices import sliced
from headgate_server.domain.states import StateType, propose
from headgate_server.domain.telling import check_made_id
from headgate_server.domain.tenancy import RunGrant
from headgate_server.repositories.flow_runs.create import (
    FirstLease,
    Promises,
    RunToInsert,
    insert_runs,
)
from headgate_server.repositories.flow_runs.plan import (
    DeploymentPlan,
    find_root_of_task,
    get_many_plans,
)
from headgate_server.repositories.flow_runs.read import get_many_flow_runs
from headgate_server.repositories.leases.guard import guard_grant
from headgate_server.repositories.task_runs import get_many_task_runs
from headgate_server.services import collisions, flows, quotas

MAX_BATCH = 1000
MAX_AHEAD = timedelta(days=3660)
_CANCELLED = frozenset({StateType.CANCELLING, StateType.CANCELLED})


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A run that is asked for; None is as its deployment says. A patient one waits for room."""

    deployment_id: UUID
    id: UUID | None = None
    name: str | None = None
    parameters: dict[str, Any] | None = None
    tags: tuple[str, ...] = ()
    priority: int = 0
    work_queue_name: str | None = None
    idempotency_key: str | None = None
    parent_task_run_id: UUID | None = None
    expected_start: datetime | None = None
    job_variables: dict[str, Any] | None = None
    schedule_id: UUID | None = None
    triggered_by: dict[str, Any] = field(default_factory=dict[str, Any])
    collision_key: str | None = None
    is_patient: bool = False


async def create_runs(
    work: UnitOfWork, requests: Sequence[RunRequest]
) -> list[FlowRun | HeadgateError]:
    """Create runs of deployments and wake their pools; one result a request, in order.

    A request that is not valid fails alone: its place holds the error, as does one that a quota
    has no room for, and one that is too large beside those before it. Two statements, however many
    requests, two more where any has a parent, and one where a quota is used up.

    Raises:
        InvalidInput: no request, or more than 1,000.
    """
    if not 1 <= len(requests) <= MAX_BATCH:
        raise InvalidInput(f"A batch holds 1 to {MAX_BATCH} runs.", path=["runs"])
    is_templated = any(request.job_variables for request in requests)
    asked_ids = list({request.deployment_id for request in requests})
    plans = await get_many_plans(work, asked_ids, is_templated=is_templated)
    parents = await _known_parents(work, requests)
    planning = partial(_plan_all, work.now, plans=plans, parents=parents, room=BatchRoom())
    if is_templated or any(plan.is_schema_enforced for plan in plans.values()):
        # What a schema asks for may take a second of pure Python: others go on meanwhile.
        planned = await asyncio.to_thread(planning, requests)
    else:
        planned = [item async for some in sliced(requests) for item in planning(some)]
    asked = {item.id: item for item in planned if isinstance(item, RunToInsert)}
    limited = {id_ for id_, plan in plans.items() if plan.concurrency_limit is not None}
    limits = await collisions.lock_limits(work, asked.values(), limited_ids=limited)
    made = await insert_runs(work, list(asked.values()), judged_ids=limits)
    made = await collisions.judge_new(work, made, asked, limits=limits)
    refused = await quotas.runs_exceeded(work) if None in made else None
    runs = iter(made)
    for run in made:
        if run is not None:
            work.wake(channels.SCHEDULER, channels.OUTBOX)
            if run.work_pool_id is not None:
                work.wake(channels.pool(run.work_pool_id))
    results = [next(runs) if isinstance(item, RunToInsert) else item for item in planned]
    return [result or refused or NotFound() for result in results]


def _collision_key(
    request: RunRequest, plan: DeploymentPlan, parameters: dict[str, Any]
) -> str | None:
    """Return under which key a run waits where its deployment coalesces runs."""
    if plan.on_collision is not CollisionPolicy.COALESCE:
        return None
    if request.is_patient:
        return collisions.key_alone()
    if request.collision_key is not None:
        if not 1 <= len(request.collision_key) <= MAX_COLLISION_KEY_LENGTH:
            raise InvalidInput(
                f"collisionKey has 1 to {MAX_COLLISION_KEY_LENGTH} characters.",
                path=["collisionKey"],
            )
        return request.collision_key
    return collisions.key_of(parameters, parameter=plan.collision_parameter)


def _plan_all(
    now: datetime,
    requests: Sequence[RunRequest],
    *,
    plans: dict[UUID, DeploymentPlan],
    parents: set[UUID],
    room: BatchRoom,
) -> list[RunToInsert | HeadgateError]:
    """Return what to insert for each request, in order, or why it is not valid."""
    budget = Budget()
    found: list[RunToInsert | HeadgateError] = []
    for request in requests:
        try:
            _check_parent(request, parents)
            room.check()
            plan = plans.get(request.deployment_id)
            found.append(_planned(now, request, plan, budget=budget, room=room))
        except HeadgateError as error:
            found.append(error)
    return found


async def _known_parents(work: UnitOfWork, requests: Sequence[RunRequest]) -> set[UUID]:
    wanted = {request.parent_task_run_id for request in requests} - {None}
    if not wanted:
        return set()
    tasks = await get_many_task_runs(work, [id_ for id_ in wanted if id_ is not None])
    runs = await get_many_flow_runs(work, [task.flow_run_id for task in tasks.values()])
    return {
        id_
        for id_, task in tasks.items()
        if task.flow_run_id in runs and runs[task.flow_run_id].state_type not in _CANCELLED
    }


def _check_parent(request: RunRequest, parents: set[UUID]) -> None:
    parent_id = request.parent_task_run_id
    if parent_id is not None and parent_id not in parents:
        raise NotFound(
            "No such task run to be the parent, or its run was cancelled.",
            path=["parentTaskRunId"],
        )


async def create_run(work: UnitOfWork, request: RunRequest) -> FlowRun:
    """Create one run of a deployment and wake its pool.

    Raises:
        NotFound: no such deployment, or no such queue in its pool.
        InvalidInput: parameters that the deployment's schema refuses, or values out of range.
        QuotaExceeded: the organization may make no more runs for now.
    """
    (result,) = await create_runs(work, [request])
    if isinstance(result, HeadgateError):
        raise result
    return result


def _planned(
    now: datetime,
    request: RunRequest,
    plan: DeploymentPlan | None,
    *,
    budget: Budget,
    room: BatchRoom,
) -> RunToInsert:
    if plan is None:
        raise NotFound("No such deployment, or you may not see it.", path=["deploymentId"])
    if plan.work_pool_id is None or plan.work_queue_id is None:
        raise InvalidInput(
            f"The deployment {plan.name} names no work pool, so no agent would run it; "
            "deploy it again with one.",
            path=["deploymentId"],
        )
    queue_id, promises = _queue(plan, request.work_queue_name)
    expected_start = request.expected_start or now
    if expected_start > now + MAX_AHEAD:
        raise InvalidInput("expectedStart is within ten years.", path=["expectedStart"])
    parameters = {**plan.parameters, **(request.parameters or {})}
    room.take(_size_of(request, plan, parameters, budget=budget))
    run = NewFlowRun(
        name=request.name or names.run_name(),
        flow_id=plan.flow_id,
        deployment_id=plan.deployment_id,
        deployment_version_id=plan.version_id,
        schedule_id=request.schedule_id,
        parent_task_run_id=request.parent_task_run_id,
        work_pool_id=plan.work_pool_id,
        work_queue_id=queue_id,
        parameters=parameters,
        job_variables=request.job_variables,
        tags=flow_rules.check_tags((*plan.tags, *request.tags)),
        priority=request.priority,
        expected_start=expected_start,
        idempotency_key=request.idempotency_key,
        triggered_by=request.triggered_by or None,
    )
    state = propose(StateType.SCHEDULED, details={"scheduledTime": expected_start.isoformat()})
    return RunToInsert(
        id=request.id or ids.new_id(),
        run=run,
        state=state,
        promises=promises,
        collision_key=_collision_key(request, plan, parameters),
        is_patient=request.is_patient,
    )


def _size_of(
    request: RunRequest, plan: DeploymentPlan, parameters: dict[str, Any], *, budget: Budget
) -> int:
    """Return how many bytes a valid run brings along."""
    size_bytes = check_asked(request.name, parameters, request.priority)
    size_bytes += measure_document(request.job_variables, field="jobVariables")
    check_job_variables(request.job_variables)
    check_given(request.job_variables, template=plan.base_job_template, budget=budget)
    if plan.enforced_schema is not None:
        check_parameters(parameters, schema=plan.enforced_schema, budget=budget)
    return size_bytes


def _queue(plan: DeploymentPlan, name: str | None) -> tuple[UUID, Promises]:
    if name is None:
        assert plan.work_queue_id is not None  # noqa: S101  narrowed by the caller
        return plan.work_queue_id, plan.promises
    found = plan.queue_names.get(name)
    if found is None:
        raise NotFound(f"The pool has no queue named {name}.", path=["workQueueName"])
    return found[0], replace(plan.promises, queue_priority=found[1])


@dataclass(frozen=True, slots=True)
class BeginRequest:
    """A run that starts in the caller's own process.

    Args:
        id: made by the caller as the run began there, which may be a while ago.
        lease_token: made by the caller.
        sent_at: what the caller's clock shows now.
    """

    flow_name: str
    name: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])
    tags: tuple[str, ...] = ()
    parent_task_run_id: UUID | None = None
    idempotency_key: str | None = None
    id: UUID | None = None
    lease_token: UUID | None = None
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BegunRun:
    """A run with the lease it was born under."""

    run: FlowRun
    lease: LeaseRef
    expires_at: datetime


async def begin_run(
    work: UnitOfWork, request: BeginRequest, *, lease: timedelta, parent: RunGrant | None
) -> BegunRun:
    """Create a run that its caller executes itself, together with its lease.

    Args:
        work: the unit of work.
        request: what runs.
        lease: how long the caller may stay silent before its run is taken for lost, until it
            has started; after that the default for silent holders counts.
        parent: the run whose token the caller shows, for a subflow.

    Raises:
        Forbidden: a run token that begins a run which is not its own child.
        LeaseLost: the run whose token is shown has ended, or was given to another.
        NotFound: the parent task run has not been reported.
        InvalidInput: an id that was not made within the last 30 days.
        Conflict: there is a run of this id already.
        QuotaExceeded: the organization may make no more runs for now, and this is no subflow.
    """
    at = check_made_id(request.id, sent_at=request.sent_at, now=work.now) if request.id else None
    root_run_id = await _find_root(work, request, parent=parent)
    check_asked(request.name, request.parameters, 0)
    flow, _ = await flows.upsert_flow(work, name=request.flow_name, tags=None)
    token = request.lease_token or ids.new_token()
    ref = LeaseRef(run_id=request.id or ids.new_id(), token=token, epoch=1)
    expires_at = work.now + lease
    item = RunToInsert(
        id=ref.run_id,
        run=NewFlowRun(
            name=request.name or names.run_name(),
            flow_id=flow.id,
            parent_task_run_id=request.parent_task_run_id,
            root_run_id=root_run_id,
            parameters=request.parameters,
            tags=flow_rules.check_tags(request.tags),
            expected_start=at,
            idempotency_key=request.idempotency_key,
        ),
        state=propose(StateType.PENDING),
        promises=OWN_PROCESS,
        at=at,
        lease=FirstLease(token=ref.token, epoch=ref.epoch, fence_until=expires_at),
    )
    # A subflow is part of what runs, and no quota ends that.
    (run,) = await insert_runs(work, [item], is_limited=request.parent_task_run_id is None)
    if run is None:
        raise await quotas.runs_exceeded(work)
    return BegunRun(run=run, lease=ref, expires_at=expires_at)


async def _find_root(
    work: UnitOfWork, request: BeginRequest, *, parent: RunGrant | None
) -> UUID | None:
    """Return the outermost run that a subflow is a part of; None for what is no subflow."""
    if parent is not None:
        await guard_grant(work, run_id=parent.run_id, epoch=parent.epoch)
    if request.parent_task_run_id is not None:
        found = await find_root_of_task(work, request.parent_task_run_id)
        if found is None:
            raise NotFound("No such task run to be the parent.", path=["parentTaskRunId"])
        parent_run_id, root_run_id = found
        if parent is not None and parent.run_id not in {parent_run_id, root_run_id}:
            raise Forbidden("A run's token begins subflows of that run only.")
        return root_run_id
    if parent is not None:
        raise Forbidden("A run's token begins subflows of that run only; name the parentTaskRunId.")
    return None


OWN_PROCESS = Promises(
    queue_priority=0,
    late_threshold_ms=int(DEFAULT_LATE_THRESHOLD.total_seconds() * 1000),
    on_agent_lost=AgentLostPolicy.CRASH,
    abandon_after_ms=int(DEFAULT_ABANDON_AFTER.total_seconds() * 1000),
    fence_ms=int(DEFAULT_FENCE.total_seconds() * 1000),
    infrastructure_retries=0,
)
"""The promises of a run without a deployment."""
