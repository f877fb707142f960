"""Reruns: what of a run is done again and why, and with which parameters."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.deployments import CollisionPolicy
from headgate_server.domain.documents import check_document
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.parameters import Budget, check_parameters
from headgate_server.domain.reruns import (
    Beginning,
    Placing,
    RerunPlan,
    RerunRequest,
    check_rerun,
    keys_again,
    plan_rerun,
    read_ran,
)
from headgate_server.repositories import reruns as repository
from headgate_server.repositories.flow_runs.plan import DeploymentPlan, get_many_plans
from headgate_server.repositories.flow_runs.read import get_many_payloads
from headgate_server.services import collisions


async def plan_run(work: UnitOfWork, *, run_id: UUID, request: RerunRequest) -> RerunPlan:
    """Return what becomes of each task of a run when it is started again; of 50,000 at most.

    Fewer where they wait for more than 500,000 others in all. That is of the last attempt that got
    to any of them. A task's result counts as kept where its
    run told its key; whether the storage can be read from where the run starts again, only its
    process sees.

    Raises:
        InvalidInput: tasks that are none of the attempt's, or both ways to choose at once.
    """
    check_rerun(request)
    whole_at = await repository.find_whole_restart(work, run_id)
    found = await repository.read_last_tasks(
        work, run_id, first=request.from_task_run_ids, kept_after=whole_at
    )

    total = await repository.count_last_tasks(work, run_id)

    def plan() -> RerunPlan:
        tasks = plan_rerun(read_ran(found), request)
        return RerunPlan(tasks, max(total - len(tasks), 0))

    return await asyncio.to_thread(plan)


async def read_reuse(
    work: UnitOfWork, beginnings: Mapping[UUID, Beginning | None]
) -> dict[UUID, dict[str, Any]]:
    """Return what attempts that are about to start take from those before them, as jobs say it.

    A run that somebody had start again does so as was asked then, in however many attempts: one
    that was suspended meanwhile comes back to what it has done since, not to what it did before.

    Args:
        work: the unit of work.
        beginnings: by run, what its attempt begins from; None where it is the first.

    Returns:
        ``kept``, whether results that were kept are used, ``since``, the number of the state from
        which on those that were kept count, and ``again``, the keys of those that are made again
        all the same; nothing of runs that say nothing of it.
    """
    found: dict[UUID, dict[str, Any]] = {}
    for run_id, beginning in beginnings.items():
        if beginning is None:
            continue
        is_kept = beginning.is_continued or not beginning.request.is_whole
        again = await _list_again(work, run_id, beginning)
        found[run_id] = {"kept": is_kept, "since": beginning.since, "again": again}
    return found


async def _list_again(work: UnitOfWork, run_id: UUID, beginning: Beginning) -> list[str]:
    """Return the keys of what a run was to do again of all that it keeps, and has not done yet."""
    request, asked_at = beginning.request, beginning.asked_at
    if request.is_whole or asked_at is None:
        return []
    if request.from_task_run_ids:
        # Those chosen may be of an earlier attempt.
        found = await repository.read_newest_tasks(work, run_id, first=request.from_task_run_ids)
    else:
        found = await repository.read_last_tasks(work, run_id, before=asked_at)
    again = await asyncio.to_thread(lambda: keys_again(read_ran(found), request))
    if not again:
        return []
    done = await repository.list_keys_done(work, run_id, since=asked_at)
    return [key for key in again if key not in done]


@dataclass(frozen=True, slots=True)
class Together:
    """What reruns of one request share: a deployment is read once, and one budget checks all."""

    plans: dict[UUID, DeploymentPlan] = field(default_factory=dict[UUID, DeploymentPlan])
    budget: Budget = field(default_factory=Budget)


@dataclass(frozen=True, slots=True)
class Start:
    """What a run that has ended starts again with, as its deployment is today.

    Args:
        placing: its version, pool and queue; None where it has no deployment any more.
        plan: of its deployment.
        before: its parameters so far, and
        after: those it has from now on; None where they stay.
    """

    placing: Placing | None = None
    plan: DeploymentPlan | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


async def plan_start(
    work: UnitOfWork, *, run: FlowRun, changed: dict[str, Any] | None, together: Together
) -> Start:
    """Return what a locked run starts again with: the version of today, whose place it runs in.

    Args:
        work: the unit of work.
        run: it has ended.
        changed: laid over its parameters.
        together: what others of the same request have read.

    Raises:
        InvalidInput: over-long parameters, or such as today's schema refuses: also those that the
            run has, where it was made of another version.
    """
    plan = await _find_plan(work, run.deployment_id, together)
    placing = None if plan is None else await _place(work, run, plan)
    schema = None if plan is None else plan.enforced_schema
    is_of_today = plan is None or run.deployment_version_id == plan.version_id
    if changed is None and (is_of_today or schema is None):
        return Start(placing, plan)
    before = (await get_many_payloads(work, [run.id]))[run.id].parameters
    after = {**before, **(changed or {})}
    check_document(after, field="parameters")
    if schema is not None:
        await _check(after, schema, budget=together.budget, is_as_it_was=changed is None)
    return Start(placing, plan, before, None if changed is None else after)


async def _find_plan(
    work: UnitOfWork, deployment_id: UUID | None, together: Together
) -> DeploymentPlan | None:
    if deployment_id is not None and deployment_id not in together.plans:
        together.plans.update(await get_many_plans(work, [deployment_id]))
    return None if deployment_id is None else together.plans.get(deployment_id)


async def _place(work: UnitOfWork, run: FlowRun, plan: DeploymentPlan) -> Placing:
    """Return where a run starts again: in a queue that it was made for itself, by name if need be.

    Where the deployment names no pool any more, it stays in the one it has.
    """
    own = Placing(plan.version_id, run.work_pool_id, run.work_queue_id)
    todays = Placing(plan.version_id, plan.work_pool_id, plan.work_queue_id)
    if plan.work_queue_id is None or run.work_queue_id == plan.work_queue_id:
        return own
    found = await repository.find_queue(work, run)
    if found is None or found[1] == run.work_queue_id:
        return todays
    if run.work_pool_id == plan.work_pool_id:
        return own
    name, _ = found
    queue_id, _ = plan.queue_names.get(name, (plan.work_queue_id, 0))
    return replace(todays, work_queue_id=queue_id)


async def _check(
    parameters: dict[str, Any], schema: dict[str, Any], *, budget: Budget, is_as_it_was: bool
) -> None:
    try:
        await asyncio.to_thread(check_parameters, parameters, schema=schema, budget=budget)
    except InvalidInput as refused:
        if not is_as_it_was:
            raise
        raise InvalidInput(
            f"{refused}. Today's version of the deployment refuses what the run was made with: "
            "retry it with other parameters, or promote the version that it ran.",
            path=refused.path,
        ) from None


async def change_parameters(work: UnitOfWork, *, run_id: UUID, start: Start) -> None:
    """Store the parameters of a run that starts again with others.

    It waits under the key that comes from them from now on, where its key came from parameters.
    """
    plan, before, after = start.plan, start.before, start.after
    if before is None or after is None:
        return
    await repository.update_parameters(work, run_id=run_id, parameters=after)
    if plan is None or plan.on_collision is not CollisionPolicy.COALESCE:
        return
    old, new = (
        collisions.key_of(one, parameter=plan.collision_parameter) for one in (before, after)
    )
    if old != new:
        await repository.change_key(work, run_id=run_id, before=old, after=new)
