"""Work queues on a real database: upserts, versions, and what waits in them."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from headgate_server.database.work import Database
from headgate_server.domain.errors import InvalidInput, NotFound, VersionConflict
from headgate_server.domain.leases import Phase
from headgate_server.domain.work_queues import WorkQueue
from headgate_server.services import work_pools, work_queues
from headgate_server.services.work_queues import WorkQueueChanges
from headgate_server.tables.work_pools import work_items
from tests.factories.tenants import Tenant, make_tenant
from tests.factories.work_items import make_work_item


async def make_queue(database: Database, tenant: Tenant, *, name: str = "high") -> WorkQueue:
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        pool, _ = await work_pools.upsert_work_pool(work, name="p", type_="process")
        queue, _ = await work_queues.upsert_work_queue(work, work_pool_id=pool.id, name=name)
    return queue


async def test_new_queue_has_defaults(database: Database) -> None:
    tenant = await make_tenant(database)

    queue = await make_queue(database, tenant)

    assert (queue.priority, queue.is_paused, queue.concurrency_limit) == (10, False, None)
    assert queue.version == 1


async def test_change_of_priority_moves_what_waits_or_may_come_back(database: Database) -> None:
    tenant = await make_tenant(database)
    queue = await make_queue(database, tenant)
    waiting = await make_work_item(database, tenant, queue=queue, phase=Phase.READY)
    leased = await make_work_item(database, tenant, queue=queue, phase=Phase.RUNNING)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        changed, is_new = await work_queues.upsert_work_queue(
            work,
            work_pool_id=queue.work_pool_id,
            name="high",
            changes=WorkQueueChanges(priority=1),
            expected_version=1,
        )
        rows = await work.execute(select(work_items.c.run_id, work_items.c.queue_priority))
        priorities = {row.run_id: row.queue_priority for row in rows}
        assert work.wakes == {f"pool:{queue.work_pool_id}", "outbox", "scheduler"}

    assert (changed.id, changed.version, is_new) == (queue.id, 2, False)
    assert priorities == {waiting: 1, leased: 1}


async def test_queues_are_read_by_priority_then_name(database: Database) -> None:
    tenant = await make_tenant(database)
    queue = await make_queue(database, tenant, name="b")
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        for name, priority in [("a", 10), ("z", 1)]:
            await work_queues.upsert_work_queue(
                work,
                work_pool_id=queue.work_pool_id,
                name=name,
                changes=WorkQueueChanges(priority=priority),
            )
        found = await work_queues.get_many_of_pools(work, [queue.work_pool_id])

    assert [queue.name for queue in found[queue.work_pool_id]] == ["z", "a", "b", "default"]


async def test_ten_upserts_at_once_make_one_queue(database: Database) -> None:
    tenant = await make_tenant(database)
    await make_queue(database, tenant, name="first")

    queues = await asyncio.gather(*(make_queue(database, tenant) for _ in range(10)))

    assert len({queue.id for queue in queues}) == 1


async def test_bad_input_and_other_versions_are_refused(database: Database) -> None:
    tenant = await make_tenant(database)
    queue = await make_queue(database, tenant)
    pool_id = queue.work_pool_id

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        for changes in [WorkQueueChanges(priority=0), WorkQueueChanges(concurrency_limit=-1)]:
            with pytest.raises(InvalidInput):
                await work_queues.upsert_work_queue(
                    work, work_pool_id=pool_id, name="high", changes=changes
                )
        with pytest.raises(VersionConflict):
            await work_queues.upsert_work_queue(
                work, work_pool_id=pool_id, name="high", expected_version=2
            )
        with pytest.raises(NotFound):
            await work_queues.upsert_work_queue(
                work, work_pool_id=pool_id, name="low", expected_version=1
            )
        assert await work_queues.find_work_queue(work, id_=queue.id) == queue


async def test_queues_of_another_workspace_are_invisible(database: Database) -> None:
    tenant, other = await make_tenant(database), await make_tenant(database)
    foreign = await make_queue(database, other)
    await make_work_item(database, other, queue=foreign, due_in=timedelta())

    async with database.system(workspace_id=tenant.workspace_id) as work:
        assert await work_queues.find_work_queue(work, id_=foreign.id) is None
        assert await work_queues.get_many_work_queues(work, [foreign.id]) == {}
        assert await work_queues.get_many_of_pools(work, [foreign.work_pool_id]) == {}
        assert await work_queues.get_many_backlogs(work, [foreign.id]) == {}
        with pytest.raises(NotFound):
            await work_queues.upsert_work_queue(
                work, work_pool_id=foreign.work_pool_id, name="high"
            )
