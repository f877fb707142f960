"""What goes when something is deleted, and what still needs it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Table, delete, select, union, update

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.states import StateType
from headgate_server.repositories import artifacts
from headgate_server.tables.backfills import backfills
from headgate_server.tables.events import idempotency_keys
from headgate_server.tables.flow_runs import flow_runs, logs, states
from headgate_server.tables.flows import deployments, flows, schedule_fires
from headgate_server.tables.organizations import api_keys
from headgate_server.tables.work_pools import work_items, work_pools, work_queues

FLOW, DEPLOYMENT, POOL, QUEUE = flows, deployments, work_pools, work_queues

_COLUMNS: dict[Table, str] = {
    DEPLOYMENT: "deployment_id",
    POOL: "work_pool_id",
    QUEUE: "work_queue_id",
}
_DEPLOYMENT_COLUMNS: dict[Table, Column[Any]] = {
    FLOW: deployments.c.flow_id,
    POOL: deployments.c.work_pool_id,
    QUEUE: deployments.c.work_queue_id,
}


async def lock_for_deletion(work: UnitOfWork, table: Table, *, id_: UUID) -> Any:
    """Return a row that nobody can change or refer to until the end; None if there is none.

    Waits for those who are just making something that refers to it: what they made is seen then.
    """
    statement = select(table).where(table.c.workspace_id == work.workspace_id, table.c.id == id_)
    return (await work.execute(statement.with_for_update())).one_or_none()


async def list_live_runs(work: UnitOfWork, table: Table, *, id_: UUID, most: int) -> list[UUID]:
    """Return runs that have not ended and need a row of a table, oldest first.

    Those that an agent has or is to have are told by their work items, however many have ended. A
    suspended run has none, and needs its place when it is resumed.
    """
    run = flow_runs.c
    if table is FLOW:
        live = select(run.id.label("id")).where(
            run.workspace_id == work.workspace_id, run.flow_id == id_, run.ended_at.is_(None)
        )
    else:
        column = _COLUMNS[table]
        live = union(
            select(work_items.c.run_id.label("id")).where(
                work_items.c.workspace_id == work.workspace_id, work_items.c[column] == id_
            ),
            select(run.id.label("id")).where(
                run.workspace_id == work.workspace_id,
                run.state_type == StateType.PAUSED,
                run[column] == id_,
            ),
        )
    found = live.subquery().c.id
    return list((await work.execute(select(found).order_by(found).limit(most))).scalars())


async def list_live_backfills(
    work: UnitOfWork, *, deployment_id: UUID, most: int
) -> list[tuple[UUID, str]]:
    """Return the ids and names of a deployment's backfills that have not ended, oldest first."""
    backfill = backfills.c
    rows = await work.execute(
        select(backfill.id, backfill.name)
        .where(
            backfill.workspace_id == work.workspace_id,
            backfill.deployment_id == deployment_id,
            backfill.ended_at.is_(None),
        )
        .order_by(backfill.id)
        .limit(most)
    )
    return [(row.id, row.name) for row in rows]


async def list_deployments_of(
    work: UnitOfWork, table: Table, *, id_: UUID, most: int
) -> list[tuple[UUID, str]]:
    """Return the ids and names of deployments that need a row of a table, by name."""
    rows = await work.execute(
        select(deployments.c.id, deployments.c.name)
        .where(deployments.c.workspace_id == work.workspace_id, _DEPLOYMENT_COLUMNS[table] == id_)
        .order_by(deployments.c.name, deployments.c.id)
        .limit(most)
    )
    return [(row.id, row.name) for row in rows]


async def list_runs_of_flow(work: UnitOfWork, *, flow_id: UUID, most: int) -> list[UUID]:
    """Return runs of a flow, in the order in which rows are locked."""
    statement = (
        select(flow_runs.c.id)
        .where(flow_runs.c.workspace_id == work.workspace_id, flow_runs.c.flow_id == flow_id)
        .order_by(flow_runs.c.id)
        .limit(most)
    )
    return list((await work.execute(statement)).scalars())


async def delete_row(work: UnitOfWork, table: Table, *, id_: UUID) -> None:
    """Delete a locked row with what belongs to it alone."""
    await work.execute(
        delete(table).where(table.c.workspace_id == work.workspace_id, table.c.id == id_)
    )


async def delete_runs(work: UnitOfWork, run_ids: Sequence[UUID]) -> None:
    """Delete locked runs that have ended, with their history, tasks, logs, artifacts and keys.

    The instants they were made for stay in the ledger, as skipped: they never fire again.
    """
    for table in (logs, states):
        await work.execute(
            delete(table).where(
                table.c.workspace_id == work.workspace_id, table.c.flow_run_id.in_(run_ids)
            )
        )
    await work.execute(
        update(schedule_fires)
        .where(
            schedule_fires.c.workspace_id == work.workspace_id,
            schedule_fires.c.run_id.in_(run_ids),
        )
        .values(outcome="SKIPPED", run_id=None)
    )
    await delete_keys_of_runs(work, run_ids)
    await artifacts.delete_of_runs(work, run_ids)
    await work.execute(
        delete(flow_runs).where(
            flow_runs.c.workspace_id == work.workspace_id, flow_runs.c.id.in_(run_ids)
        )
    )


async def delete_keys_of_runs(work: UnitOfWork, run_ids: Sequence[UUID]) -> None:
    """Forget the idempotency keys that made these runs: what they replay is gone."""
    key = idempotency_keys.c
    made = select(flow_runs.c.idempotency_key).where(
        flow_runs.c.workspace_id == work.workspace_id,
        flow_runs.c.id.in_(run_ids),
        flow_runs.c.idempotency_key.is_not(None),
    )
    await work.execute(
        delete(idempotency_keys).where(
            key.workspace_id == work.workspace_id,
            key.key.in_(made),
            key.answer["id"].as_string().in_([str(run_id) for run_id in run_ids]),
        )
    )


async def revoke_keys_of_pool(work: UnitOfWork, *, work_pool_id: UUID) -> list[UUID]:
    """Revoke the keys of a pool's agents and return those that were in use."""
    rows = await work.execute(
        update(api_keys)
        .where(
            api_keys.c.organization_id == work.organization_id,
            api_keys.c.work_pool_id == work_pool_id,
            api_keys.c.revoked_at.is_(None),
        )
        .values(revoked_at=work.now)
        .returning(api_keys.c.id)
    )
    return list(rows.scalars())


async def lock_place_of_run(
    work: UnitOfWork, *, deployment_id: UUID | None, work_queue_id: UUID | None
) -> bool:
    """Whether a run's deployment and queue are still there; if so, they stay until the end."""
    if deployment_id is None or work_queue_id is None:
        return False
    for table, id_ in ((DEPLOYMENT, deployment_id), (QUEUE, work_queue_id)):
        statement = select(table.c.id).where(
            table.c.workspace_id == work.workspace_id, table.c.id == id_
        )
        locked = await work.execute(statement.with_for_update(read=True, key_share=True))
        if locked.one_or_none() is None:
            return False
    return True
