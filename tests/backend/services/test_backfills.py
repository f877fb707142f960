"""Backfills on a real database: planned, run a few at a time, paused, resumed, cancelled."""

import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.backfills import (
    Backfill,
    BackfillItem,
    BackfillItemStatus,
    BackfillRequest,
    BackfillStatus,
    InstantRange,
    plan_items,
)
from headgate_server.domain.errors import Conflict, InvalidInput, NotFound
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.schedules.specs import CronSpec
from headgate_server.domain.states import StateType, propose
from headgate_server.services import backfills
from headgate_server.services.flow_runs import change, read
from tests.factories.databases import shifted
from tests.factories.deployments import make_deployment
from tests.factories.events import recorded
from tests.factories.tenants import Tenant, make_tenant

DAILY = CronSpec("0 6 * * *")
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
WAITING, STARTED, ENDED = (
    BackfillItemStatus.WAITING,
    BackfillItemStatus.STARTED,
    BackfillItemStatus.ENDED,
)


def request(**more: Any) -> BackfillRequest:
    return BackfillRequest(deployment_id=UUID(int=1), **more)


async def make(work: UnitOfWork, **more: Any) -> Backfill:
    deployed = await make_deployment(work)
    wanted: dict[str, Any] = {
        "parameter_sets": [{"size": n} for n in range(3)],
        "parallelism": 2,
        **more,
    }
    asked = BackfillRequest(deployment_id=deployed.deployment_id, **wanted)
    return await backfills.create_backfill(work, asked)


async def items_of(work: UnitOfWork, made: Backfill) -> list[BackfillItem]:
    page = await backfills.list_items(work, id_=made.id, page=PageRequest())
    return list(page.items)


async def end(work: UnitOfWork, run_id: UUID | None) -> None:
    assert run_id is not None
    state = propose(StateType.COMPLETED)
    await change.set_state(
        work,
        run_id=run_id,
        state=state,
        lease=None,
        key=None,
        correction=change.Correction(is_forced=True),
    )


async def advance(database: Database, tenant: Tenant, made: Backfill) -> int:
    async with database.system(workspace_id=tenant.workspace_id) as work:
        return await backfills.advance_backfill(work, id_=made.id)


def test_range_is_its_instants_in_either_order() -> None:
    instants = InstantRange(
        DAILY, since=MARCH + timedelta(hours=6), until=MARCH + timedelta(days=3)
    )

    there = plan_items(request(instants=instants, instant_parameter="day", parameters={"a": 1}))
    back = plan_items(request(instants=instants, is_descending=True))

    days = [MARCH + timedelta(days=n, hours=6) for n in range(3)]
    assert [item.instant for item in there] == days
    assert there[0].parameters == {"a": 1, "day": "2026-03-01T06:00:00+00:00"}
    assert [(item.position, item.instant) for item in back] == list(enumerate(reversed(days)))


UNPLANNABLE: list[tuple[dict[str, Any], str]] = [
    ({}, "range"),
    ({"parameter_sets": []}, "parameterSets"),
    ({"parameter_sets": [{}] * 1001}, "parameterSets"),
    ({"parameter_sets": [{}], "parallelism": 101}, "parallelism"),
    ({"parameter_sets": [{}], "instant_parameter": "day"}, "instantParameter"),
    ({"instants": InstantRange(DAILY, MARCH, MARCH - timedelta(days=1))}, "range"),
    ({"instants": InstantRange(DAILY, MARCH, MARCH + timedelta(days=2000))}, "range"),
]


