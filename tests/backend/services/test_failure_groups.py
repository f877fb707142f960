"""Failure groups on a real database: made from transitions, changed, regressed, retried."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, insert, update

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.deployments import Deployment
from headgate_server.domain.errors import InvalidInput, VersionConflict
from headgate_server.domain.failure_groups import FailureGroup, FailureGroupStatus, GroupFilter
from headgate_server.domain.ids import Kind, show
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.states import StateType, propose
from headgate_server.services import deployments, failure_groups, promotions, work_pools
from headgate_server.services.deployment_versions import get_many_versions
from headgate_server.services.deployments import DeploymentChanges
from headgate_server.services.flow_runs import bulk, change
from headgate_server.services.flow_runs.change import CancelRequest
from headgate_server.services.flow_runs.create import (
    BeginRequest,
    RunRequest,
    begin_run,
    create_run,
)
from headgate_server.services.transitions import Transition
from headgate_server.tables.failure_groups import ungrouped_failures as ungrouped
from headgate_server.tables.flow_runs import flow_runs
from tests.backend.services.test_deployments import upsert
from tests.factories.deployments import Deployed, make_deployment
from tests.factories.events import recorded
from tests.factories.tenants import Tenant, make_tenant

ALL = GroupFilter()


def error(message: str) -> dict[str, object]:
    traceback = 'File "/srv/flows/etl.py", line 3, in load'
    return {"error": {"type": "ValueError", "message": message, "traceback": traceback}}


async def fail(
    work: UnitOfWork, deployed: Deployed, message: str, *, run_id: UUID | None = None
) -> UUID:
    if run_id is None:
        run_id = (await create_run(work, RunRequest(deployment_id=deployed.deployment_id))).id
    state = propose(StateType.FAILED, message=message, details=error(message))
    done = await change.set_state(
        work,
        run_id=run_id,
        state=state,
        lease=None,
        key=None,
        correction=change.Correction(is_forced=True),
    )
    assert done.is_accepted
    return run_id


async def group_all(database: Database) -> int:
    async with database.system() as work:
        return await failure_groups.group_failures(work)


async def groups_of(database: Database, tenant: Tenant) -> list[FailureGroup]:
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        page = await failure_groups.list_groups(work, page=PageRequest(), filter=ALL)
        return list(page.items)


async def test_runs_that_fail_alike_are_one_group(database: Database) -> None:
    tenant = await make_tenant(database)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        deployed = await make_deployment(work)
        first = await fail(work, deployed, "row 1 of 'a' is bad")
        second = await fail(work, deployed, "row 2 of 'b' is bad")
        await fail(work, deployed, "no column")
        await change.retry_run(work, run_id=first)
        await fail(work, deployed, "row 3 of 'a' is bad", run_id=first)
    taken = await group_all(database)
    again = await group_all(database)
    by_message = {group.message: group for group in await groups_of(database, tenant)}
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        rows = by_message["row <number> of <value> is bad"]
        runs = await failure_groups.list_runs(work, group_id=rows.id, page=PageRequest())
        mine = await failure_groups.get_many_of_runs(work, [first])

    assert (taken, again) == (4, 0)
    assert set(by_message) == {"row <number> of <value> is bad", "no column"}
    assert (rows.failure_count, rows.run_count, rows.exception_type) == (3, 2, "ValueError")
    assert rows.frames == ("etl.py:load",)
    assert [run.id for run in runs.items] == [second, first]
    assert mine[first].id == rows.id
    names = [name for name, _, _ in await recorded(database, tenant)]
    assert names.count("failure_group.created") == 2


async def test_resolved_group_regresses_and_a_muted_one_does_not(database: Database) -> None:
    tenant = await make_tenant(database)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        deployed = await make_deployment(work)
        await fail(work, deployed, "bad")
        await fail(work, deployed, "dull")
    await group_all(database)
    bad, dull = sorted(await groups_of(database, tenant), key=lambda group: group.message)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        resolved = await failure_groups.set_status(
            work, id_=bad.id, status=FailureGroupStatus.RESOLVED
        )
        await failure_groups.set_status(work, id_=dull.id, status=FailureGroupStatus.MUTED)
        with pytest.raises(VersionConflict):
            await failure_groups.set_status(
                work, id_=bad.id, status=FailureGroupStatus.OPEN, expected_version=bad.version
            )
        with pytest.raises(InvalidInput):
            await failure_groups.set_status(work, id_=bad.id, status=FailureGroupStatus.REGRESSED)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        await fail(work, deployed, "bad")
        await fail(work, deployed, "dull")
    await group_all(database)
    bad, dull = sorted(await groups_of(database, tenant), key=lambda group: group.message)

    assert resolved.status is FailureGroupStatus.RESOLVED
    assert (bad.status, bad.regression_count) == (FailureGroupStatus.REGRESSED, 1)
    assert bad.regressed_at is not None
    assert (dull.status, dull.failure_count) == (FailureGroupStatus.MUTED, 2)
    told = [event for event in await recorded(database, tenant) if "regressed" in event[0]]
    assert [(name, id_) for name, id_, _ in told] == [
        ("failure_group.regressed", show(Kind.FAILURE_GROUP, bad.id))
    ]


async def test_resolved_group_does_not_regress_by_a_version_that_was_replaced_by_then(
    database: Database,
) -> None:
    tenant = await make_tenant(database)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        deployed = await make_deployment(work)

        async def deploy(label: str) -> UUID:
            current = await deployments.get_deployment(work, id_=deployed.deployment_id)
            made, _ = await deployments.apply_changes(
                work, current, {"version_label": label}, columns={}
            )
            assert made.current_version_id is not None
            return made.current_version_id

        faulty = await deploy("faulty")
        await fail(work, deployed, "bad")
        request = RunRequest(deployment_id=deployed.deployment_id)
        before, again, also_before, brought_back = [
            (await create_run(work, request)).id for _ in range(4)
        ]
        await deploy("fixed")
        await change.cancel_run(work, run_id=again, request=CancelRequest())
        await change.retry_run(work, run_id=again)
    await group_all(database)
    seen: list[tuple[str, int, int]] = []
    for run_id in (before, again, also_before, brought_back):
        (group,) = await groups_of(database, tenant)
        async with database.tenant(tenant.owner, tenant.workspace_id) as work:
            await failure_groups.set_status(work, id_=group.id, status=FailureGroupStatus.RESOLVED)
        async with database.tenant(tenant.owner, tenant.workspace_id) as work:
            if run_id == brought_back:
                await promotions.promote_version(work, id_=faulty)
            await fail(work, deployed, "bad", run_id=run_id)
        await group_all(database)
        (group,) = await groups_of(database, tenant)
        seen.append((group.status.value, group.failure_count, group.regression_count))

    assert seen == [
        ("RESOLVED", 2, 0), ("REGRESSED", 3, 1), ("RESOLVED", 4, 1), ("REGRESSED", 5, 2),
    ]  # fmt: skip


async def test_group_is_retried_as_far_as_it_still_stands(database: Database) -> None:
    tenant = await make_tenant(database)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        deployed = await make_deployment(work)
        failed = [await fail(work, deployed, "bad") for _ in range(3)]
        await change.retry_run(work, run_id=failed[0])
    await group_all(database)
    (group,) = await groups_of(database, tenant)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        some = await failure_groups.retry_group(work, id_=group.id, most=1)
        rest = await failure_groups.retry_group(work, id_=group.id)
        none = await failure_groups.retry_group(work, id_=group.id)

    assert (some.run_ids, some.remaining) == ([failed[1]], 1)
    assert (rest.run_ids, rest.remaining) == ([failed[2]], 0)
    assert [isinstance(one, Transition) and one.is_accepted for one in rest.results] == [True]
    assert (none.run_ids, none.remaining) == ([], 0)


async def test_runs_that_nothing_can_start_keep_no_other_from_its_turn(
    database: Database,
) -> None:
    tenant = await make_tenant(database)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        deployed = await make_deployment(work)
        gone, good = [await fail(work, deployed, "bad") for _ in range(2)]
        orphaned = update(flow_runs).where(flow_runs.c.id == gone).values(deployment_id=None)
        await work.execute(orphaned)
    await group_all(database)
    (group,) = await groups_of(database, tenant)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        first = await failure_groups.retry_group(work, id_=group.id, most=1)
        last = await failure_groups.retry_group(work, id_=group.id, most=1)

    assert (first.run_ids, first.remaining) == ([good], 1)
    assert [isinstance(one, Transition) and one.is_accepted for one in first.results] == [True]
    assert (last.run_ids, last.remaining) == ([gone], 0)


async def test_batches_tell_what_became_of_each_run(database: Database) -> None:
    tenant = await make_tenant(database)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        deployed = await make_deployment(work)
        waiting = (await create_run(work, RunRequest(deployment_id=deployed.deployment_id))).id
        ended = await fail(work, deployed, "bad")
        unknown = UUID(int=7)
        cancelled = await bulk.cancel_runs(
            work, [ended, unknown, waiting], request=CancelRequest(reason="enough")
        )
        retried = await bulk.retry_runs(work, [waiting, unknown, ended])
        with pytest.raises(InvalidInput):
            await bulk.retry_runs(work, [ended, ended])

    def told(results: list[bulk.Result]) -> list[str]:
        return [
            (one.error.code if one.error else one.run.state_type)
            if isinstance(one, Transition)
            else one.code
            for one in results
        ]

    assert told(cancelled) == ["ILLEGAL_TRANSITION", "NOT_FOUND", "CANCELLED"]
    assert told(retried) == ["SCHEDULED", "NOT_FOUND", "SCHEDULED"]


async def test_failing_run_waits_for_no_group(database: Database) -> None:
    tenant = await make_tenant(database)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        deployed = await make_deployment(work)
        await fail(work, deployed, "bad")
    await group_all(database)
    (group,) = await groups_of(database, tenant)

    async with database.tenant(tenant.owner, tenant.workspace_id) as holder:
        await failure_groups.set_status(holder, id_=group.id, status=FailureGroupStatus.MUTED)
        async with asyncio.timeout(10):
            async with database.tenant(tenant.owner, tenant.workspace_id) as work:
                await fail(work, deployed, "bad")
    await group_all(database)
    (group,) = await groups_of(database, tenant)

    assert (group.status, group.failure_count) == (FailureGroupStatus.MUTED, 2)


async def begin_and_fail(database: Database, tenant: Tenant, flow: str) -> None:
    """Fail in a run that belongs to no deployment."""
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        begun = await begin_run(
            work, BeginRequest(flow_name=flow), lease=timedelta(minutes=1), parent=None
        )
        await change.set_state(
            work,
            run_id=begun.run.id,
            state=propose(StateType.FAILED, message="bad", details=error("bad")),
            lease=begun.lease,
            key=None,
        )


async def versions_of(database: Database, tenant: Tenant) -> tuple[int | None, int | None]:
    """Return the numbers of the first and the last version of the only group."""
    await group_all(database)
    (group,) = await groups_of(database, tenant)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        asked = [id_ for id_ in (group.first_version_id, group.last_version_id) if id_]
        found = await get_many_versions(work, asked)
    first, last = (
        found[id_].number if id_ else None
        for id_ in (group.first_version_id, group.last_version_id)
    )
    return first, last


async def test_first_bad_version_is_the_oldest_that_failed_so(database: Database) -> None:
    tenant = await make_tenant(database)
    place = tenant.workspace_id
    made: list[tuple[Deployment, UUID]] = []
    for number in range(3):
        async with database.tenant(tenant.owner, place) as work:
            await work_pools.upsert_work_pool(work, name="p", type_="process")
            changes = DeploymentChanges(entrypoint=f"f.py:v{number}", work_pool_name="p")
            deployment, _ = await upsert(work, changes)
            assert deployment.current_version_id is not None
            made.append((deployment, deployment.current_version_id))
    told: list[tuple[int | None, int | None]] = []

    async def fail_as(number: int) -> None:
        deployment, version_id = made[number]
        async with database.tenant(tenant.owner, place) as work:
            await promotions.promote_version(work, id_=version_id)
            run = await create_run(work, RunRequest(deployment_id=deployment.id))
            await fail(
                work, Deployed(run.flow_id, deployment.id, run.id, run.id), "bad", run_id=run.id
            )

    await begin_and_fail(database, tenant, "etl")
    told.append(await versions_of(database, tenant))
    for number in (2, 1, 2):
        await fail_as(number)
        told.append(await versions_of(database, tenant))
    await begin_and_fail(database, tenant, "etl")
    told.append(await versions_of(database, tenant))

    assert told == [(None, None), (3, 3), (2, 2), (2, 3), (2, 3)]


async def test_versions_of_failures_that_are_grouped_late_are_not_the_last(
    database: Database,
) -> None:
    tenant = await make_tenant(database)
    ids: list[UUID] = []
    for number in range(2):
        async with database.tenant(tenant.owner, tenant.workspace_id) as work:
            await work_pools.upsert_work_pool(work, name="p", type_="process")
            changes = DeploymentChanges(entrypoint=f"f.py:v{number}", work_pool_name="p")
            deployment, _ = await upsert(work, changes)
            run = await create_run(work, RunRequest(deployment_id=deployment.id))
            await fail(
                work, Deployed(run.flow_id, deployment.id, run.id, run.id), "bad", run_id=run.id
            )
            ids.append(run.id)
    async with database.system() as work:
        early = await work.execute(
            delete(ungrouped).where(ungrouped.c.flow_run_id == ids[0]).returning(ungrouped)
        )
        row = early.mappings().one()
    first = await versions_of(database, tenant)
    async with database.system() as work:
        await work.execute(insert(ungrouped).values(**row))

    assert first == (2, 2)
    assert await versions_of(database, tenant) == (1, 2)
