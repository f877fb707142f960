"""What a work pool's template does to deployments, runs and claims, on a real database."""

from typing import Any

import pytest
from sqlalchemy import update

from headgate_server.database.work import Database
from headgate_server.domain.errors import Forbidden, InvalidInput
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.permissions import Scope
from headgate_server.domain.work_pools import WorkPool
from headgate_server.services import deployments, variables, work_pools
from headgate_server.services.deployments import DeploymentChanges
from headgate_server.services.flow_runs import create
from headgate_server.services.leases import hold
from headgate_server.services.work_pools import WorkPoolChanges
from headgate_server.tables.work_pools import work_pools as pools_table
from tests.factories.tenants import make_tenant
from tests.fixtures.world import LEASE, World

OLD_SHAPE = {"variables": {"image": "registry.example/pool:1.42"}, "env": {"A": "1"}}


def declaring(**properties: Any) -> dict[str, Any]:
    return {"variables": {"type": "object", "properties": properties}}


async def change_pool(world: World, template: dict[str, Any], **given: Any) -> WorkPool:
    async with world.work() as work:
        pool = await work_pools.get_work_pool(work, id_=world.deployed.work_pool_id)
        changed, _ = await work_pools.upsert_work_pool(
            work,
            name=pool.name,
            type_=pool.type,
            changes=WorkPoolChanges(base_job_template=template),
            **given,
        )
    return changed


async def store_as_is(world: World, template: dict[str, Any]) -> None:
    async with world.work() as work:
        await work.execute(update(pools_table).values(base_job_template=template))


async def deploy(world: World, **changes: Any) -> None:
    """Change the world's deployment."""
    async with world.work() as work:
        found = await deployments.get_deployment(work, id_=world.deployed.deployment_id)
        await deployments.upsert_deployment(
            work,
            flow_name=f"flow-{found.flow_id}",
            name=found.name,
            lease=LEASE,
            changes=DeploymentChanges(**changes),
        )


async def start(world: World, **job: Any) -> None:
    request = create.RunRequest(
        deployment_id=world.deployed.deployment_id, job_variables=job or None
    )
    async with world.work() as work:
        await create.create_run(work, request)


async def claim(world: World) -> dict[str, Any]:
    (offered,) = await world.offer()
    lease = LeaseRef(offered.run_id, offered.token, offered.epoch)
    async with world.work() as work:
        _, job = await hold.claim_run(
            work, session_id=world.session_id, lease=lease, duration=LEASE
        )
    return job


async def test_a_job_is_the_run_s_over_the_deployment_s_over_the_pool_s(world: World) -> None:
    env = {"default": {"A": "pool", "B": "pool", "C": "{{ variables.zone }}"}}
    await change_pool(
        world,
        {
            **declaring(env=env, python={"default": "3.11"}, requirements={"default": ["x"]}),
            "job_configuration": {"image": "flows:{{ python }}"},
        },
    )
    async with world.work() as work:
        await variables.set_variable(work, name="zone", value="eu")
    await deploy(world, job_variables={"env": {"B": "deployment"}, "python": "3.12"})
    await start(world, env={"RUN": "1"}, python="3.13")

    job = await claim(world)

    assert job["jobVariables"] == {
        "env": {"A": "pool", "B": "deployment", "C": "eu", "RUN": "1"},
        "python": "3.13",
        "requirements": ["x"],
        "image": "flows:3.13",
    }
    assert "missing" not in job


async def test_a_run_takes_the_template_of_its_claim(world: World) -> None:
    await change_pool(world, declaring(python={"default": "3.11"}))
    await start(world)
    await change_pool(world, declaring(python={"default": "3.12"}))

    assert (await claim(world))["jobVariables"] == {"python": "3.12"}


async def test_a_variable_that_the_template_names_and_nobody_set_keeps_the_run_from_starting(
    world: World,
) -> None:
    await change_pool(world, declaring(env={"default": {"ZONE": "{{ variables.gone }}"}}))
    await start(world)

    assert (await claim(world))["missing"] == ["variables.gone"]


async def test_values_that_the_template_makes_too_much_of_keep_the_run_from_starting(
    world: World,
) -> None:
    template = {**declaring(a={}), "job_configuration": {"b": ["{{ a }}"] * 8}}
    await change_pool(world, template)
    await start(world, a="x" * 200_000)

    job = await claim(world)

    assert job["missing"] == ["room for the job variables"]
    assert "1,600,000 characters in the template of the work pool" in job["refused"]
    assert job["jobVariables"] == {"a": "x" * 200_000}