@pytest.mark.parametrize(("more", "path"), UNPLANNABLE)
def test_what_cannot_be_planned_is_refused(more: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        plan_items(request(**more))

    assert raised.value.path[0] == path


LARGE = {"text": "a" * 510_000}
MOST_BYTES = 32 * 2**20


async def test_what_many_items_are_laid_over_is_not_written_out_for_each_to_be_refused(
    database: Database,
) -> None:
    tenant = await make_tenant(database)
    sets = [{"day": n} for n in range(1000)]
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        deployed = await make_deployment(work)
        asked = BackfillRequest(deployed.deployment_id, parameter_sets=sets, parameters=LARGE)
        tracemalloc.start()
        with pytest.raises(InvalidInput, match="512 KiB"):
            await backfills.plan_backfill(work, asked)
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert peak_bytes < MOST_BYTES


async def test_runs_are_made_as_room_allows_and_the_end_is_told(database: Database) -> None:
    tenant = await make_tenant(database)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        made = await make(work)

    first, second = [await advance(database, tenant, made) for _ in range(2)]
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        begun = await items_of(work, made)
        runs = await read.get_many_flow_runs(work, [one.run_id for one in begun if one.run_id])
        await end(work, begun[0].run_id)
    third = await advance(database, tenant, made)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        last = await items_of(work, made)
        for item in last[1:]:
            await end(work, item.run_id)
    fourth = await advance(database, tenant, made)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        ended = (await backfills.get_many_backfills(work, [made.id]))[made.id]
        counts = await backfills.get_many_counts(work, [made.id])

    assert (first, second, third, fourth) == (2, 0, 1, 0)
    assert [one.status for one in begun] == [STARTED, STARTED, WAITING]
    assert [one.status for one in last] == [ENDED, STARTED, STARTED]
    told = [run.triggered_by for run in runs.values()]
    assert sorted(one["position"] for one in told if one) == [0, 1]
    assert (ended.status, counts[made.id]) == (BackfillStatus.COMPLETED, {ENDED: 3})
    names = [name for name, _, _ in await recorded(database, tenant)]
    assert "backfill.completed" in names


async def test_paused_backfill_makes_nothing_and_a_cancelled_one_never_again(
    database: Database,
) -> None:
    tenant = await make_tenant(database)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        made = await make(work)
        await backfills.set_paused(work, id_=made.id, is_paused=True)
    while_paused = await advance(database, tenant, made)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        await backfills.set_paused(work, id_=made.id, is_paused=False)
    resumed = await advance(database, tenant, made)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        cancelled = await backfills.cancel_backfill(work, id_=made.id, cancels_runs=True)
        items = await items_of(work, made)
        runs = await read.get_many_flow_runs(work, [one.run_id for one in items if one.run_id])
        with pytest.raises(Conflict):
            await backfills.set_paused(work, id_=made.id, is_paused=False)
    afterwards = await advance(database, tenant, made)

    assert (while_paused, resumed, afterwards) == (0, 2, 0)
    assert cancelled.status is BackfillStatus.CANCELLED
    assert [run.state_type for run in runs.values()] == [StateType.CANCELLED] * 2


async def test_loop_is_due_at_once_and_again_while_runs_go_on(
    database: Database, urls: Any
) -> None:
    tenant = await make_tenant(database)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        made = await make(work)
    async with database.system() as work:
        at_once = await backfills.list_due(work, most=1000)
    await advance(database, tenant, made)
    async with shifted(urls, by=timedelta(minutes=-1)) as before, before.system() as work:
        now = await backfills.list_due(work, most=1000)
    async with shifted(urls, by=timedelta(seconds=2)) as later, later.system() as work:
        then = await backfills.list_due(work, most=1000)

    key = (tenant.workspace_id, made.id)
    assert (key in at_once, key in now, key in then) == (True, False, True)


async def test_backfill_of_another_tenant_is_not_there(database: Database) -> None:
    mine, theirs = await make_tenant(database), await make_tenant(database)
    async with database.tenant(theirs.owner, theirs.workspace_id) as work:
        made = await make(work)

    async with database.tenant(mine.owner, mine.workspace_id) as work:
        with pytest.raises(NotFound):
            await backfills.cancel_backfill(work, id_=made.id)
        with pytest.raises(NotFound):
            await backfills.plan_backfill(
                work, BackfillRequest(made.deployment_id, parameter_sets=[{}])
            )
