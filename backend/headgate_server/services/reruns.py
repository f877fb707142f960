"""Reruns: what of a run is done again and why, and with which parameters."""

import asyncio
from functools import partial
from typing import Any
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.documents import check_document
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.parameters import check_parameters
from headgate_server.domain.reruns import PlannedTask, RerunRequest, check_rerun, plan_rerun
from headgate_server.repositories import reruns as repository
from headgate_server.repositories.flow_runs.plan import get_many_plans
from headgate_server.repositories.flow_runs.read import get_many_payloads


async def plan_run(work: UnitOfWork, *, run_id: UUID, request: RerunRequest) -> list[PlannedTask]:
    """Return what becomes of each task of a run's last attempt when it is started again.

    No result is kept for another process yet, so that every task is done again; the plan says of
    each why.

    Raises:
        InvalidInput: tasks that are none of the attempt's, or both ways to choose at once.
    """
    check_rerun(request)
    tasks = await repository.list_last_task_runs(work, run_id)
    return plan_rerun(tasks, request, kept=())


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
