"""Retention on a real database: what goes when, in which portions, and what never goes."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Select, Table, delete, func, insert, select, text, update

from headgate_server.bus.bus import Bus
from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.domain.backfills import BackfillRequest
from headgate_server.domain.clock import SystemClock
from headgate_server.domain.errors import InvalidInput, Unavailable
from headgate_server.loops import retention as loop
from headgate_server.loops.loop import LoopContext
from headgate_server.repositories.retention import CHILDREN, OldPartition
from headgate_server.services import backfills, failure_groups, retention, workspaces
from headgate_server.services.workspaces import RetentionChanges
from headgate_server.settings import Timers
from headgate_server.tables.backfills import backfills as backfill_table
from headgate_server.tables.events import events
from headgate_server.tables.failure_groups import failure_groups as groups
from headgate_server.tables.failure_groups import failures
from headgate_server.tables.flow_runs import (
    attempts,
    flow_run_cursors,
    flow_run_tags,
    flow_runs,
    logs,
    states,
    task_runs,
)
from headgate_server.tables.flows import schedule_fires
from headgate_server.tables.metadata import metadata
from tests.backend.services.test_failure_groups import fail
from tests.factories.deployments import make_deployment
from tests.factories.events import recorded
from tests.factories.runs import Old, make_inputs, make_old_events, make_old_run
from tests.factories.schedules import EVERY_5, HOUR, NOON, set_scene
from tests.factories.tenants import Tenant, make_tenant
from tests.fixtures.sql import query

OF_RUNS = (states, logs, task_runs, attempts, flow_run_tags, flow_run_cursors)


@pytest.fixture
def context(database: Database, redis_url: str) -> LoopContext:
    return LoopContext(database, Bus(redis_url, prefix="test"), Timers())


async def keep(database: Database, tenant: Tenant, *, runs: int, logs: int, events: int) -> None:
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        await workspaces.update_workspace(
            work,
            id_=tenant.workspace_id,
            retention=RetentionChanges(
                runs_kept_days=runs, logs_kept_days=logs, events_kept_days=events
            ),
        )


async def runs_in(database: Database, table: Table) -> set[UUID]:
    column = table.c.id if table is flow_runs else table.c.flow_run_id
    async with database.system() as work:
        return set((await work.execute(select(column))).scalars())


async def count(database: Database, table: Table) -> int:
    async with database.system() as work:
        return (await work.execute(select(func.count()).select_from(table))).scalar_one()


async def make_partition(urls: DatabaseUrls, parent: str, *, days_ago: int) -> str:
    """Make the partition of a day of long ago, as a loop would have then."""
    day = SystemClock().now().date() - timedelta(days=days_ago)
    name = f"{parent}_{day:%Y%m%d}"
    low, high = (f"{at} 00:00+00" for at in (day, day + timedelta(days=1)))
    bounds = (
        f"from ('{low}') to ('{high}')"
        if parent == "events"
        else f"from ('{await _floor(urls, low)}') to ('{await _floor(urls, high)}')"
    )
    await query(urls.owner, f"create table {name} partition of {parent} for values {bounds}")
    return name


async def _floor(urls: DatabaseUrls, at: str) -> str:
    return str(await query(urls.owner, f"select uuid_floor('{at}')"))


async def test_runs_go_with_all_that_is_theirs_once_they_are_old(context: LoopContext) -> None:
    database = context.database
    tenant, patient = await make_tenant(database), await make_tenant(database)
    await keep(database, tenant, runs=10, logs=10, events=10)
    old = await make_old_run(database, tenant, Old(began=12, ended=11))
    young = await make_old_run(database, tenant, Old(began=12, ended=9))
    live = await make_old_run(database, tenant, Old(began=400, ended=None))
    other = await make_old_run(database, patient, Old(began=12, ended=11))

    done = await loop.run_once(context)
    again = await loop.run_once(context)

    kept = {young, live, other}
    for table in (flow_runs, *OF_RUNS):
        assert await runs_in(database, table) == kept, table.name
    assert old not in kept
    assert (done, again) == (3 + 1 + 2 + 1 + 1 + 1 + 1, 0)


async def test_runs_that_a_live_run_started_stay_with_it(context: LoopContext) -> None:
    database = context.database
    tenant = await make_tenant(database)
    live = await make_old_run(database, tenant, Old(began=500, ended=None, tasks=1))
    inside = await make_old_run(database, tenant, Old(began=450, ended=449, root_run_id=live))
    started = await make_old_run(database, tenant, Old(began=450, ended=449))
    async with database.system(workspace_id=tenant.workspace_id) as work:
        task_id = (
            await work.execute(select(task_runs.c.id).where(task_runs.c.flow_run_id == live))
        ).scalar_one()
        await work.execute(
            update(flow_runs).where(flow_runs.c.id == started).values(parent_task_run_id=task_id)
        )

    await loop.run_once(context)
    assert await runs_in(database, flow_runs) == {live, inside, started}

    async with database.system(workspace_id=tenant.workspace_id) as work:
        ended_at = work.now - timedelta(days=1)
        await work.execute(
            update(flow_runs)
            .where(flow_runs.c.id == live)
            .values(state_type="COMPLETED", ended_at=ended_at)
        )
    await loop.run_once(context)
    assert await runs_in(database, flow_runs) == {live}


async def test_logs_and_events_have_times_of_their_own(context: LoopContext) -> None:
    database = context.database
    tenant = await make_tenant(database)
    await keep(database, tenant, runs=100, logs=5, events=3)
    quiet = await make_old_run(database, tenant, Old(began=7, ended=6, lines=2))
    told = await make_old_run(database, tenant, Old(began=7, ended=4, lines=2))
    live = await make_old_run(database, tenant, Old(began=90, ended=None, lines=2))
    await make_old_events(database, tenant, days_ago=4, count=5)
    await make_old_events(database, tenant, days_ago=2, count=1)

    done = await loop.run_once(context)

    assert await runs_in(database, logs) == {told, live}
    assert await runs_in(database, states) == {quiet, told, live}
    assert await count(database, events) == 1
    assert done == 2 + 5


async def test_transaction_deletes_a_thousand_rows_at_most_and_all_go_in_the_end(
    database: Database,
) -> None:
    tenant = await make_tenant(database)
    big = await make_old_run(database, tenant, Old(began=500, ended=499, lines=1_500, tasks=900))
    await make_inputs(database, tenant, run_id=big, count=1_100)
    for _ in range(101):
        await make_old_run(database, tenant, Old(began=499, ended=498, lines=0, tasks=0))
    async with database.system() as work:
        (kept,) = await retention.list_expired(work)
    deleted = [1]
    while deleted[-1]:
        async with database.system(workspace_id=tenant.workspace_id) as work:
            deleted.append(await retention.purge(work, kept))

    assert max(deleted) <= retention.ROWS_AT_ONCE
    assert sum(deleted[1:]) == 1_500 + 900 + 1_100 + 102 * (1 + 1 + 1 + 1 + 1)
    for table in (flow_runs, *OF_RUNS):
        assert await count(database, table) == 0, table.name
    async with database.system() as work:
        assert await retention.list_expired(work) == []


def test_no_row_goes_unseen_with_the_run_that_has_many_of_it() -> None:
    with_their_run = {
        table.name
        for table in metadata.tables.values()
        for key in table.foreign_key_constraints
        if key.referred_table is flow_runs and key.ondelete == "CASCADE"
    }
    one_of_each = {"flow_run_cursors", "run_ends", "work_items"}

    assert with_their_run - {table.name for table, _ in CHILDREN} == one_of_each


async def test_run_in_other_hands_is_left_for_the_next_time(database: Database) -> None:
    tenant = await make_tenant(database)
    held = await make_old_run(database, tenant, Old(began=500, ended=499))
    await make_old_run(database, tenant, Old(began=500, ended=499))
    async with database.system() as work:
        (kept,) = await retention.list_expired(work)

    async with database.system(workspace_id=tenant.workspace_id) as other:
        await other.execute(select(flow_runs).where(flow_runs.c.id == held).with_for_update())
        async with asyncio.timeout(2):
            async with database.system(workspace_id=tenant.workspace_id) as work:
                await retention.purge(work, kept)

    assert await runs_in(database, flow_runs) == {held}


async def test_ledger_goes_with_the_runs_and_with_the_time(
    urls: DatabaseUrls, redis_url: str
) -> None:
    async with set_scene(urls) as scene:
        made = await scene.put(EVERY_5)
        await scene.tick(minutes=60)
        async with scene.database.system() as work:
            await work.execute(
                update(flow_runs).values(state_type="CANCELLED", ended_at=NOON + HOUR)
            )
            future = {"schedule_id": made.id, "fire_at": NOON + timedelta(days=900)}
            await work.execute(
                insert(schedule_fires).values(
                    **future, workspace_id=made.workspace_id, outcome="SKIPPED"
                )
            )
        context = LoopContext(scene.database, Bus(redis_url, prefix="test"), Timers())
        scene.hands.at = NOON + timedelta(days=366)

        await loop.run_once(context)

        assert await scene.starts() == []
        async with scene.database.system() as work:
            left = (await work.execute(select(schedule_fires.c.fire_at))).scalars()
            assert list(left) == [future["fire_at"]]


async def test_days_that_nobody_keeps_are_dropped_whole(
    urls: DatabaseUrls, context: LoopContext, statements: list[str]
) -> None:
    database = context.database
    tenant = await make_tenant(database)
    await keep(database, tenant, runs=20, logs=10, events=5)
    gone = [
        await make_partition(urls, parent, days_ago=days)
        for parent, days in (("events", 7), ("logs", 12), ("states", 22), ("logs", 22))
    ]
    kept = [
        await make_partition(urls, parent, days_ago=days)
        for parent, days in (("events", 5), ("logs", 10), ("states", 12), ("states", 40))
    ]
    await make_old_events(database, tenant, days_ago=7, count=2)
    live = await make_old_run(database, tenant, Old(began=40, ended=None))
    statements.clear()

    await loop.run_once(context)

    names = [*gone, *kept]
    left = [name for name in names if await query(urls.owner, f"select to_regclass('{name}')")]
    assert left == kept
    assert await runs_in(database, states) == {live}
    assert await count(database, events) == 0
    assert sum("drop_old_partition" in statement for statement in statements) == 4


async def test_partition_in_use_is_waited_for_briefly_and_dropped_later(
    urls: DatabaseUrls, context: LoopContext
) -> None:
    name = await make_partition(urls, "events", days_ago=200)
    await make_tenant(context.database)
    clock = asyncio.get_running_loop().time

    async with context.database.system() as reader:
        await reader.execute(text("select count(*) from events"))
        began = clock()
        with pytest.raises(Unavailable):
            async with context.database.system() as work:
                await retention.drop_unneeded(work, OldPartition(name, "events"))
        waited = clock() - began
        assert await loop.run_once(context) == 0

    assert 0.09 <= waited < 1
    assert await loop.run_once(context) == 1
    assert await query(urls.owner, f"select to_regclass('{name}')") is None


@pytest.mark.parametrize(
    "name", ["flow_runs", "states_default", "states_19990101", "events_20260101; select 1"]
)
async def test_functions_drop_nothing_but_old_partitions(database: Database, name: str) -> None:
    today = f"{SystemClock().now():%Y%m%d}"

    for wanted in (name, f"states_{today}"):
        with pytest.raises(Exception, match="not an old partition"):
            async with database.system() as work:
                await work.execute(text("select drop_old_partition(:name)"), {"name": wanted})


async def test_retention_has_limits_and_leaves_a_trace(database: Database) -> None:
    tenant = await make_tenant(database)
    await keep(database, tenant, runs=30, logs=30, events=3650)

    for runs, lines, events_ in ((0, 1, 1), (3651, 1, 1), (5, 6, 1), (5, 5, 0), (5, 0, 5)):
        with pytest.raises(InvalidInput):
            await keep(database, tenant, runs=runs, logs=lines, events=events_)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        found = await workspaces.get_workspace(work, id_=tenant.workspace_id)
    assert (found.runs_kept_days, found.logs_kept_days, found.events_kept_days) == (30, 30, 3650)
    assert (await recorded(database, tenant))[-1][2] == {
        "version": 2,
        "changed": ["events_kept_days", "logs_kept_days", "runs_kept_days"],
    }


async def test_groups_and_backfills_go_once_nothing_of_them_is_kept(context: LoopContext) -> None:
    database = context.database
    tenant = await make_tenant(database)
    await keep(database, tenant, runs=7, logs=7, events=7)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        deployed = await make_deployment(work)
        for message in ("old", "new"):
            await fail(work, deployed, message)
        request = BackfillRequest(deployed.deployment_id, parameter_sets=[{}, {}])
        earlier, made = [await backfills.create_backfill(work, request) for _ in range(2)]
        for one in (earlier, made):
            await backfills.cancel_backfill(work, id_=one.id)
    async with database.system() as work:
        await failure_groups.group_failures(work)
        long_ago = work.now - timedelta(days=8)
        await work.execute(delete(failures).where(failures.c.group_id.in_(_old_groups())))
        is_old = groups.c.message == "old"
        await work.execute(update(groups).where(is_old).values(last_seen_at=long_ago))
        is_last = backfill_table.c.id == made.id
        await work.execute(update(backfill_table).where(is_last).values(ended_at=long_ago))

    done = await loop.run_once(context)

    async with database.system() as work:
        kept = list((await work.execute(select(groups.c.message))).scalars())
        left = list((await work.execute(select(backfill_table.c.id))).scalars())
    assert done == 1 + 2 + 1
    assert kept == ["new"]
    assert len(left) == 1
    assert made.id not in left


def _old_groups() -> Select[tuple[UUID]]:
    return select(groups.c.id).where(groups.c.message == "old")
