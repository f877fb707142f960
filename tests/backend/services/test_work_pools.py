"""Work pools on a real database: upserts, versions, status and backlog."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.errors import InvalidInput, NotFound, VersionConflict
from headgate_server.domain.ids import Kind, new_id, show
from headgate_server.domain.leases import Phase
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.work_pools import Backlog, PoolStatus, WorkPool
from headgate_server.services import work_pools, work_queues
from headgate_server.services.work_pools import WorkPoolChanges
from tests.factories.agents import make_session
from tests.factories.events import recorded
from tests.factories.tenants import Tenant, make_tenant
from tests.factories.work_items import make_work_item


async def upsert(
    work: UnitOfWork, changes: WorkPoolChanges | None = None, *, name: str = "p"
) -> WorkPool:
    pool, _ = await work_pools.upsert_work_pool(work, name=name, type_="process", changes=changes)
    return pool


async def make_pool(database: Database, tenant: Tenant, *, name: str = "p") -> WorkPool:
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        return await upsert(work, name=name)


async def test_new_pool_has_defaults_and_a_default_queue(database: Database) -> None:
    tenant = await make_tenant(database)
    pool = await make_pool(database, tenant)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        queues = await work_queues.get_many_of_pools(work, [pool.id])

    assert (pool.type, pool.is_paused, pool.concurrency_limit) == ("process", False, None)
    assert (pool.base_job_template, pool.version) == ({}, 1)
    assert [(queue.name, queue.priority) for queue in queues[pool.id]] == [("default", 10)]
    shown = show(Kind.WORK_POOL, pool.id)
    assert await recorded(database, tenant) == [("work_pool.created", shown, {"version": 1})]


async def test_version_rises_only_when_something_changes(database: Database) -> None:
    tenant = await make_tenant(database)
    pool = await make_pool(database, tenant)
    limit = WorkPoolChanges(concurrency_limit=5, is_paused=False)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        limited = await upsert(work, limit)
        same = await upsert(work, limit)
        cleared = await upsert(work, WorkPoolChanges(concurrency_limit=None))
        assert work.wakes >= {f"pool:{pool.id}"}

    assert (limited.version, limited.concurrency_limit) == (2, 5)
    assert same == limited
    assert (cleared.version, cleared.concurrency_limit) == (3, None)
    assert [payload for _, _, payload in await recorded(database, tenant)][1:] == [
        {"version": 2, "changed": ["concurrency_limit"]},
        {"version": 3, "changed": ["concurrency_limit"]},
    ]


async def test_other_version_than_expected_is_a_conflict(database: Database) -> None:
    tenant = await make_tenant(database)
    pool = await make_pool(database, tenant)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        await upsert(work, WorkPoolChanges(is_paused=True))
        with pytest.raises(VersionConflict) as conflict:
            await work_pools.upsert_work_pool(
                work,
                name="p",
                type_="process",
                changes=WorkPoolChanges(is_paused=False),
                expected_version=1,
            )
        assert (await work_pools.get_work_pool(work, id_=pool.id)).is_paused
        with pytest.raises(NotFound):
            await work_pools.upsert_work_pool(work, name="new", type_="process", expected_version=1)

    assert conflict.value.current_version == 2


@pytest.mark.parametrize(
    ("name", "type_", "changes"),
    [
        ("", "process", WorkPoolChanges()),
        ("p", "spaceship", WorkPoolChanges()),
        ("p", "docker", WorkPoolChanges()),
        ("p", "process", WorkPoolChanges(concurrency_limit=-1)),
        ("p", "process", WorkPoolChanges(base_job_template={"a": "x" * 600_000})),
        ("p", "process", WorkPoolChanges(base_job_template={"a": "\0"})),
        ("p", "process", WorkPoolChanges(base_job_template={"a": "\ud800"})),
    ],
)
async def test_bad_input_is_refused(
    database: Database, name: str, type_: str, changes: WorkPoolChanges
) -> None:
    tenant = await make_tenant(database)
    pool = await make_pool(database, tenant)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        with pytest.raises(InvalidInput):
            await work_pools.upsert_work_pool(work, name=name, type_=type_, changes=changes)
        assert await work_pools.find_work_pool(work, id_=pool.id) == pool


async def test_ten_upserts_at_once_make_one_pool_with_one_queue(database: Database) -> None:
    tenant = await make_tenant(database)

    pools = await asyncio.gather(*(make_pool(database, tenant) for _ in range(10)))

    assert len({pool.id for pool in pools}) == 1
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        queues = await work_queues.get_many_of_pools(work, [pools[0].id])
    assert len(queues[pools[0].id]) == 1
    assert len(await recorded(database, tenant)) == 1


async def test_status_tells_paused_served_and_unserved_pools_in_one_query(
    database: Database, statements: list[str]
) -> None:
    tenant = await make_tenant(database)
    served, unserved = [await make_pool(database, tenant, name=name) for name in "ab"]
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        paused = await upsert(work, WorkPoolChanges(is_paused=True), name="c")
    await make_session(database, tenant, work_pool_id=served.id)
    await make_session(database, tenant, work_pool_id=paused.id)
    await make_session(database, tenant, work_pool_id=unserved.id, has_ended=True)
    ids = [served.id, unserved.id, paused.id]
    statements.clear()

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        statuses = await work_pools.get_many_statuses(work, ids)

    assert statuses == {
        served.id: PoolStatus.READY,
        unserved.id: PoolStatus.NOT_READY,
        paused.id: PoolStatus.PAUSED,
    }
    assert len(statements) == 2


async def test_backlog_counts_each_phase_of_pools_and_queues_in_one_query(
    database: Database, statements: list[str]
) -> None:
    tenant = await make_tenant(database)
    busy, idle = [await make_pool(database, tenant, name=name) for name in "ab"]
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        queue = (await work_queues.get_many_of_pools(work, [busy.id]))[busy.id][0]
    for phase, minutes in [
        (Phase.READY, -10),
        (Phase.READY, -1),
        (Phase.READY, 5),
        (Phase.OFFERED, 0),
        (Phase.CLAIMED, 0),
        (Phase.RUNNING, 0),
    ]:
        await make_work_item(
            database, tenant, queue=queue, phase=phase, due_in=timedelta(minutes=minutes)
        )
    statements.clear()

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        of_pools = await work_pools.get_many_backlogs(work, [busy.id, idle.id])
        of_queues = await work_queues.get_many_backlogs(work, [queue.id])

    assert set(of_pools) == {busy.id}
    age = of_pools[busy.id].oldest_ready_age
    assert age is not None
    assert timedelta(minutes=10) <= age < timedelta(minutes=11)
    expected = Backlog(ready=2, scheduled=1, offered=1, running=2, oldest_ready_age=age)
    assert of_pools[busy.id] == expected
    assert of_queues == {queue.id: expected}
    assert len(statements) == 3


async def test_pools_are_paged_by_name_and_counted(database: Database) -> None:
    tenant = await make_tenant(database)
    made = {name: await make_pool(database, tenant, name=name) for name in "cab"}

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        first = await work_pools.list_work_pools(work, page=PageRequest(size=2))
        rest = await work_pools.list_work_pools(work, page=PageRequest(key=("b", made["b"].id)))
        count = await work_pools.count_work_pools(work)

    assert [pool.name for pool in first.items] == ["a", "b"]
    assert first.has_next
    assert [pool.name for pool in rest.items] == ["c"]
    assert count == 3


async def test_pools_of_another_workspace_are_invisible(database: Database) -> None:
    tenant, other = await make_tenant(database), await make_tenant(database)
    foreign = await make_pool(database, other)
    await make_session(database, other, work_pool_id=foreign.id)

    async with database.system(workspace_id=tenant.workspace_id) as work:
        await assert_invisible(work, foreign.id)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        await assert_invisible(work, foreign.id)
        own, is_new = await work_pools.upsert_work_pool(work, name="p", type_="process")

    assert is_new
    assert own.id != foreign.id


async def assert_invisible(work: UnitOfWork, id_: UUID) -> None:
    assert await work_pools.find_work_pool(work, id_=id_) is None
    assert await work_pools.find_by_name(work, name="p") is None
    assert await work_pools.get_many_work_pools(work, [id_]) == {}
    assert await work_pools.get_many_statuses(work, [id_]) == {}
    assert await work_pools.get_many_backlogs(work, [id_]) == {}
    assert await work_queues.get_many_of_pools(work, [id_]) == {}
    assert (await work_pools.list_work_pools(work, page=PageRequest())).items == []
    assert await work_pools.count_work_pools(work) == 0
    with pytest.raises(NotFound):
        await work_pools.get_work_pool(work, id_=new_id())
