"""Deployments, and the waiting work that their pause holds back."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.deployments import AgentLostPolicy, CollisionPolicy, Deployment
from headgate_server.domain.filters import DeploymentFilter
from headgate_server.domain.pagination import Beginning, Page, PageRequest
from headgate_server.repositories import filters, pages
from headgate_server.tables.flow_runs import flow_runs
from headgate_server.tables.flows import deployments, flows
from headgate_server.tables.work_pools import READY, work_items

_MILLISECOND = timedelta(milliseconds=1)
_IN_MILLISECONDS = {
    "abandon_after": "abandon_after_ms",
    "fence": "fence_ms",
    "late_threshold": "late_threshold_ms",
}


async def insert_deployment(
    work: UnitOfWork, *, id_: UUID, flow_id: UUID, name: str, values: dict[str, Any]
) -> Deployment | None:
    """Store a deployment; None when the flow has one of this name."""
    statement = (
        insert(deployments)
        .values(
            workspace_id=work.workspace_id,
            id=id_,
            flow_id=flow_id,
            name=name,
            created_by_kind=work.actor.kind.value,
            created_by_id=work.actor.id,
            created_by_name=work.actor.display_name,
            created_at=work.now,
            updated_at=work.now,
            **_columns(values),
        )
        .on_conflict_do_nothing(index_elements=["workspace_id", "flow_id", "name"])
        .returning(deployments)
    )
    row = (await work.execute(statement)).one_or_none()
    return _deployment(row) if row is not None else None


async def lock_by_name(work: UnitOfWork, *, flow_id: UUID, name: str) -> Deployment | None:
    """Return a deployment and keep others from changing it until the transaction ends."""
    statement = _own(work).where(deployments.c.flow_id == flow_id, deployments.c.name == name)
    row = (await work.execute(statement.with_for_update(key_share=True))).one_or_none()
    return _deployment(row) if row is not None else None


async def lock_deployment(work: UnitOfWork, *, id_: UUID) -> Deployment | None:
    """Return a deployment and keep others from changing it until the transaction ends."""
    statement = _own(work).where(deployments.c.id == id_).with_for_update(key_share=True)
    row = (await work.execute(statement)).one_or_none()
    return _deployment(row) if row is not None else None


async def update_deployment(work: UnitOfWork, *, id_: UUID, changes: dict[str, Any]) -> Deployment:
    """Write changed fields of a locked deployment and raise its version."""
    statement = (
        update(deployments)
        .where(deployments.c.workspace_id == work.workspace_id, deployments.c.id == id_)
        .values(**_columns(changes), version=deployments.c.version + 1, updated_at=work.now)
        .returning(deployments)
    )
    return _deployment((await work.execute(statement)).one())


async def keep_makers_off(work: UnitOfWork, deployment: Deployment) -> None:
    """Let nobody make runs of a deployment, from before it is changed to this until that commits.

    Whoever makes a run refers to the deployment: they are waited for, and what they made is seen
    then; who comes later waits, and reads it as it is by then. That is so only where this lock is
    taken before the row is written: else, as the key stays, they would read the old row.

    The items whose marks will change come first, as for those who make runs under a lease. The
    caller holds the deployment and its schedules, whose runs are made under their lock.
    """
    ids = select(work_items.c.run_id).where(*_marked_otherwise(work, deployment))
    await work.execute(ids.order_by(work_items.c.run_id).with_for_update())
    own = _own(work).where(deployments.c.id == deployment.id)
    await work.execute(own.with_only_columns(deployments.c.id).with_for_update())


async def mark_items(work: UnitOfWork, deployment: Deployment) -> None:
    """Have all live work of a deployment say whether it is held and limited, as that is by now.

    What goes back to wait keeps what its row says. Nobody makes runs of it meanwhile. Runs that
    are planned are judged as their time comes where it gets a limit now, and no more where it has
    none; those that had begun before, or been due, are not.
    """
    is_limited = deployment.concurrency_limit is not None
    marks: dict[str, Any] = {"is_held": deployment.is_paused, "is_limited": is_limited}
    marks["collides_at"] = null()
    if is_limited:
        is_new = and_(work_items.c.is_limited.is_(False), *_planned(work))
        marks["collides_at"] = case((is_new, work_items.c.due_at), else_=work_items.c.collides_at)
    await work.execute(
        update(work_items).where(*_marked_otherwise(work, deployment)).values(**marks)
    )


def _planned(work: UnitOfWork) -> list[ColumnElement[bool]]:
    """What is true of the row of a run that is due later, and never was before."""
    run = flow_runs.c
    begun = select(run.id).where(
        run.workspace_id == work_items.c.workspace_id,
        run.id == work_items.c.run_id,
        run.attempt > 0,
    )
    return [
        work_items.c.phase == READY,
        work_items.c.due_at > work.now,
        ~begun.exists(),
    ]


def _marked_otherwise(work: UnitOfWork, deployment: Deployment) -> list[ColumnElement[bool]]:
    return [
        work_items.c.workspace_id == work.workspace_id,
        work_items.c.deployment_id == deployment.id,
        or_(
            work_items.c.is_held.is_not(deployment.is_paused),
            work_items.c.is_limited.is_not(deployment.concurrency_limit is not None),
        ),
    ]


async def list_by_name(
    work: UnitOfWork,
    *,
    name: str,
    flow_name: str | None,
    most: int,
    among: Collection[UUID] | None = None,
) -> list[Deployment]:
    """Return deployments of a name, of one flow and among some if they are given, oldest first."""
    statement = _own(work).where(deployments.c.name == name)
    if among is not None:
        statement = statement.where(deployments.c.id.in_(among))
    if flow_name is not None:
        flow_ids = select(flows.c.id).where(
            flows.c.workspace_id == work.workspace_id, flows.c.name == flow_name
        )
        statement = statement.where(deployments.c.flow_id.in_(flow_ids))
    rows = await work.execute(statement.order_by(deployments.c.id).limit(most))
    return [_deployment(row) for row in rows]


async def get_many(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, Deployment]:
    """Return those of the deployments that exist, by id."""
    rows = await work.execute(_own(work).where(deployments.c.id.in_(ids)))
    return {row.id: _deployment(row) for row in rows}


async def list_deployments(
    work: UnitOfWork, *, page: PageRequest, filter: DeploymentFilter | None
) -> Page[Deployment]:
    """Return a page of deployments by name and id."""
    sort = pages.by(deployments.c.name, deployments.c.id)
    return await pages.read(work, _matching(work, filter), sort=sort, page=page, make=_deployment)


async def count_deployments(work: UnitOfWork, *, filter: DeploymentFilter | None, cap: int) -> int:
    """Return how many deployments match, up to ``cap + 1``."""
    return await pages.count(work, _matching(work, filter), cap=cap)


async def get_many_naming(
    work: UnitOfWork, references: Sequence[str]
) -> dict[str, Beginning[UUID]]:
    """Return the first deployments whose runs may read each block, by name, as their ids.

    A block that none names is absent.
    """
    named = deployments.c.block_references
    reference = func.unnest(named).column_valued("reference", joins_implicitly=True)

    def naming(some: Sequence[str]) -> Select[Any]:
        return select(deployments.c.id).where(
            deployments.c.workspace_id == work.workspace_id,
            named.overlap(list(some)),
            reference.in_(some),
        )

    return await pages.read_beginnings(
        work,
        references,
        naming,
        owner=reference,
        sort=pages.by(deployments.c.name, deployments.c.id),
        make=attrgetter("id"),
    )


def _own(work: UnitOfWork) -> Select[Any]:
    return select(deployments).where(deployments.c.workspace_id == work.workspace_id)


def _matching(work: UnitOfWork, filter: DeploymentFilter | None) -> Select[Any]:
    return _own(work).where(*filters.deployments(filter, workspace_id=work.workspace_id))


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    return {
        _IN_MILLISECONDS.get(name, name): value // _MILLISECOND
        if name in _IN_MILLISECONDS
        else value
        for name, value in values.items()
    }


def _deployment(row: Row[Any]) -> Deployment:
    return Deployment(
        workspace_id=row.workspace_id,
        id=row.id,
        flow_id=row.flow_id,
        name=row.name,
        version=row.version,
        is_paused=row.is_paused,
        entrypoint=row.entrypoint,
        description=row.description,
        parameters=row.parameters,
        parameter_schema=row.parameter_schema,
        is_schema_enforced=row.is_schema_enforced,
        work_pool_id=row.work_pool_id,
        work_queue_id=row.work_queue_id,
        job_variables=row.job_variables,
        pull_steps=row.pull_steps,
        block_references=row.block_references,
        start_references=row.start_references,
        on_agent_lost=AgentLostPolicy(row.on_agent_lost),
        abandon_after=row.abandon_after_ms * _MILLISECOND,
        fence=row.fence_ms * _MILLISECOND,
        infrastructure_retries=row.infrastructure_retries,
        late_threshold=row.late_threshold_ms * _MILLISECOND,
        concurrency_limit=row.concurrency_limit,
        on_collision=CollisionPolicy(row.on_collision),
        collision_parameter=row.collision_parameter,
        current_version_id=row.current_version_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
