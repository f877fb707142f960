"""Versions of deployments on a real database: made, compared, promoted, kept by runs."""

from typing import Any

import pytest

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.deployment_versions import DeploymentVersion, differences
from headgate_server.domain.deployments import Deployment
from headgate_server.domain.errors import Conflict, InvalidInput, VersionConflict
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.schedules.schedule import ScheduleRequest
from headgate_server.domain.schedules.specs import CronSpec
from headgate_server.domain.states import StateType, propose
from headgate_server.repositories.leases.job import read_jobs
from headgate_server.services import deployment_versions as versions
from headgate_server.services import deployments, promotions, work_pools
from headgate_server.services.deletions import delete_work_pool
from headgate_server.services.deployments import DeploymentChanges
from headgate_server.services.flow_runs import change
from headgate_server.services.flow_runs.create import RunRequest, create_run
from tests.backend.services.test_deployments import upsert
from tests.factories.events import recorded
from tests.factories.tenants import make_tenant

FIRST = DeploymentChanges(
    entrypoint="flows.py:old",
    parameters={"size": 1, "deep": {"a": 1, "b": 2}},
    pull_steps=[{"set_working_directory": {"directory": "/old"}}],
    work_pool_name="p",
    tags=["a"],
    version_label="1.0",
    git={"commit": "aaa"},
)
SECOND = DeploymentChanges(
    entrypoint="flows.py:new",
    parameters={"size": 2, "deep": {"a": 1, "b": 3}},
    tags=["a", "b"],
    version_label="1.1",
)


async def kept(work: UnitOfWork, deployment: Deployment) -> list[DeploymentVersion]:
    page = await versions.list_versions(work, deployment_id=deployment.id, page=PageRequest())
    return list(page.items)


async def deploy_twice(work: UnitOfWork) -> Deployment:
    await work_pools.upsert_work_pool(work, name="p", type_="process")
    await upsert(work, FIRST)
    return (await upsert(work, SECOND))[0]


async def test_every_change_makes_a_version_and_nothing_else_does(database: Database) -> None:
    tenant = await make_tenant(database)
    daily = ScheduleRequest(slug="daily", spec=CronSpec("0 6 * * *"))

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        made = await deploy_twice(work)
        for same in (
            SECOND,
            DeploymentChanges(),
            DeploymentChanges(is_paused=True),
            DeploymentChanges(schedules=[daily]),
            DeploymentChanges(block_references=["secret/token"]),
        ):
            made, _ = await upsert(work, same)
        found = await kept(work, made)
        made, _ = await upsert(work, DeploymentChanges(git={"commit": "bbb"}))
        newest = (await kept(work, made))[0]

    assert [(one.number, one.label, one.git, one.is_current) for one in found] == [
        (2, "1.1", None, True),
        (1, "1.0", {"commit": "aaa"}, False),
    ]
    assert (newest.number, newest.label, newest.git) == (3, None, {"commit": "bbb"})
    assert newest.content == found[0].content
    assert newest.created_by == tenant.owner.actor


async def test_two_versions_differ_by_path(database: Database) -> None:
    tenant = await make_tenant(database)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        made = await deploy_twice(work)
        new, old = await kept(work, made)
        before = await versions.get_many_before(work, [new.id, old.id])

    told = [(one.path, one.before, one.after) for one in differences(old.content, new.content)]
    assert before == {new.id: old}
    assert told == [
        (("entrypoint",), "flows.py:old", "flows.py:new"),
        (("parameters", "deep", "b"), 2, 3),
        (("parameters", "size"), 1, 2),
        (("tags",), ["a"], ["a", "b"]),
    ]


async def test_run_keeps_its_version_until_somebody_reruns_it(database: Database) -> None:
    tenant = await make_tenant(database)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        await work_pools.upsert_work_pool(work, name="p", type_="process")
        made, _ = await upsert(work, FIRST)
        run = await create_run(work, RunRequest(deployment_id=made.id))
        later, _ = await upsert(work, SECOND)
        old_job = (await read_jobs(work, [run.id]))[run.id]
        cancelled = propose(StateType.CANCELLED)
        await change.set_state(
            work,
            run_id=run.id,
            state=cancelled,
            lease=None,
            key=None,
            correction=change.Correction(is_forced=True),
        )
        again = await change.retry_run(work, run_id=run.id)
        new_job = (await read_jobs(work, [run.id]))[run.id]

    assert run.deployment_version_id == made.current_version_id != later.current_version_id
    assert (old_job["entrypoint"], old_job["pullSteps"]) == ("flows.py:old", FIRST.pull_steps)
    assert again.run.deployment_version_id == later.current_version_id
    assert new_job["entrypoint"] == "flows.py:new"


async def test_promotion_and_rollback_move_the_deployment(database: Database) -> None:
    tenant = await make_tenant(database)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        made = await deploy_twice(work)
        await deployments.set_paused(work, id_=made.id, is_paused=True)
        second, first = await kept(work, made)
        back = await promotions.roll_back(work, deployment_id=made.id)
        own_tags = (await deployments.get_many_tags(work, [made.id]))[made.id]
        with pytest.raises(Conflict):
            await promotions.roll_back(work, deployment_id=made.id)
        with pytest.raises(VersionConflict):
            await promotions.promote_version(work, id_=second.id, expected_version=1)
        forth = await promotions.promote_version(work, id_=second.id)
        same = await promotions.promote_version(work, id_=second.id)
        found = await kept(work, made)

    assert (back.entrypoint, back.parameters, own_tags) == (
        "flows.py:old",
        FIRST.parameters,
        ("a",),
    )
    assert (back.current_version_id, back.is_paused) == (first.id, True)
    assert (forth.entrypoint, forth.current_version_id) == ("flows.py:new", second.id)
    assert same.version == forth.version
    assert [one.is_current for one in found] == [True, False]
    names = [event[0] for event in await recorded(database, tenant)]
    assert names[-2:] == ["deployment.rolled_back", "deployment.promoted"]


async def test_version_of_a_pool_that_is_gone_is_not_promoted(database: Database) -> None:
    tenant = await make_tenant(database)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        pool, _ = await work_pools.upsert_work_pool(work, name="p", type_="process")
        await work_pools.upsert_work_pool(work, name="q", type_="process")
        await upsert(work, FIRST)
        made, _ = await upsert(work, DeploymentChanges(work_pool_name="q"))
        await delete_work_pool(work, id_=pool.id)
        with pytest.raises(Conflict, match="is gone"):
            await promotions.roll_back(work, deployment_id=made.id)

    assert made.work_pool_id != pool.id


@pytest.mark.parametrize(
    "said", [{"version_label": ""}, {"version_label": "x" * 201}, {"git": {"a": "x" * 20_000}}]
)
async def test_bad_metadata_is_refused(database: Database, said: dict[str, Any]) -> None:
    tenant = await make_tenant(database)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        with pytest.raises(InvalidInput):
            await upsert(work, DeploymentChanges(**said))
