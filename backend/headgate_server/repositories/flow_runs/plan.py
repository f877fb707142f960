"""Reads what a new run takes from its deployment, flow, pool and queue."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, bindparam, case, func, null, select
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.deployments import CollisionPolicy
from headgate_server.repositories.flow_runs.create import Promises
from headgate_server.tables.flow_runs import flow_runs, task_runs
from headgate_server.tables.flows import deployment_tags, deployments
from headgate_server.tables.work_pools import work_pools, work_queues


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
    """What every new run of a deployment starts from."""

    deployment_id: UUID
    name: str
    flow_id: UUID
    version_id: UUID | None
    work_pool_id: UUID | None
    work_queue_id: UUID | None
    queue_names: dict[str, tuple[UUID, int]]
    parameters: dict[str, Any]
    parameter_schema: dict[str, Any] | None
    is_schema_enforced: bool
    tags: tuple[str, ...]
    promises: Promises
    concurrency_limit: int | None = None
    on_collision: CollisionPolicy = CollisionPolicy.ENQUEUE
    collision_parameter: str | None = None
    base_job_template: dict[str, Any] | None = None

    @property
    def enforced_schema(self) -> dict[str, Any] | None:
        """The schema that parameters have to fit; None where there is none that is enforced."""
        return self.parameter_schema if self.is_schema_enforced else None


_TAGS = (
    select(func.array_agg(aggregate_order_by(deployment_tags.c.tag, deployment_tags.c.tag)))
    .where(
        deployment_tags.c.workspace_id == deployments.c.workspace_id,
        deployment_tags.c.deployment_id == deployments.c.id,
    )
    .scalar_subquery()
)
_QUEUES = (
    select(
        func.jsonb_agg(
            func.jsonb_build_array(work_queues.c.name, work_queues.c.id, work_queues.c.priority),
            type_=JSONB,
        )
    )
    .where(
        work_queues.c.workspace_id == deployments.c.workspace_id,
        work_queues.c.work_pool_id == deployments.c.work_pool_id,
    )
    .scalar_subquery()
)
_TEMPLATE = (
    select(work_pools.c.base_job_template)
    .where(
        work_pools.c.workspace_id == deployments.c.workspace_id,
        work_pools.c.id == deployments.c.work_pool_id,
    )
    .scalar_subquery()
)
_PLANS = select(
    deployments,
    _TAGS.label("deployment_tags"),
    _QUEUES.label("pool_queues"),
    # It may be large, and only job variables are held against it.
    case((bindparam("is_templated", type_=Boolean), _TEMPLATE), else_=null()).label("template"),
).where(
    deployments.c.workspace_id == bindparam("workspace_id"),
    deployments.c.id.in_(bindparam("ids", expanding=True)),
)


async def get_many_plans(
    work: UnitOfWork, ids: list[UUID], *, is_templated: bool = False
) -> dict[UUID, DeploymentPlan]:
    """Return what runs of these deployments start from: one statement, however many.

    Args:
        work: the unit of work.
        ids: the deployments.
        is_templated: with the templates of their pools.
    """
    values = {"workspace_id": work.workspace_id, "ids": ids, "is_templated": is_templated}
    rows = await work.execute(_PLANS, values)
    return {row.id: _plan(row) for row in rows}


def _plan(row: Any) -> DeploymentPlan:
    queue_names = {name: (UUID(id_), priority) for name, id_, priority in row.pool_queues or ()}
    priorities = dict(queue_names.values())
    return DeploymentPlan(
        deployment_id=row.id,
        name=row.name,
        flow_id=row.flow_id,
        version_id=row.current_version_id,
        work_pool_id=row.work_pool_id,
        work_queue_id=row.work_queue_id,
        queue_names=queue_names,
        parameters=row.parameters,
        parameter_schema=row.parameter_schema,
        is_schema_enforced=row.is_schema_enforced,
        tags=tuple(row.deployment_tags or ()),
        promises=Promises(
            queue_priority=priorities.get(row.work_queue_id, 0),
            late_threshold_ms=row.late_threshold_ms,
            on_agent_lost=row.on_agent_lost,
            abandon_after_ms=row.abandon_after_ms,
            fence_ms=row.fence_ms,
            infrastructure_retries=row.infrastructure_retries,
        ),
        concurrency_limit=row.concurrency_limit,
        on_collision=CollisionPolicy(row.on_collision),
        collision_parameter=row.collision_parameter,
        base_job_template=row.template,
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
