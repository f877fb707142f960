"""Runs with a work item in a given phase, as rows, for tests of what depends on them."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import insert

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.ids import new_id
from headgate_server.domain.leases import Phase
from headgate_server.domain.work_queues import WorkQueue
from headgate_server.services import flows
from headgate_server.tables.flow_runs import attempts, flow_runs
from headgate_server.tables.work_pools import work_items
from tests.factories.tenants import Tenant

LEASE = timedelta(seconds=90)


async def make_work_item(
    database: Database,
    tenant: Tenant,
    *,
    queue: WorkQueue | None = None,
    phase: Phase = Phase.READY,
    due_in: timedelta = timedelta(),
    epoch: int = 1,
) -> UUID:
    place = {
        "workspace_id": tenant.workspace_id,
        "work_pool_id": queue.work_pool_id if queue else None,
        "work_queue_id": queue.id if queue else None,
    }
    is_leased = phase is not Phase.READY
    async with database.system(workspace_id=tenant.workspace_id) as work:
        due_at = work.now + due_in
        run_id = await _make_run(work, place, due_at=due_at, is_leased=is_leased, epoch=epoch)
        await work.execute(
            insert(work_items).values(
                **place,
                run_id=run_id,
                queue_priority=queue.priority if queue else 0,
                priority=0,
                due_at=due_at,
                phase=phase.value,
                token=new_id() if is_leased else None,
                fence_until=work.now + LEASE if is_leased else None,
                epoch=epoch,
                late_threshold_ms=15_000,
                on_agent_lost="CRASH",
                abandon_after_ms=600_000,
                fence_ms=600_000,
                infrastructure_retries=3,
            )
        )
    return run_id


async def _make_run(
    work: UnitOfWork,
    place: dict[str, UUID | None],
    *,
    due_at: datetime,
    is_leased: bool,
    epoch: int,
) -> UUID:
    run_id = new_id()
    flow, _ = await flows.upsert_flow(work, name="flow")
    await work.execute(
        insert(flow_runs).values(
            **place,
            id=run_id,
            name="run",
            flow_id=flow.id,
            state_type="RUNNING" if is_leased else "SCHEDULED",
            state_name="Any",
            state_timestamp=work.now,
            state_sequence=1,
            attempt=1,
            expected_start=due_at,
            created_by_kind="system",
            created_by_name="Headgate",
        )
    )
    await work.execute(
        insert(attempts).values(
            workspace_id=work.workspace_id,
            flow_run_id=run_id,
            number=1,
            epoch=epoch,
            started_at=work.now,
        )
    )
    return run_id
