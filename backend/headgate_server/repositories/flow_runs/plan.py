"""Reads what a new run takes from its deployment, flow, pool and queue."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from headgate_server.database.work import UnitOfWork
from headgate_server.repositories.flow_runs.create import Promises
from headgate_server.tables.flow_runs import flow_runs, task_runs
from headgate_server.tables.flows import deployment_tags, deployments
from headgate_server.tables.work_pools import work_queues


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
    """What every new run of a deployment starts from."""

    deployment_id: UUID
    name: str
    flow_id: UUID
    work_pool_id: UUID | None
    work_queue_id: UUID | None
    queue_names: dict[str, tuple[UUID, int]]
    parameters: dict[str, Any]
    parameter_schema: dict[str, Any] | None
    is_schema_enforced: bool
    tags: tuple[str, ...]
    promises: Promises


async def get_many_plans(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, DeploymentPlan]:
    """Return what runs of these deployments start from: three statements, however many."""
    rows = (
        await work.execute(
            select(deployments).where(
                deployments.c.workspace_id == work.workspace_id, deployments.c.id.in_(ids)
            )
        )
    ).all()
    queues = await work.execute(
        select(
            work_queues.c.work_pool_id,
            work_queues.c.id,
            work_queues.c.name,
            work_queues.c.priority,
        ).where(
            work_queues.c.workspace_id == work.workspace_id,
            work_queues.c.work_pool_id.in_({row.work_pool_id for row in rows}),
        )
    )
    by_pool: dict[UUID, dict[str, tuple[UUID, int]]] = {}
    for queue in queues:
        by_pool.setdefault(queue.work_pool_id, {})[queue.name] = (queue.id, queue.priority)
    tags: dict[UUID, list[str]] = {}
    for tag in await work.execute(
        select(deployment_tags.c.deployment_id, deployment_tags.c.tag)
        .where(
            deployment_tags.c.workspace_id == work.workspace_id,
            deployment_tags.c.deployment_id.in_(ids),
        )
        .order_by(deployment_tags.c.tag)
    ):
        tags.setdefault(tag.deployment_id, []).append(tag.tag)
    return {
        row.id: _plan(row, by_pool.get(row.work_pool_id, {}), tuple(tags.get(row.id, ())))
        for row in rows
    }


def _plan(
    row: Any, queue_names: dict[str, tuple[UUID, int]], tags: tuple[str, ...]
) -> DeploymentPlan:
    priorities = dict(queue_names.values())
    return DeploymentPlan(
        deployment_id=row.id,
        name=row.name,
        flow_id=row.flow_id,
        work_pool_id=row.work_pool_id,
        work_queue_id=row.work_queue_id,
        queue_names=queue_names,
        parameters=row.parameters,
        parameter_schema=row.parameter_schema,
        is_schema_enforced=row.is_schema_enforced,
        tags=tags,
        promises=Promises(
            queue_priority=priorities.get(row.work_queue_id, 0),
            is_held=row.is_paused,
            late_threshold_ms=row.late_threshold_ms,
            on_agent_lost=row.on_agent_lost,
            abandon_after_ms=row.abandon_after_ms,
            fence_ms=row.fence_ms,
            infrastructure_retries=row.infrastructure_retries,
        ),
    )


async def find_root_of_task(work: UnitOfWork, task_run_id: UUID) -> tuple[UUID, UUID] | None:
    """Return the run that a task run belongs to, and that run's root; None where unknown."""
    row = (
        await work.execute(
            select(flow_runs.c.id, flow_runs.c.root_run_id)
            .join(
                task_runs,
                (task_runs.c.workspace_id == flow_runs.c.workspace_id)
                & (task_runs.c.flow_run_id == flow_runs.c.id),
            )
            .where(task_runs.c.workspace_id == work.workspace_id, task_runs.c.id == task_run_id)
        )
    ).one_or_none()
    return (row.id, row.root_run_id or row.id) if row is not None else None
