"""Deployments on a real database: upserts, places, promises, pause and resume."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.changes import Outcome
from headgate_server.domain.deployments import AgentLostPolicy, Deployment
from headgate_server.domain.errors import (
    InvalidInput,
    LimitExceeded,
    NotFound,
    VersionConflict,
)
from headgate_server.domain.filters import DeploymentFilter, FlowFilter, StringFilter, TagFilter
from headgate_server.domain.ids import Kind, show
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.schedules.schedule import ScheduleRequest
from headgate_server.domain.schedules.specs import CronSpec, RRuleSpec
from headgate_server.services import deployments, work_pools, work_queues
from headgate_server.services.deployments import DeploymentChanges
from headgate_server.services.flow_runs.create import RunRequest, create_run
from headgate_server.services.schedules import read
from headgate_server.services.schedules.upcoming import get_many_upcoming
from headgate_server.services.schedules.upsert import delete_schedule, upsert_schedule
from headgate_server.tables.work_pools import work_items
from tests.factories.events import recorded
from tests.factories.tenants import Tenant, make_tenant
from tests.fixtures.loop_turns import watched_turns

LEASE = timedelta(seconds=90)
LOOP_SECONDS = 0.2
DAILY = ScheduleRequest(slug="daily", spec=CronSpec("0 6 * * *"))
HOURLY = ScheduleRequest(slug="hourly", spec=CronSpec("0 * * * *"))


async def upsert(
    work: UnitOfWork,
    changes: DeploymentChanges | None = None,
    *,
    flow: str = "etl",
    name: str = "prod",
    expected_version: int | None = None,
) -> tuple[Deployment, Outcome]:
    return await deployments.upsert_deployment(
        work,
        flow_name=flow,
        name=name,
        lease=LEASE,
        changes=changes,
        expected_version=expected_version,
    )


async def make_pool(work: UnitOfWork, *, name: str = "p") -> None:
    pool, _ = await work_pools.upsert_work_pool(work, name=name, type_="process")
    await work_queues.upsert_work_queue(work, work_pool_id=pool.id, name="high")


async def deploy(
    database: Database,
    tenant: Tenant,
    changes: DeploymentChanges | None = None,
    *,
    flow: str = "etl",
    name: str = "prod",
) -> Deployment:
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        return (await upsert(work, changes, flow=flow, name=name))[0]


async def test_new_deployment_has_the_defaults(database: Database) -> None:
    tenant = await make_tenant(database)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        made, first = await upsert(work)
        same, second = await upsert(work)

    assert (first, second) == (Outcome.CREATED, Outcome.AS_BEFORE)
    assert same == made
    assert (made.version, made.is_paused, made.on_agent_lost) == (1, False, AgentLostPolicy.CRASH)
    assert (made.abandon_after, made.fence) == (timedelta(minutes=10), timedelta(minutes=10))
    assert (made.infrastructure_retries, made.late_threshold) == (3, timedelta(seconds=15))
    assert (made.parameters, made.work_pool_id, made.pull_steps) == ({}, None, None)
    assert [name for name, _, _ in await recorded(database, tenant)] == [
        "flow.created",
        "deployment.created",
    ]


async def test_change_raises_the_version_and_names_what_changed(database: Database) -> None:
    tenant = await make_tenant(database)
    made = await deploy(database, tenant)
    changes = DeploymentChanges(
        entrypoint="flows.py:main",
        parameters={"size": 3},
        late_threshold=timedelta(seconds=1.5),
        tags=["b", "a"],
    )

    changed = await deploy(database, tenant, changes)
    same = await deploy(database, tenant, changes)
    cleared = await deploy(database, tenant, DeploymentChanges(entrypoint=None, tags=[]))

    assert (changed.id, changed.version, changed.parameters) == (made.id, 2, {"size": 3})
    assert changed.late_threshold == timedelta(seconds=1.5)
    assert same == changed
    assert (cleared.version, cleared.entrypoint, cleared.parameters) == (3, None, {"size": 3})
    shown = show(Kind.DEPLOYMENT, made.id)
    names = ["entrypoint", "late_threshold", "parameters", "tags"]
    assert (await recorded(database, tenant))[2:] == [
        ("deployment.updated", shown, {"version": 2, "changed": names}),
        ("deployment.updated", shown, {"version": 3, "changed": ["entrypoint", "tags"]}),
    ]


async def test_other_version_than_expected_is_a_conflict(database: Database) -> None:
    tenant = await make_tenant(database)
    made = await deploy(database, tenant)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        changes = DeploymentChanges(description="x")
        await upsert(work, changes, expected_version=1)
        with pytest.raises(VersionConflict) as conflict:
            await upsert(work, DeploymentChanges(description="y"), expected_version=1)
        with pytest.raises(NotFound):
            await upsert(work, changes, name="new", expected_version=1)
        found = await deployments.get_deployment(work, id_=made.id)

    assert conflict.value.current_version == 2
    assert found.description == "x"


async def test_ten_upserts_at_once_make_one_deployment(database: Database) -> None:
    tenant = await make_tenant(database)
    changes = DeploymentChanges(tags=["a"], schedules=[DAILY])

    made = await asyncio.gather(*(deploy(database, tenant, changes) for _ in range(10)))

    assert len({deployment.id for deployment in made}) == 1
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        found = await read.get_many_of_deployments(work, [made[0].id])
        tags = await deployments.get_many_tags(work, [made[0].id])
    assert len(found[made[0].id]) == 1
    assert tags == {made[0].id: ("a",)}
    assert sum(name == "deployment.created" for name, _, _ in await recorded(database, tenant)) == 1


async def test_pool_and_queue_are_named(database: Database) -> None:
    tenant = await make_tenant(database)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        await make_pool(work)
        await make_pool(work, name="q")
        places = [
            await place_after(work, DeploymentChanges(work_pool_name="p")),
            await place_after(work, DeploymentChanges(work_queue_name="high")),
            await place_after(work, DeploymentChanges(work_pool_name="p")),
            await place_after(work, DeploymentChanges(work_pool_name="q")),
            await place_after(work, DeploymentChanges(work_pool_name="p", work_queue_name="high")),
            await place_after(work, DeploymentChanges(work_pool_name=None)),
        ]

    assert places == [
        ("p", "default"),
        ("p", "high"),
        ("p", "high"),
        ("q", "default"),
        ("p", "high"),
        (None, None),
    ]


async def place_after(
    work: UnitOfWork, changes: DeploymentChanges
) -> tuple[str | None, str | None]:
    made, _ = await upsert(work, changes)
    if made.work_pool_id is None or made.work_queue_id is None:
        return None, None
    pool = await work_pools.get_work_pool(work, id_=made.work_pool_id)
    queue = await work_queues.find_work_queue(work, id_=made.work_queue_id)
    return pool.name, queue.name if queue else None


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        (DeploymentChanges(work_pool_name="none"), NotFound),
        (DeploymentChanges(work_pool_name="p", work_queue_name="none"), NotFound),
        (DeploymentChanges(work_pool_name="p", work_queue_name=""), NotFound),
        (DeploymentChanges(work_queue_name="high"), InvalidInput),
        (DeploymentChanges(entrypoint=""), InvalidInput),
        (DeploymentChanges(job_variables={"env": "x"}), InvalidInput),
        (DeploymentChanges(job_variables={"env": {"A=B": "x"}}), InvalidInput),
        (DeploymentChanges(job_variables={"env": {"A": None}}), InvalidInput),
        (DeploymentChanges(abandon_after=timedelta(seconds=59)), InvalidInput),
        (DeploymentChanges(fence=timedelta(seconds=269)), InvalidInput),
        (DeploymentChanges(infrastructure_retries=21), InvalidInput),
        (DeploymentChanges(late_threshold=timedelta()), InvalidInput),
        (DeploymentChanges(parameters={"a": "\0"}), InvalidInput),
        (DeploymentChanges(parameter_schema={"type": "spaceship"}), InvalidInput),
        (DeploymentChanges(description="\0"), InvalidInput),
        (DeploymentChanges(tags=[""]), InvalidInput),
        (DeploymentChanges(schedules=[DAILY, DAILY]), LimitExceeded),
        (
            DeploymentChanges(schedules=[ScheduleRequest(slug="Bad", spec=CronSpec("0 6 * * *"))]),
            InvalidInput,
        ),
        (
            DeploymentChanges(schedules=[ScheduleRequest(slug="a", spec=CronSpec("nonsense"))]),
            InvalidInput,
        ),
    ],
)
async def test_bad_input_is_refused_and_makes_nothing(
    database: Database, changes: DeploymentChanges, error: type[Exception]
) -> None:
    tenant = await make_tenant(database)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        await make_pool(work)

    with pytest.raises(error):
        await deploy(database, tenant, changes)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        assert await deployments.count_deployments(work) == 0


async def test_schedules_are_replaced_by_slug_and_keep_their_ids(database: Database) -> None:
    tenant = await make_tenant(database)
    made = await deploy(database, tenant, DeploymentChanges(schedules=[DAILY, HOURLY]))
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        before = (await read.get_many_of_deployments(work, [made.id]))[made.id]

    weekly = ScheduleRequest(slug="weekly", spec=CronSpec("0 6 * * 1"))
    await deploy(database, tenant, DeploymentChanges(schedules=[weekly, DAILY]))
    await deploy(database, tenant, DeploymentChanges(description="same schedules"))

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        after = (await read.get_many_of_deployments(work, [made.id]))[made.id]
        assert await read.find_schedule(work, id_=before[1].id) is None
    assert [schedule.slug for schedule in before] == ["daily", "hourly"]
    assert [schedule.slug for schedule in after] == ["daily", "weekly"]
    assert after[0] == before[0]


async def test_upcoming_times_merge_the_schedules(database: Database) -> None:
    tenant = await make_tenant(database)
    made = await deploy(database, tenant, DeploymentChanges(schedules=[DAILY, HOURLY]))
    bare = await deploy(database, tenant, name="bare")

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        upcoming = await get_many_upcoming(work, [made.id, bare.id], limit=30)
        now = work.now
        await deployments.set_paused(work, id_=made.id, is_paused=True)
        paused = await get_many_upcoming(work, [made.id], limit=30)
        with pytest.raises(InvalidInput):
            await get_many_upcoming(work, [made.id], limit=101)

    times = upcoming[made.id]
    assert set(upcoming) == {made.id}
    assert len(times) == 30
    assert times == sorted(times)
    assert now < times[0] <= now + timedelta(hours=1)
    assert len(set(times)) in {28, 29}
    assert paused == {}


async def test_rules_of_decades_are_walked_beside_the_loop_and_not_for_long(
    database: Database,
) -> None:
    tenant = await make_tenant(database)
    rare = RRuleSpec("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;BYHOUR=9;BYMINUTE=0")
    many = [ScheduleRequest(slug=f"rare-{number}", spec=rare) for number in range(20)]
    made = await deploy(database, tenant, DeploymentChanges(schedules=many))

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        async with watched_turns() as turns:
            upcoming = await get_many_upcoming(work, [made.id], limit=100)
        known = await read.get_many_of_deployments(work, [made.id])

    assert upcoming[made.id][0] == known[made.id][0].next_fire_at
    assert turns.longest < LOOP_SECONDS


async def test_pause_holds_what_waits_and_resume_releases_it(database: Database) -> None:
    tenant = await make_tenant(database)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        await make_pool(work)
        made, _ = await upsert(work, DeploymentChanges(work_pool_name="p"))
        await create_run(work, RunRequest(deployment_id=made.id))

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        paused, first = await deployments.set_paused(work, id_=made.id, is_paused=True)
        again, second = await deployments.set_paused(work, id_=made.id, is_paused=True)
        await create_run(work, RunRequest(deployment_id=made.id))
        assert await held(work) == [True, True]
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        resumed, _ = await deployments.set_paused(work, id_=made.id, is_paused=False)
        assert await held(work) == [False, False]
        assert f"pool:{made.work_pool_id}" in work.wakes

    assert (paused.is_paused, paused.version) == (True, 2)
    assert again == paused
    assert (first, second) == (Outcome.CHANGED, Outcome.AS_BEFORE)
    assert (resumed.is_paused, resumed.version) == (False, 3)


async def held(work: UnitOfWork) -> list[bool]:
    return list((await work.execute(select(work_items.c.is_held))).scalars())


async def test_deployments_are_found_by_name(database: Database) -> None:
    tenant = await make_tenant(database)
    one = await deploy(database, tenant, flow="one", name="prod")
    two = await deploy(database, tenant, flow="two", name="prod")
    only = await deploy(database, tenant, flow="two", name="dev")

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        assert await deployments.find_by_name(work, name="one/prod") == one
        assert await deployments.find_by_name(work, name="two/prod") == two
        assert await deployments.find_by_name(work, name="dev") == only
        assert await deployments.find_by_name(work, name="one/dev") is None
        assert await deployments.find_by_name(work, name="none") is None
        with pytest.raises(InvalidInput, match="flow/prod"):
            await deployments.find_by_name(work, name="prod")


async def test_deployments_are_filtered_paged_and_counted(database: Database) -> None:
    tenant = await make_tenant(database)
    for flow, name, tags in [("one", "b", ["x"]), ("one", "a", []), ("two", "a", ["x", "y"])]:
        await deploy(database, tenant, DeploymentChanges(tags=tags), flow=flow, name=name)
    cases: list[tuple[DeploymentFilter, list[str]]] = [
        (DeploymentFilter(), ["a", "a", "b"]),
        (DeploymentFilter(flow=FlowFilter(name=StringFilter(eq="one"))), ["a", "b"]),
        (DeploymentFilter(tags=TagFilter(all_of=("x",))), ["a", "b"]),
        (DeploymentFilter(is_paused=True), []),
        (DeploymentFilter(not_=DeploymentFilter(name=StringFilter(eq="a"))), ["b"]),
    ]

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        for filter_, expected in cases:
            page = await deployments.list_deployments(work, page=PageRequest(), filter=filter_)
            assert [deployment.name for deployment in page.items] == expected
            assert await deployments.count_deployments(work, filter=filter_) == len(expected)
        first = await deployments.list_deployments(work, page=PageRequest(size=1))
        key = ("a", first.items[0].id)
        rest = await deployments.list_deployments(work, page=PageRequest(key=key))

    assert first.has_next
    assert [deployment.name for deployment in rest.items] == ["a", "b"]


async def test_deployments_of_another_workspace_are_invisible(database: Database) -> None:
    tenant, other = await make_tenant(database), await make_tenant(database)
    foreign = await deploy(database, other, DeploymentChanges(tags=["a"], schedules=[DAILY]))
    async with database.tenant(other.owner, other.workspace_id) as work:
        schedule = (await read.get_many_of_deployments(work, [foreign.id]))[foreign.id][0]
        await make_pool(work, name="foreign")

    async with database.system(workspace_id=tenant.workspace_id) as work:
        empty: dict[Any, Any] = {}
        assert await deployments.find_deployment(work, id_=foreign.id) is None
        assert await deployments.find_by_name(work, name="etl/prod") is None
        assert await deployments.get_many_deployments(work, [foreign.id]) == empty
        assert await deployments.get_many_tags(work, [foreign.id]) == empty
        assert await get_many_upcoming(work, [foreign.id], limit=1) == empty
        assert (await deployments.list_deployments(work, page=PageRequest())).items == []
        assert await deployments.count_deployments(work) == 0
        assert await read.find_schedule(work, id_=schedule.id) is None
        assert await read.get_many_schedules(work, [schedule.id]) == empty
        assert await read.get_many_of_deployments(work, [foreign.id]) == empty
        with pytest.raises(NotFound):
            await deployments.set_paused(work, id_=foreign.id, is_paused=True)
        with pytest.raises(NotFound):
            await delete_schedule(work, id_=schedule.id)
        with pytest.raises(NotFound):
            await upsert_schedule(work, deployment_id=foreign.id, wanted=HOURLY)
        with pytest.raises(NotFound):
            await upsert(work, DeploymentChanges(work_pool_name="foreign"))
