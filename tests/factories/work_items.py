"""Runs with a work item in a given phase, as rows, for tests of what depends on them."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import insert

from headgate_server.database.work import Database
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
    run_id = new_id()
    async with database.system(workspace_id=tenant.workspace_id) as work:
        flow, _ = await flows.upsert_flow(work, name="flow")
        place = {
            "workspace_id": tenant.workspace_id,
            "work_pool_id": queue.work_pool_id if queue else None,
            "work_queue_id": queue.id if queue else None,
        }
        await work.execute(
            insert(flow_runs).values(
                **place,
                id=run_id,
                name="run",
                flow_id=flow.id,
                state_type="SCHEDULED" if phase is Phase.READY else "RUNNING",
                state_name="Any",
                state_timestamp=work.now,
                state_sequence=1,
                attempt=1,
                expected_start=work.now + due_in,
                created_by_kind="system",
                created_by_name="Headgate",
            )
        )
        await work.execute(
            insert(attempts).values(
                workspace_id=tenant.workspace_id,
                flow_run_id=run_id,
                number=1,
                epoch=epoch,
                started_at=work.now,
            )
        )
        await work.execute(
            insert(work_items).values(
                **place,
                run_id=run_id,
                queue_priority=queue.priority if queue else 0,
                priority=0,
                due_at=work.now + due_in,
                phase=phase.value,
                token=None if phase is Phase.READY else new_id(),
                fence_until=None if phase is Phase.READY else work.now + LEASE,
                epoch=epoch,
                late_threshold_ms=15_000,
                on_agent_lost="CRASH",
                abandon_after_ms=600_000,
                fence_ms=600_000,
                infrastructure_retries=3,
            )
        )
    return run_id
