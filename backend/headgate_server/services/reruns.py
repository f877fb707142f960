"""Reruns: what of a run is done again and why, and with which parameters."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.deployments import CollisionPolicy
from headgate_server.domain.documents import check_document
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.parameters import check_parameters
from headgate_server.domain.reruns import (
    Beginning,
    PlannedTask,
    RerunRequest,
    check_rerun,
    keys_again,
    plan_rerun,
)
from headgate_server.repositories import reruns as repository
from headgate_server.repositories.flow_runs.plan import get_many_plans
from headgate_server.repositories.flow_runs.read import get_many_payloads
from headgate_server.services import collisions


async def plan_run(work: UnitOfWork, *, run_id: UUID, request: RerunRequest) -> list[PlannedTask]:
    """Return what becomes of each task of a run when it is started again.

    That is of the last attempt that got to any of them. A task's result counts as kept where its
    run told its key; whether the storage can be read from where the run starts again, only its
    process sees.

    Raises:
        InvalidInput: tasks that are none of the attempt's, or both ways to choose at once.
    """
    check_rerun(request)
    tasks = await repository.list_last_task_runs(work, run_id)
    whole_at = await repository.find_whole_restart(work, run_id)
    kept = {
        task.id
        for task in tasks
        if task.cache_key is not None and (whole_at is None or task.updated_at > whole_at)
    }
    return plan_rerun(tasks, request, kept=kept)


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
        tasks = await repository.list_newest_task_runs(work, run_id)
    else:
        tasks = await repository.list_last_task_runs(work, run_id, before=asked_at)
    again = keys_again(tasks, request)
    if not again:
        return []
    done = await repository.list_keys_done(work, run_id, since=asked_at)
    return [key for key in again if key not in done]


async def change_parameters(work: UnitOfWork, *, run: FlowRun, changed: dict[str, Any]) -> None:
    """Lay parameters over those of a run that is about to start again.

    It waits under the key that comes from them from now on, where its key came from parameters.

    Raises:
        InvalidInput: over-long, or refused by its deployment's schema.
    """
    payload = (await get_many_payloads(work, [run.id]))[run.id]
    parameters = {**payload.parameters, **changed}
    check_document(parameters, field="parameters")
    deployment_id = run.deployment_id
    plans = {} if deployment_id is None else await get_many_plans(work, [deployment_id])
    for plan in plans.values():
        if plan.is_schema_enforced and plan.parameter_schema is not None:
            checking = partial(check_parameters, parameters, schema=plan.parameter_schema)
            await asyncio.to_thread(checking)
    await repository.update_parameters(work, run_id=run.id, parameters=parameters)
    for plan in plans.values():
        before, after = (
            collisions.key_of(one, parameter=plan.collision_parameter)
            for one in (payload.parameters, parameters)
        )
        if plan.on_collision is CollisionPolicy.COALESCE and before != after:
            await repository.change_key(work, run_id=run.id, before=before, after=after)
