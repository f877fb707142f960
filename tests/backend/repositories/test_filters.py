"""Filters and pages over runs on a real database, one row for each thing a filter may tell."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Row, insert, select

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.errors import InvalidCursor
from headgate_server.domain.filters import (
    DeploymentFilter,
    FlowFilter,
    FlowRunFilter,
    IdFilter,
    StateFilter,
    StringFilter,
    TagFilter,
    TaskRunFilter,
    TimeFilter,
)
from headgate_server.domain.ids import new_id
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.states import StateType
from headgate_server.repositories import filters, pages
from headgate_server.services import flows
from headgate_server.tables.flow_runs import flow_run_tags, flow_runs, task_runs
from headgate_server.tables.flows import deployments
from tests.factories.tenants import Tenant, make_tenant

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
POOL, TASK = UUID(int=1), UUID(int=2)


async def make_run(
    work: UnitOfWork, *, name: str, flow: str = "etl", tags: tuple[str, ...] = (), **values: Any
) -> UUID:
    run_id = new_id()
    owner, _ = await flows.upsert_flow(work, name=flow)
    row: dict[str, Any] = {
        "state_type": "SCHEDULED",
        "state_name": "Scheduled",
        "expected_start": NOON,
    }
    await work.execute(
        insert(flow_runs).values(
            **(row | values),
            workspace_id=work.workspace_id,
            id=run_id,
            name=name,
            flow_id=owner.id,
            state_timestamp=NOON,
            state_sequence=1,
            created_by_kind="system",
            created_by_name="Headgate",
        )
    )
    for tag in tags:
        await work.execute(
            insert(flow_run_tags).values(
                workspace_id=work.workspace_id, tag=tag, flow_run_id=run_id
            )
        )
    return run_id


async def make_deployment(work: UnitOfWork, *, name: str, is_paused: bool) -> UUID:
    deployment_id = new_id()
    flow, _ = await flows.upsert_flow(work, name="etl")
    await work.execute(
        insert(deployments).values(
            workspace_id=work.workspace_id,
            id=deployment_id,
            flow_id=flow.id,
            name=name,
            is_paused=is_paused,
            on_agent_lost="CRASH",
            abandon_after_ms=1,
            fence_ms=1,
            infrastructure_retries=1,
            late_threshold_ms=1,
            created_by_kind="system",
            created_by_name="Headgate",
        )
    )
    return deployment_id


async def make_runs(database: Database, tenant: Tenant) -> None:
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        prod = await make_deployment(work, name="prod", is_paused=True)
        dev = await make_deployment(work, name="dev", is_paused=False)
        await make_run(work, name="one", tags=("a", "b"), deployment_id=prod)
        await make_run(work, name="two", tags=("b",), deployment_id=dev, started_at=NOON)
        await make_run(
            work,
            name="three",
            flow="report",
            state_type="FAILED",
            state_name="TimedOut",
            started_at=NOON + HOUR,
            ended_at=NOON + 2 * HOUR,
            expected_start=NOON + HOUR,
            parent_task_run_id=TASK,
        )


CASES: list[tuple[FlowRunFilter, set[str]]] = [
    (FlowRunFilter(), {"one", "two", "three"}),
    (FlowRunFilter(name=StringFilter(contains="T")), {"two", "three"}),
    (FlowRunFilter(state=StateFilter(types=(StateType.FAILED,))), {"three"}),
    (FlowRunFilter(state=StateFilter(names=("Scheduled", "Late"))), {"one", "two"}),
    (FlowRunFilter(tags=TagFilter(all_of=("b",), none_of=("a",))), {"two"}),
    (FlowRunFilter(expected_start=TimeFilter(gte=NOON, lt=NOON + HOUR)), {"one", "two"}),
    (FlowRunFilter(started_at=TimeFilter(is_null=True)), {"one"}),
    (FlowRunFilter(started_at=TimeFilter(gte=NOON + HOUR)), {"three"}),
    (FlowRunFilter(ended_at=TimeFilter(is_null=False)), {"three"}),
    (FlowRunFilter(flow=FlowFilter(name=StringFilter(eq="report"))), {"three"}),
    (FlowRunFilter(deployment=DeploymentFilter(is_paused=True)), {"one"}),
    (FlowRunFilter(deployment=DeploymentFilter(name=StringFilter(in_=("dev",)))), {"two"}),
    (
        FlowRunFilter(
            deployment=DeploymentFilter(
                flow=FlowFilter(name=StringFilter(eq="etl")), is_paused=False
            )
        ),
        {"two"},
    ),
    (FlowRunFilter(not_=FlowRunFilter(deployment=DeploymentFilter())), {"three"}),
    (FlowRunFilter(not_=FlowRunFilter(started_at=TimeFilter(lt=NOON + HOUR))), {"one", "three"}),
    (FlowRunFilter(work_pool_id=IdFilter(is_null=True)), {"one", "two", "three"}),
    (FlowRunFilter(work_pool_id=IdFilter(not_in=(POOL,))), {"one", "two", "three"}),
    (FlowRunFilter(work_queue_id=IdFilter(eq=POOL)), set()),
    (FlowRunFilter(parent_task_run_id=IdFilter(eq=TASK)), {"three"}),
    (FlowRunFilter(parent_task_run_id=IdFilter(in_=(TASK, POOL))), {"three"}),
    (
        FlowRunFilter(
            or_=(
                FlowRunFilter(tags=TagFilter(any_of=("a",))),
                FlowRunFilter(ended_at=TimeFilter(lt=NOON + 3 * HOUR)),
            ),
            not_=FlowRunFilter(name=StringFilter(eq="three")),
        ),
        {"one"},
    ),
]


async def test_each_filter_finds_its_runs_and_none_of_another_workspace(
    database: Database,
) -> None:
    tenant, other = await make_tenant(database), await make_tenant(database)
    await make_runs(database, tenant)
    await make_runs(database, other)

    async with database.system(workspace_id=tenant.workspace_id) as work:
        for filter_, expected in CASES:
            conditions = filters.flow_runs(filter_, workspace_id=work.workspace_id)
            own = flow_runs.c.workspace_id == work.workspace_id
            names = (await work.execute(select(flow_runs.c.name).where(own, *conditions))).scalars()
            assert sorted(names) == sorted(expected), filter_


async def test_task_runs_are_filtered(database: Database) -> None:
    tenant = await make_tenant(database)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        run_id = await make_run(work, name="one")
        for name in ("extract", "load"):
            await work.execute(
                insert(task_runs).values(
                    workspace_id=work.workspace_id,
                    id=new_id(),
                    flow_run_id=run_id,
                    task_key=name,
                    name=name,
                    attempt=1,
                    state_type="RUNNING" if name == "load" else "COMPLETED",
                    state_name="Any",
                    states=[],
                    state_count=1,
                    update_sequence=1,
                )
            )
        filter_ = TaskRunFilter(
            flow_run_id=IdFilter(eq=run_id),
            not_=TaskRunFilter(state=StateFilter(types=(StateType.COMPLETED,))),
        )
        conditions = filters.task_runs(filter_, workspace_id=work.workspace_id)
        found = await work.execute(select(task_runs.c.name).where(*conditions))

    assert list(found.scalars()) == ["load"]


@pytest.mark.parametrize("is_descending", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3])
async def test_pages_walk_a_nullable_order_in_both_directions(
    database: Database, *, is_descending: bool, size: int
) -> None:
    tenant = await make_tenant(database)
    sort = pages.Sort((flow_runs.c.started_at, flow_runs.c.id), is_descending, has_nulls=True)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        for name, started_at in [("a", NOON), ("b", None), ("c", NOON), ("d", None), ("e", NOON)]:
            await make_run(work, name=name, started_at=started_at)
        forward = await walk(work, sort, size=size, is_backward=False)
        backward = await walk(work, sort, size=size, is_backward=True)

    expected = "acebd"
    if is_descending:
        expected = expected[::-1]
    assert forward == list(expected)
    assert backward == list(reversed(expected))


async def test_key_of_another_length_is_refused(database: Database) -> None:
    tenant = await make_tenant(database)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        with pytest.raises(InvalidCursor):
            await pages.read(
                work,
                select(flow_runs),
                sort=pages.by(flow_runs.c.name, flow_runs.c.id),
                page=PageRequest(key=("a",)),
                make=tuple,
            )


async def walk(work: UnitOfWork, sort: pages.Sort, *, size: int, is_backward: bool) -> list[str]:
    names: list[str] = []
    key: tuple[Any, ...] | None = None
    while True:
        request = PageRequest(size=size, key=key, is_backward=is_backward)
        page = await pages.read(work, select(flow_runs), sort=sort, page=request, make=shown)
        rows = list(reversed(page.items)) if is_backward else list(page.items)
        names.extend(row[2] for row in rows)
        if not (page.has_previous if is_backward else page.has_next):
            return names
        key = rows[-1][:2]


def shown(row: Row[Any]) -> tuple[Any, ...]:
    return row.started_at, row.id, row.name
