"""Variables on a real database: versions, history, races, and what a claimed run gets of them."""

import asyncio
from typing import Any

import pytest

from headgate_server.database.work import Database
from headgate_server.domain import ids
from headgate_server.domain.errors import Conflict, InvalidInput, NotFound, VersionConflict
from headgate_server.domain.ids import Kind, show
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.variables import KEPT_VERSIONS, MAX_VALUE_BYTES, Variable
from headgate_server.services import variables
from headgate_server.services.flow_runs import create
from headgate_server.services.leases import hold
from tests.factories.events import recorded
from tests.factories.tenants import Tenant, make_tenant
from tests.fixtures.world import LEASE, World


async def put(database: Database, tenant: Tenant, value: Any, **given: Any) -> Variable:
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        name = given.pop("name", "region")
        variable, _ = await variables.set_variable(work, name=name, value=value, **given)
    return variable


async def history(database: Database, tenant: Tenant, variable: Variable) -> list[Any]:
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        page = await variables.list_versions(
            work, variable_id=variable.id, page=PageRequest(size=100)
        )
    return list(page.items)


async def test_every_change_is_kept_with_who_made_it(database: Database) -> None:
    tenant = await make_tenant(database)

    made = await put(database, tenant, {"a": [1]}, tags=["b", "a", "b"])
    await put(database, tenant, {"a": [1]})
    changed = await put(database, tenant, "south")
    retagged = await put(database, tenant, "south", tags=[])

    assert [one.version for one in (made, changed, retagged)] == [1, 2, 3]
    kept = await history(database, tenant, made)
    assert [(one.version, one.value, one.tags) for one in kept] == [
        (3, "south", ()),
        (2, "south", ("a", "b")),
        (1, {"a": [1]}, ("a", "b")),
    ]
    assert {one.changed_by for one in kept} == {tenant.owner.actor}
    shown = show(Kind.VARIABLE, made.id)
    assert await recorded(database, tenant) == [
        ("variable.created", shown, {"version": 1}),
        ("variable.updated", shown, {"version": 2, "changed": ["value"]}),
        ("variable.updated", shown, {"version": 3, "changed": ["tags"]}),
    ]


@pytest.mark.parametrize(("one", "other"), [(1, True), (1, 1.0), (0, False), ([1], [1.0])])
async def test_values_that_only_python_takes_for_equal_are_a_change(
    database: Database, one: Any, other: Any
) -> None:
    tenant = await make_tenant(database)
    await put(database, tenant, one)

    changed = await put(database, tenant, other)

    assert (changed.version, repr(changed.value)) == (2, repr(other))


async def test_history_keeps_the_newest_versions_only(database: Database) -> None:
    tenant = await make_tenant(database)
    last = await put(database, tenant, 0)
    for number in range(1, KEPT_VERSIONS + 3):
        last = await put(database, tenant, number)

    kept = await history(database, tenant, last)

    assert (len(kept), kept[-1].version) == (KEPT_VERSIONS, 4)


@pytest.mark.parametrize(
    ("name", "value", "path"),
    [
        ("Region", 1, "name"),
        ("a" * 101, 1, "name"),
        ("a b", 1, "name"),
        ("-a", 1, "name"),
        ("a", None, "value"),
        ("a", "x" * MAX_VALUE_BYTES, "value"),
        ("a", "nul \0", "value"),
        ("a", ["{{ blocks.secret.token }}"], "value"),
    ],
)
async def test_what_cannot_be_a_variable_is_refused(
    database: Database, name: str, value: Any, path: str
) -> None:
    tenant = await make_tenant(database)

    with pytest.raises(InvalidInput) as refused:
        await put(database, tenant, value, name=name)

    assert list(refused.value.path) == [path]
    assert await recorded(database, tenant) == []


async def test_other_version_than_expected_changes_nothing(database: Database) -> None:
    tenant = await make_tenant(database)
    with pytest.raises(NotFound):
        await put(database, tenant, 1, expected_version=1)
    made = await put(database, tenant, 1)
    await put(database, tenant, 2, expected_version=1)

    with pytest.raises(VersionConflict) as conflict:
        await put(database, tenant, 3, expected_version=1)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        with pytest.raises(VersionConflict):
            await variables.delete_variable(work, id_=made.id, expected_version=1)
        found = await variables.find_by_name(work, name="region")

    assert conflict.value.current_version == 2
    assert found is not None
    assert found.value == 2


