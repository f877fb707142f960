"""Versions of deployments on a real database: made, compared, promoted, kept by runs."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.deployment_versions import DeploymentVersion, differences
from headgate_server.domain.deployments import Deployment
from headgate_server.domain.errors import Conflict, InvalidInput, VersionConflict
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.reruns import RerunRequest
from headgate_server.domain.schedules.schedule import ScheduleRequest
from headgate_server.domain.schedules.specs import CronSpec
from headgate_server.repositories import deployment_versions as repository
from headgate_server.repositories.leases.job import read_jobs
from headgate_server.services import deployment_versions as versions
from headgate_server.services import deployments, promotions, work_pools, work_queues
from headgate_server.services.deletions import delete_work_pool
from headgate_server.services.deployments import DeploymentChanges
from headgate_server.services.flow_runs import bulk, change
from headgate_server.services.flow_runs.create import RunRequest, create_run
from headgate_server.services.transitions import Transition
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


async def end(work: UnitOfWork, run: FlowRun) -> None:
    await change.cancel_run(work, run_id=run.id, request=change.CancelRequest())


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
        await end(work, run)
        again = await change.retry_run(work, run_id=run.id)
        new_job = (await read_jobs(work, [run.id]))[run.id]

    assert run.deployment_version_id == made.current_version_id != later.current_version_id
    assert (old_job["entrypoint"], old_job["pullSteps"]) == ("flows.py:old", FIRST.pull_steps)
    assert again.run.deployment_version_id == later.current_version_id
    assert new_job["entrypoint"] == "flows.py:new"


_PLACES_OF_RUNS = text("""
select pool.name || '/' || queue.name
from work_items item
join flow_runs run on run.id = item.run_id
  and (run.work_pool_id, run.work_queue_id) = (item.work_pool_id, item.work_queue_id)
join work_pools pool on pool.id = item.work_pool_id
join work_queues queue on queue.id = item.work_queue_id
order by run.id
""")


async def test_rerun_goes_where_todays_version_runs(database: Database) -> None:
    tenant = await make_tenant(database)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        for pool in ("p", "q"):
            made, _ = await work_pools.upsert_work_pool(work, name=pool, type_="process")
            for queue in ("high", "low") if pool == "p" else ("high",):
                await work_queues.upsert_work_queue(work, work_pool_id=made.id, name=queue)
        deployment, _ = await upsert(work, FIRST)
        runs = [
            await create_run(work, RunRequest(deployment_id=deployment.id, work_queue_name=name))
            for name in (None, "high", "low")
        ]
        seen: list[list[str]] = []
        for changes in (
            DeploymentChanges(work_queue_name="low"),
            DeploymentChanges(work_pool_name="q", work_queue_name="default"),
        ):
            await upsert(work, changes)
            for run in runs:
                await end(work, run)
            done = await bulk.retry_runs(work, [run.id for run in runs])
            seen.append(list((await work.execute(_PLACES_OF_RUNS)).scalars()))
            assert all(isinstance(one, Transition) and one.is_accepted for one in done)

    assert seen == [["p/low", "p/high", "p/low"], ["q/default", "q/high", "q/default"]]


async def test_rerun_is_refused_what_todays_schema_refuses(
    database: Database, statements: list[str]
) -> None:
    tenant = await make_tenant(database)

    def schema(of: str) -> DeploymentChanges:
        properties = {"size": {"type": of}}
        return DeploymentChanges(parameter_schema={"type": "object", "properties": properties})

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        await work_pools.upsert_work_pool(work, name="p", type_="process")
        deployment, _ = await upsert(work, FIRST)
        runs = [
            await create_run(work, RunRequest(deployment_id=deployment.id, parameters={"size": n}))
            for n in (1, 2)
        ]
        for run in runs:
            await end(work, run)
        await upsert(work, schema("string"))
        with pytest.raises(InvalidInput, match="retry it with other parameters") as refused:
            await change.retry_run(work, run_id=runs[0].id)
        both = await bulk.retry_runs(work, [run.id for run in runs])
        other = RerunRequest(parameters={"size": "big"})
        taken = await change.retry_run(work, run_id=runs[0].id, request=other)
        await upsert(work, schema("integer"))
        statements.clear()
        again = await change.retry_run(work, run_id=runs[1].id)
        counted = len(statements)

    assert refused.value.path == ("parameters", "size")
    assert all(isinstance(one, InvalidInput) for one in both)
    assert (taken.is_accepted, again.is_accepted, counted) == (True, True, 9)


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


async def test_rollback_goes_to_what_was_replaced_and_not_to_what_was_rolled_back(
    database: Database,
) -> None:
    """Also where a version was promoted, forward or back: it replaces what is current."""
    tenant = await make_tenant(database)
    seen: list[str | None] = []

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        await work_pools.upsert_work_pool(work, name="p", type_="process")

        async def deploy(entrypoint: str) -> UUID | None:
            changes = DeploymentChanges(entrypoint=entrypoint, work_pool_name="p")
            return (await upsert(work, changes))[0].current_version_id

        async def back() -> None:
            earlier = await promotions.find_earlier(work, deployment_id=made.id)
            done = await promotions.roll_back(work, deployment_id=made.id)
            assert done.current_version_id == earlier.id
            seen.append(done.entrypoint)

        await deploy("older.py:f")
        made, _ = await upsert(work, DeploymentChanges(entrypoint="good.py:f"))
        bad = await deploy("bad.py:f")
        await back()
        after = await deploy("next.py:f")
        await back()
        assert bad is not None
        await promotions.promote_version(work, id_=bad)
        await back()
        await deploy("last.py:f")
        await promotions.promote_version(work, id_=bad)
        await back()
        await back()
        assert after is not None
        await promotions.promote_version(work, id_=after)
        await back()

    good, last = "good.py:f", "last.py:f"
    assert seen == [good, good, good, last, good, good]


@pytest.mark.parametrize("promoted", [1, 2])
async def test_rollback_of_an_older_version_that_was_promoted_goes_to_the_newer_one_and_on_back(
    database: Database, promoted: int
) -> None:
    tenant = await make_tenant(database)
    seen: list[int] = []

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        await work_pools.upsert_work_pool(work, name="p", type_="process")
        for entrypoint in ("one.py:f", "two.py:f", "three.py:f"):
            made, _ = await upsert(
                work, DeploymentChanges(entrypoint=entrypoint, work_pool_name="p")
            )
        numbers = {one.id: one.number for one in await kept(work, made)}
        (id_,) = [id_ for id_, number in numbers.items() if number == promoted]
        await promotions.promote_version(work, id_=id_)
        for _ in range(3):
            back = await promotions.roll_back(work, deployment_id=made.id)
            assert back.current_version_id is not None
            seen.append(numbers[back.current_version_id])
        with pytest.raises(Conflict):
            await promotions.roll_back(work, deployment_id=made.id)

    assert seen == [3, 2, 1]


async def test_version_that_was_replaced_is_kept_however_many_came_between(
    database: Database,
) -> None:
    tenant = await make_tenant(database)

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        made = await deploy_twice(work)
        first = (await kept(work, made))[-1]
        await promotions.promote_version(work, id_=first.id)
        await upsert(work, DeploymentChanges(entrypoint="flows.py:third"))
        await repository.delete_before(work, deployment_id=made.id, number=3)
        left = [one.number for one in await kept(work, made)]
        back = await promotions.roll_back(work, deployment_id=made.id)

    assert left == [3, 1]
    assert back.entrypoint == FIRST.entrypoint


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