async def test_a_template_of_another_shape_harms_no_claim_and_may_stay(world: World) -> None:
    await store_as_is(world, OLD_SHAPE)
    await deploy(world, job_variables={"image": 5})
    await start(world, env={"RUN": "1"})

    job = await claim(world)
    same = await change_pool(world, OLD_SHAPE)
    with pytest.raises(InvalidInput) as refused:
        await change_pool(world, {**OLD_SHAPE, "env": {"A": "2"}})

    assert job["jobVariables"] == {"image": 5, "env": {"RUN": "1"}}
    assert same.version == 1
    assert refused.value.path == ("baseJobTemplate",)
    assert '{"type": "object", "properties"' in refused.value.message


async def test_a_claim_takes_no_more_statements_with_a_template(
    world: World, statements: list[str]
) -> None:
    async def counted() -> int:
        await start(world)
        (offered,) = await world.offer()
        lease = LeaseRef(offered.run_id, offered.token, offered.epoch)
        before = len(statements)
        await hold_claim(world, lease)
        return len(statements) - before

    without = await counted()
    await change_pool(world, declaring(python={"default": "3.11"}))

    assert await counted() == without


async def hold_claim(world: World, lease: LeaseRef) -> None:
    async with world.work() as work:
        await hold.claim_run(work, session_id=world.session_id, lease=lease, duration=LEASE)


async def test_what_the_pool_refuses_is_refused_as_it_is_deployed_or_its_pool_chosen(
    world: World,
) -> None:
    await deploy(world, job_variables={"size": "big", "other": 1})
    async with world.work() as work:
        await work_pools.upsert_work_pool(
            work,
            name="sized",
            type_="process",
            changes=WorkPoolChanges(base_job_template=declaring(size={"type": "integer"})),
        )

    with pytest.raises(InvalidInput) as moved:
        await deploy(world, work_pool_name="sized")
    await deploy(world, work_pool_name="sized", job_variables={"size": 1, "other": 1})
    with pytest.raises(InvalidInput) as changed:
        await deploy(world, job_variables={"size": "big"})
    await deploy(world, work_pool_name=None, job_variables={"size": "big"})

    assert moved.value.path == changed.value.path == ("jobVariables", "size")
    assert "'big' is not of type 'integer'" in changed.value.message


async def test_what_the_pool_refuses_of_a_run_is_refused_as_it_is_made_and_alone(
    world: World,
) -> None:
    await change_pool(world, declaring(size={"type": "integer"}))
    job: list[dict[str, Any] | None] = [{"size": "big"}, {"size": 1, "other": "x"}, None]
    requests = [
        create.RunRequest(deployment_id=world.deployed.deployment_id, job_variables=variables)
        for variables in job
    ]

    async with world.work() as work:
        refused, *made = await create.create_runs(work, requests)

    assert isinstance(refused, InvalidInput)
    assert refused.path == ("jobVariables", "size")
    assert [isinstance(run, InvalidInput) for run in made] == [False, False]


async def test_who_may_not_decide_what_runs_do_sets_no_template(database: Database) -> None:
    tenant = await make_tenant(database)
    lacking = frozenset({Scope.BLOCKS_USE, Scope.FLOWS_WRITE})

    async def upsert(template: dict[str, Any], *, limit: int, lacking: frozenset[Scope]) -> Any:
        async with database.tenant(tenant.owner, tenant.workspace_id) as work:
            changes = WorkPoolChanges(base_job_template=template, concurrency_limit=limit)
            return (
                await work_pools.upsert_work_pool(
                    work, name="p", type_="process", changes=changes, lacking=lacking
                )
            )[0]

    template = declaring(env={"default": {"PYTHONPATH": "/theirs"}})
    await upsert({}, limit=1, lacking=lacking)
    with pytest.raises(Forbidden) as refused:
        await upsert(template, limit=2, lacking=lacking)
    await upsert(template, limit=3, lacking=frozenset())
    kept = await upsert(template, limit=4, lacking=lacking)

    assert refused.value.missing_scopes == ("BLOCKS_USE", "FLOWS_WRITE")
    assert (kept.version, kept.concurrency_limit) == (3, 4)