async def test_of_two_who_make_one_name_at_once_the_second_finds_it_there(
    database: Database,
) -> None:
    tenant = await make_tenant(database)

    async def make(value: int) -> object:
        try:
            return (await put(database, tenant, value, expected_version=0)).value
        except Conflict as conflict:
            return conflict.existing_id

    done = await asyncio.gather(*map(make, range(4)))
    found = await put(database, tenant, 9)

    there = ids.show(ids.Kind.VARIABLE, found.id)
    assert sorted(map(str, done))[1:] == [there] * 3
    assert found.version == 2


async def test_many_who_set_one_name_at_once_each_leave_a_version(database: Database) -> None:
    tenant = await make_tenant(database)

    done = await asyncio.gather(*(put(database, tenant, number) for number in range(8)))

    assert len({one.id for one in done}) == 1
    assert sorted(one.version for one in done) == list(range(1, 9))


async def test_a_deleted_variable_takes_its_history_along(database: Database) -> None:
    tenant = await make_tenant(database)
    made = await put(database, tenant, 1, tags=["a"])

    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        await variables.delete_variable(work, id_=made.id)
        with pytest.raises(NotFound):
            await variables.delete_variable(work, id_=made.id)

    assert await history(database, tenant, made) == []
    assert (await recorded(database, tenant))[-1][0] == "variable.deleted"


async def claimed_job(world: World, parameters: dict[str, Any], **job: Any) -> dict[str, Any]:
    request = create.RunRequest(
        deployment_id=world.deployed.deployment_id, parameters=parameters, job_variables=job
    )
    async with world.work() as work:
        await create.create_runs(work, [request])
    (offered,) = await world.offer()
    lease = LeaseRef(offered.run_id, offered.token, offered.epoch)
    async with world.work() as work:
        _, found = await hold.claim_run(
            work, session_id=world.session_id, lease=lease, duration=LEASE
        )
    return found


async def test_a_claimed_job_holds_what_the_variables_are_by_then(world: World) -> None:
    async with world.work() as work:
        await variables.set_variable(work, name="size", value=5)
        await variables.set_variable(work, name="zone", value="eu")

    job = await claimed_job(
        world,
        {"size": "{{ variables.size }}", "token": "{{ blocks.secret.token }}"},
        env={"ZONE": "{{ variables.zone }}-{{ variables.size }}"},
    )

    assert job["parameters"] == {"size": 5, "token": "{{ blocks.secret.token }}"}
    assert job["jobVariables"]["env"] == {"ZONE": "eu-5"}
    assert "missing" not in job


async def test_a_claimed_job_names_the_variables_that_do_not_exist(world: World) -> None:
    job = await claimed_job(world, {"size": "{{ variables.gone }}"})

    assert job["missing"] == ["variables.gone"]
    assert job["parameters"]["size"] == "{{ variables.gone }}"


async def test_values_that_come_to_more_than_a_job_holds_are_not_written_out(world: World) -> None:
    """Neither within a text nor as whole values: both grow as they are sent."""
    async with world.work() as work:
        await variables.set_variable(work, name="much", value="v" * 60_000)
        await variables.set_variable(work, name="list", value=["v"] * 10_000)
    fits, within = "{{ variables.much }}" * 17, "{{variables.much}}" * 3_000
    whole = ["{{ variables.list }}"] * 27

    jobs = [await claimed_job(world, {"x": text}) for text in (fits, within, whole)]

    assert len(jobs[0]["parameters"]["x"]) == 17 * 60_000
    assert [job["parameters"]["x"] for job in jobs[1:]] == [within, whole]
    assert "come to 180,000,000 characters" in jobs[1]["refused"]
    assert "come to 1,080,027 characters" in jobs[2]["refused"]
    assert [job.get("missing") for job in jobs] == [None, *[["room for the values"]] * 2]


async def test_variables_put_no_name_of_a_block_together(world: World) -> None:
    async with world.work() as work:
        await variables.set_variable(work, name="a", value="{{ blocks.secret")
        await variables.set_variable(work, name="b", value="prod }}")
    template = "https://elsewhere/?{{ variables.a }}.{{ variables.b }}"

    job = await claimed_job(
        world, {"url": template, "own": "{{ variables.b }}"}, env={"U": template}
    )

    assert (job["parameters"]["url"], job["parameters"]["own"]) == (template, "prod }}")
    assert job["jobVariables"]["env"] == {"U": template}
    assert job["missing"] == ["blocks that variables.a, variables.b would name"]
    assert "variables.a, variables.b" in job["refused"]
