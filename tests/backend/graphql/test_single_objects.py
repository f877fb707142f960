"""A role on one deployment or one pool: its holder changes that one, and makes no other."""

import pytest

from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain import ids
from headgate_server.domain.ids import Kind
from headgate_server.domain.permissions import BuiltinRole
from headgate_server.domain.roles import BindingPlace, ObjectKind
from tests.backend.graphql.test_block_access import holding
from tests.factories.blocks import refused
from tests.factories.estates import Estate
from tests.factories.members import Held
from tests.factories.mutations import Json, mutate
from tests.fixtures.installations import Installation
from tests.fixtures.sql import query

pytestmark = pytest.mark.anyio

SERVE_NAMED = """
update agent_sessions session set queue_ids = array(
  select id from work_queues where work_pool_id = agent.work_pool_id)
from agents agent where agent.id = session.agent_id and session.id = '{}'
returning agent.work_pool_id"""


def on_one(estate: Estate, role: BuiltinRole, kind: ObjectKind, id_: str, of: Kind) -> Held:
    object_id = ids.parse(id_, kind=of)
    return role, BindingPlace(estate.tenant.workspace_id, kind, object_id)


async def test_right_on_one_pool_shows_which_queues_its_agents_serve(
    estate: Estate, installation: Installation, urls: DatabaseUrls
) -> None:
    document = """query ($id: ID!) { node(id: $id) { ... on WorkPool {
      queues { name } agents { nodes { queues { name } } } } } }"""
    session = ids.parse(estate.ids[Kind.AGENT_SESSION], kind=Kind.AGENT_SESSION)
    pool_id = await query(urls.system, SERVE_NAMED.format(session))
    pool = ids.show(Kind.WORK_POOL, pool_id)
    held = on_one(estate, BuiltinRole.VIEWER, ObjectKind.WORK_POOL, pool, Kind.WORK_POOL)
    api = await holding(installation, estate, held)

    shown = (await api.execute(document, id=pool)).data["node"]

    served = [agent["queues"] for agent in shown["agents"]["nodes"]]
    assert shown["queues"]
    assert shown["queues"] in served


async def test_right_on_one_deployment_changes_that_one_and_makes_no_other(
    estate: Estate, installation: Installation
) -> None:
    place: Json = {"workspaceId": estate.ids[Kind.WORKSPACE]}
    own, other = {"flowName": "etl", "name": "own"}, {"flowName": "etl", "name": "other"}
    made = await mutate(estate.wide, "deploymentUpsert", "deployment { id }", **place, **own)
    await mutate(estate.wide, "deploymentUpsert", "deployment { id }", **place, **other)
    held = on_one(
        estate,
        BuiltinRole.DEVELOPER,
        ObjectKind.DEPLOYMENT,
        made["deployment"]["id"],
        Kind.DEPLOYMENT,
    )
    api = await holding(installation, estate, held)

    changed = await mutate(
        api, "deploymentUpsert", "deployment { description } created",
        **place, **own, description="Mine",
    )  # fmt: skip
    batch = [{**place, **own, "description": "Still mine"}]
    together = await mutate(
        api, "deploymentUpsertBatch", "results { deployment { description } }",
        **place, deployments=batch,
    )  # fmt: skip
    foreign = await refused(api, "deploymentUpsert", **place, **other, description="Not mine")
    new = await refused(api, "deploymentUpsert", **place, flowName="etl", name="new")
    mixed = [{**place, **own, "description": "Mixed"}, {**place, **other}]
    neither = await refused(api, "deploymentUpsertBatch", **place, deployments=mixed)
    shown = "query ($id: ID!) { node(id: $id) { ... on Deployment { description } } }"
    left = await estate.wide.execute(shown, id=made["deployment"]["id"])

    assert (changed["deployment"]["description"], changed["created"]) == ("Mine", False)
    assert together["results"][0]["deployment"]["description"] == "Still mine"
    assert [one["code"] for one in (foreign, new, neither)] == ["FORBIDDEN"] * 3
    assert left.data["node"]["description"] == "Still mine"


async def test_right_on_one_pool_changes_that_one_and_makes_no_other(
    estate: Estate, installation: Installation
) -> None:
    place: Json = {"workspaceId": estate.ids[Kind.WORKSPACE], "type": "process"}
    made = await mutate(estate.wide, "workPoolUpsert", "workPool { id }", **place, name="own")
    await mutate(estate.wide, "workPoolUpsert", "workPool { id }", **place, name="other")
    held = on_one(
        estate, BuiltinRole.ADMIN, ObjectKind.WORK_POOL, made["workPool"]["id"], Kind.WORK_POOL
    )
    api = await holding(installation, estate, held)

    changed = await mutate(
        api, "workPoolUpsert", "workPool { concurrencyLimit }", **place, name="own",
        concurrencyLimit=3,
    )  # fmt: skip
    foreign = await refused(api, "workPoolUpsert", **place, name="other", concurrencyLimit=3)
    new = await refused(api, "workPoolUpsert", **place, name="new")

    assert changed["workPool"]["concurrencyLimit"] == 3
    assert [one["code"] for one in (foreign, new)] == ["FORBIDDEN"] * 2


BY_NAME = """query ($id: ID!, $name: String!) {
  node(id: $id) { ... on Workspace { deployment(name: $name) { id } } } }"""
DELETE = "mutation ($id: ID!) { flowRunDelete(input: {id: $id}) { deletedId errors { code } } }"
CANCEL = "mutation ($id: ID!) { flowRunCancel(input: {id: $id}) { errors { code } } }"


