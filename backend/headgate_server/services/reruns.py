"""Reruns: what of a run is done again and why, and with which parameters."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.documents import check_document
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.parameters import check_parameters
from headgate_server.domain.reruns import (
    PlannedTask,
    RerunRequest,
    check_rerun,
    keys_again,
    plan_rerun,
    request_of,
)
from headgate_server.domain.task_runs import TaskRun
from headgate_server.domain.transitions.pauses import RESUMING
from headgate_server.domain.transitions.rules import GIVES_BACK
from headgate_server.repositories import reruns as repository
from headgate_server.repositories.flow_runs.plan import get_many_plans
from headgate_server.repositories.flow_runs.read import get_many_payloads


async def plan_run(work: UnitOfWork, *, run_id: UUID, request: RerunRequest) -> list[PlannedTask]:
    """Return what becomes of each task of a run's last attempt when it is started again.

    A task's result counts as kept where its run told its key; whether the storage can be read from
    where the run starts again, only its process sees.

    Raises:
        InvalidInput: tasks that are none of the attempt's, or both ways to choose at once.
    """
    check_rerun(request)
    tasks = await repository.list_last_task_runs(work, run_id)
    kept = {task.id for task in tasks if task.cache_key is not None}
    return plan_rerun(tasks, request, kept=kept)


async def read_reuse(
    work: UnitOfWork, beginnings: Mapping[UUID, Mapping[str, Any] | None]
) -> dict[UUID, dict[str, Any]]:
    """Return what attempts that are about to start take from those before them, as jobs say it.

    Args:
        work: the unit of work.
        beginnings: by run, the state that its attempt begins from; None where it is the first.

    Returns:
        ``kept``, whether results that were kept are used, and ``again``, the keys of those that
        are made again all the same; nothing of runs that say nothing of it.
    """
    found: dict[UUID, dict[str, Any]] = {}
    for run_id, beginning in beginnings.items():
        if beginning is None:
            continue
        request = request_of(beginning["details"])
        if beginning["name"] == RESUMING or GIVES_BACK in beginning["details"]:
            found[run_id] = {"kept": True, "again": []}
        elif request is None or request.is_whole:
            found[run_id] = {"kept": False, "again": []}
        else:
            tasks = await _tasks_below(work, run_id, request)
            found[run_id] = {"kept": True, "again": keys_again(tasks, request)}
    return found


async def _tasks_below(work: UnitOfWork, run_id: UUID, request: RerunRequest) -> list[TaskRun]:
    """Return the task runs that a request speaks of: those chosen may be of an earlier attempt."""
    if request.from_task_run_ids:
        return await repository.list_newest_task_runs(work, run_id)
    return await repository.list_last_task_runs(work, run_id)


async def change_parameters(work: UnitOfWork, *, run: FlowRun, changed: dict[str, Any]) -> None:
    """Lay parameters over those of a run that is about to start again.

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