async def make_ended(estate: Estate) -> list[Json]:
    """Make two deployments of a flow, each with a run that was cancelled."""
    place: Json = {"workspaceId": estate.ids[Kind.WORKSPACE]}
    made: list[Json] = []
    for name in ("own", "other"):
        code = {"entrypoint": "flows.py:etl", "workPoolName": "pool"}
        given = {**place, **code, "flowName": "etl", "name": name}
        found = await mutate(estate.wide, "deploymentUpsert", "deployment { id }", **given)
        run = await mutate(
            estate.wide,
            "flowRunCreate",
            "flowRun { id }",
            **place,
            deploymentId=found["deployment"]["id"],
        )
        await estate.wide.execute(CANCEL, id=run["flowRun"]["id"])
        made.append({"id": found["deployment"]["id"], "run": run["flowRun"]["id"]})
    return made


async def test_right_on_one_deployment_finds_it_by_name_and_deletes_its_runs(
    estate: Estate, installation: Installation
) -> None:
    made = await make_ended(estate)
    kind = ObjectKind.DEPLOYMENT
    held = on_one(estate, BuiltinRole.OPERATOR, kind, made[0]["id"], Kind.DEPLOYMENT)
    api = await holding(installation, estate, held)
    where = estate.ids[Kind.WORKSPACE]

    own = (await api.execute(BY_NAME, id=where, name="etl/own")).data["node"]["deployment"]
    other = (await api.execute(BY_NAME, id=where, name="etl/other")).data["node"]["deployment"]
    gone, kept = [(await api.execute(DELETE, id=one["run"])).data["flowRunDelete"] for one in made]

    assert own == {"id": made[0]["id"]}
    assert other is None
    assert gone == {"deletedId": made[0]["run"], "errors": []}
    assert [one["code"] for one in kept["errors"]] == ["FORBIDDEN"]


async def test_right_on_one_deployment_changes_many_of_its_runs_at_once_and_no_other(
    estate: Estate, installation: Installation
) -> None:
    made = await make_ended(estate)
    kind = ObjectKind.DEPLOYMENT
    held = on_one(estate, BuiltinRole.OPERATOR, kind, made[0]["id"], Kind.DEPLOYMENT)
    api = await holding(installation, estate, held)
    place: Json = {"workspaceId": estate.ids[Kind.WORKSPACE]}
    own, other = made
    asked = [{**place, "deploymentId": one["id"]} for one in (own, own, other)]

    new = await mutate(
        api, "flowRunCreateBatch", "results { flowRun { id } }", **place, runs=asked[:2]
    )
    run_ids = [own["run"], *(one["flowRun"]["id"] for one in new["results"])]
    many = {name: f"flowRun{name}Batch" for name in ("Retry", "Cancel", "Delete")}
    done = [
        await mutate(api, field, "results { errors { code } }", **place, ids=run_ids)
        for field in many.values()
    ]
    mixed = {**place, "ids": [own["run"], other["run"]]}
    neither = [await refused(api, field, **mixed) for field in many.values()]
    neither.append(await refused(api, "flowRunCreateBatch", **place, runs=asked))

    retried, *others = [[one["errors"] for one in payload["results"]] for payload in done]
    assert (retried[0], others) == ([], [[[]] * 3] * 2)
    assert [one["code"] for one in neither] == ["FORBIDDEN"] * 4


async def test_right_on_one_deployment_reads_no_run_of_a_batch_that_is_too_large(
    estate: Estate, installation: Installation, statements: list[str]
) -> None:
    made = await make_ended(estate)
    kind = ObjectKind.DEPLOYMENT
    held = on_one(estate, BuiltinRole.OPERATOR, kind, made[0]["id"], Kind.DEPLOYMENT)
    api = await holding(installation, estate, held)
    many: Json = {
        "workspaceId": estate.ids[Kind.WORKSPACE],
        "ids": [ids.show(Kind.FLOW_RUN, ids.new_id()) for _ in range(101)],
    }
    statements.clear()

    fields = [f"flowRun{name}Batch" for name in ("Retry", "Cancel", "Delete")]
    neither = [await refused(api, field, **many) for field in fields]

    assert [one["code"] for one in neither] == ["INVALID"] * 3
    assert [one for one in statements if "flow_runs" in one] == []


async def test_right_on_one_deployment_tells_nothing_of_names_that_others_have(
    estate: Estate, installation: Installation
) -> None:
    place: Json = {"workspaceId": estate.ids[Kind.WORKSPACE]}
    made: list[str] = []
    for flow in ("etl", "payroll", "layoffs"):
        for name in ("own", "secret") if flow != "etl" else ("own",):
            given = {**place, "flowName": flow, "name": name}
            found = await mutate(estate.wide, "deploymentUpsert", "deployment { id }", **given)
            made.append(found["deployment"]["id"])
    kind = ObjectKind.DEPLOYMENT
    held = on_one(estate, BuiltinRole.DEVELOPER, kind, made[0], Kind.DEPLOYMENT)
    api = await holding(installation, estate, held)
    where = estate.ids[Kind.WORKSPACE]

    own, secret, nothing = [
        await api.execute(BY_NAME, id=where, name=name) for name in ("own", "secret", "nothing")
    ]
    changes = [
        await refused(api, "deploymentUpsert", **place, flowName="", name=name)
        for name in ("secret", "nothing")
    ]
    ambiguous = await estate.wide.execute(BY_NAME, id=where, name="secret")

    assert own.data["node"]["deployment"] == {"id": made[0]}
    assert [one.data["node"]["deployment"] for one in (secret, nothing)] == [None, None]
    assert [one["code"] for one in changes] == ["FORBIDDEN"] * 2
    assert ambiguous.error["extensions"]["code"] == "INVALID"
