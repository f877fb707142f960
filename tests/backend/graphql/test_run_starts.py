"""Runs that start others with their own token: what they may, what they see, what is refused."""

from typing import Any
from uuid import uuid4

import pytest

from headgate_server.domain import ids
from headgate_server.domain.deployments import common_names
from headgate_server.domain.ids import Kind
from headgate_server.domain.permissions import OWNER_SCOPES, Scope
from tests.factories.blocks import begin, refused
from tests.factories.estates import Estate
from tests.factories.members import make_member, make_member_token
from tests.factories.mutations import Json, mutate, task_report
from tests.fixtures.api import ApiClient
from tests.fixtures.installations import PEPPER, Installation, shown

pytestmark = pytest.mark.anyio

STARTED = "run { id name deploymentId state { type } } duplicate"
LOOK = """query ($id: ID!) { flowRunStarted(id: $id) { id state { type }
  coalescedInto { id state { name } } } }"""
RUN = """query ($id: ID!) { flowRun(id: $id) { parentTaskRun { id } triggeredBy tags
  createdBy { displayName } deployment { name } } }"""


def place_of(estate: Estate) -> Json:
    return {"workspaceId": estate.ids[Kind.WORKSPACE]}


async def deploy(api: ApiClient, estate: Estate, name: str, **more: Any) -> str:
    given = {**place_of(estate), "flowName": "etl", "name": name, **more}
    made = await mutate(api, "deploymentUpsert", "deployment { id starts }", **given)
    return made["deployment"]["id"]


async def claim(installation: Installation, estate: Estate, **deployed: Any) -> ApiClient:
    await deploy(estate.bound, estate, "daily", **deployed)
    given = {"sessionId": estate.ids[Kind.AGENT_SESSION], "lease": estate.offer}
    claimed = await mutate(estate.agent, "runClaim", "runToken", **given)
    return installation.holding(claimed["runToken"])


async def count(estate: Estate) -> int:
    document = """query ($id: ID!) { node(id: $id) { ... on Workspace {
      flowRuns { totalCount { value } } } } }"""
    found = await estate.bound.execute(document, id=estate.ids[Kind.WORKSPACE])
    return found.data["node"]["flowRuns"]["totalCount"]["value"]


async def test_batch_that_is_sent_again_makes_no_second_runs(estate: Estate) -> None:
    deployed = await deploy(estate.bound, estate, "batched", workPoolName="pool")
    missing = shown(Kind.DEPLOYMENT, ids.new_id())
    runs = [{**place_of(estate), "deploymentId": one} for one in (deployed, missing, deployed)]
    runs[2]["priority"] = 1_001
    shape = "results { flowRun { id } duplicate errors { code message path } }"
    given = {**place_of(estate), "runs": runs, "idempotencyKey": "k"}

    first = await mutate(estate.bound, "flowRunCreateBatch", shape, **given)
    before = await count(estate)
    again = await mutate(estate.bound, "flowRunCreateBatch", shape, **given)
    other = await refused(estate.bound, "flowRunCreateBatch", **{**given, "runs": runs[:1]})

    assert [one["errors"][0]["code"] for one in first["results"][1:]] == ["NOT_FOUND", "INVALID"]
    assert again["results"][0] == {**first["results"][0], "duplicate": True}
    assert again["results"][1:] == first["results"][1:]
    assert (await count(estate), other["code"]) == (before, "IDEMPOTENCY_MISMATCH")


@pytest.mark.parametrize(
    ("starts", "may"),
    [
        (None, True),
        (["etl/daily"], True),
        (["etl/*", "other/one"], True),
        (["etl/nightly"], False),
        (["daily/etl"], False),
        ([], False),
    ],
)
async def test_run_of_a_deployment_starts_those_that_it_names(
    estate: Estate,
    installation: Installation,
    starts: list[str] | None,
    may: bool,  # noqa: FBT001
) -> None:
    run = await claim(installation, estate, starts=starts)
    before = await count(estate)
    by_id = {"deploymentId": estate.ids[Kind.DEPLOYMENT]}

    if not may:
        found = [
            await refused(run, "flowRunStart", **by_id),
            await refused(run, "flowRunStart", deploymentName="etl/daily"),
            await refused(run, "flowRunStart", deploymentName="etl/none"),
        ]
        assert [error["code"] for error in found] == ["NOT_FOUND"] * 3
        assert len({error["message"] for error in found}) == 1
        assert await count(estate) == before
        return
    made = await mutate(run, "flowRunStart", STARTED, **by_id)
    named = await mutate(run, "flowRunStart", STARTED, deploymentName="daily")
    assert made["run"]["deploymentId"] == named["run"]["deploymentId"] == by_id["deploymentId"]
    assert await count(estate) == before + 2


async def test_started_run_is_a_child_that_only_its_starter_follows(
    estate: Estate, installation: Installation
) -> None:
    daily, task = {"deploymentName": "etl/daily"}, estate.ids[Kind.TASK_RUN]
    given = {**daily, "parentTaskRunId": task, "idempotencyKey": "k", "tags": ["one"]}
    other, _ = await begin(estate.bound, estate, installation)

    made = await mutate(estate.run, "flowRunStart", STARTED, **given)
    again = await mutate(estate.run, "flowRunStart", STARTED, **given)
    id_ = made["run"]["id"]
    own = await estate.run.execute(LOOK, id=id_)
    foreign = await other.execute(LOOK, id=id_)
    not_started = await estate.run.execute(LOOK, id=estate.ended_run)
    whole = await estate.run.execute(RUN, id=id_)
    child = (await estate.bound.execute(RUN, id=id_)).data["flowRun"]

    assert (again["run"]["id"], again["duplicate"], made["duplicate"]) == (id_, True, False)
    assert own.data["flowRunStarted"] == {
        "id": id_, "state": {"type": "SCHEDULED"}, "coalescedInto": None,
    }  # fmt: skip
    assert [found.data["flowRunStarted"] for found in (foreign, not_started)] == [None, None]
    assert whole.data["flowRun"] is None
    assert child["parentTaskRun"] == {"id": task}
    assert child["triggeredBy"] == {"run": estate.ids[Kind.FLOW_RUN]}
    assert (child["tags"], child["deployment"]) == (["one"], {"name": "daily"})


async def test_who_started_a_run_that_was_coalesced_follows_the_one_that_does_for_it(
    estate: Estate, installation: Installation
) -> None:
    rule = {"concurrencyLimit": 0, "onCollision": "COALESCE", "workPoolName": "pool"}
    deployed = await deploy(estate.bound, estate, "once", entrypoint="f.py:once", **rule)
    other, _ = await begin(estate.bound, estate, installation)
    given = {**place_of(estate), "deploymentId": deployed}
    waits = (await mutate(estate.bound, "flowRunCreate", "flowRun { id }", **given))["flowRun"]

    made = await mutate(estate.run, "flowRunStart", STARTED, deploymentName="etl/once")
    own = await estate.run.execute(LOOK, id=made["run"]["id"])
    foreign = await other.execute(LOOK, id=made["run"]["id"])
    by_itself = await estate.run.execute(LOOK, id=waits["id"])

    assert made["run"]["state"]["type"] == "CANCELLED"
    assert own.data["flowRunStarted"]["coalescedInto"] == {
        "id": waits["id"], "state": {"name": "AwaitingConcurrencySlot"},
    }  # fmt: skip
    assert (foreign.data["flowRunStarted"], by_itself.data["flowRunStarted"]) == (None, None)


async def test_runs_are_coalesced_by_the_value_of_a_parameter_and_found_by_their_key(
    estate: Estate,
) -> None:
    rule = {"concurrencyLimit": 0, "onCollision": "COALESCE", "collisionParameter": "day"}
    deployed = {**rule, "workPoolName": "pool", "entrypoint": "f.py:once"}
    await deploy(estate.bound, estate, "by_day", **deployed)

    async def start(day: int, key: str) -> Json:
        given = {"parameters": {"day": day}, "idempotencyKey": key}
        made = await mutate(
            estate.run, "flowRunStart", STARTED, deploymentName="etl/by_day", **given
        )
        found = (await estate.run.execute(LOOK, id=made["run"]["id"])).data["flowRunStarted"]
        return {**found, "duplicate": made["duplicate"]}

    waits, coalesced, apart = [await start(*one) for one in ((1, "a"), (1, "b"), (2, "c"))]
    again = await start(1, "b")

    assert (waits["state"]["type"], apart["state"]["type"]) == ("SCHEDULED", "SCHEDULED")
    assert (waits["coalescedInto"], apart["coalescedInto"]) == (None, None)
    assert coalesced["coalescedInto"]["id"] == waits["id"]
    assert again == {**coalesced, "duplicate": True}


async def test_run_of_its_callers_own_process_starts_what_the_caller_may_start_now(
    estate: Estate, installation: Installation
) -> None:
    other = await deploy(estate.bound, estate, "other", workPoolName="pool")
    member = await make_member(installation.database, estate.tenant)
    bound = {**place_of(estate), "membershipId": shown(Kind.MEMBERSHIP, member.id)}
    begins = {**bound, "roleId": await _role(estate, "Beginner", "RUNS_EXECUTE")}
    starts = {**bound, "roleId": await _role(estate, "Starter", "RUNS_WRITE"), "objectId": other}
    await mutate(estate.wide, "roleBind", "membership { id }", **begins)
    await mutate(estate.wide, "roleBind", "membership { id }", **starts)
    token = await make_member_token(installation.database, estate.tenant, member, pepper=PEPPER)
    run, _ = await begin(installation.holding(token), estate, installation)

    made = await mutate(run, "flowRunStart", STARTED, deploymentId=other)
    refusal = await refused(run, "flowRunStart", deploymentName="etl/daily")
    await mutate(estate.wide, "roleBind", "membership { id }", **starts, remove=True)
    after = await refused(run, "flowRunStart", deploymentId=other)

    assert made["run"]["state"] == {"type": "SCHEDULED"}
    assert (refusal["code"], after["code"]) == ("NOT_FOUND", "NOT_FOUND")


async def _role(estate: Estate, name: str, scope: str) -> str:
    given = {"organizationId": estate.ids[Kind.ORGANIZATION], "name": name, "scopes": [scope]}
    return (await mutate(estate.wide, "roleUpsert", "role { id }", **given))["role"]["id"]


async def test_key_that_may_not_start_runs_begins_runs_that_start_none(
    estate: Estate, installation: Installation
) -> None:
    key = await installation.client(estate.tenant, scopes=OWNER_SCOPES - {Scope.RUNS_WRITE})
    run, lease = await begin(key, estate, installation)
    task = await _report(run, lease)
    begun = await mutate(
        run, "flowRunBegin", "runToken", **place_of(estate), flowName="below",
        clientId=str(uuid4()), parentTaskRunId=task,
    )  # fmt: skip
    below = installation.holding(begun["runToken"])
    before = await count(estate)

    found = [await refused(one, "flowRunStart", deploymentName="etl/daily") for one in (run, below)]

    assert [error["code"] for error in found] == ["FORBIDDEN", "FORBIDDEN"]
    assert await count(estate) == before


async def _report(run: ApiClient, lease: Json) -> str:
    task_id = shown(Kind.TASK_RUN, ids.new_id())
    await mutate(run, "taskRunSync", "accepted", **task_report(lease, task_id))
    return task_id


async def test_who_may_not_start_runs_deploys_what_starts_none(
    estate: Estate, installation: Installation
) -> None:
    key = await installation.client(estate.tenant, scopes=OWNER_SCOPES - {Scope.RUNS_WRITE})
    new = {**place_of(estate), "flowName": "etl"}

    made = await mutate(key, "deploymentUpsert", "deployment { starts }", **new, name="new")
    asked = await refused(key, "deploymentUpsert", **new, name="new", starts=["etl/daily"])
    every = await refused(key, "deploymentUpsert", **new, name="new", starts=None)
    code = await refused(key, "deploymentUpsert", **new, name="daily", entrypoint="x.py:steal")
    other = await mutate(
        key, "deploymentUpsert", "deployment { starts }", **new, name="daily", tags=["new"]
    )

    assert made["deployment"] == {"starts": []}
    assert [error["code"] for error in (asked, every, code)] == ["FORBIDDEN"] * 3
    assert other["deployment"] == {"starts": None}


async def test_runs_pass_no_blocks_on_and_stand_below_their_own_tasks(
    estate: Estate, installation: Installation
) -> None:
    daily = {"deploymentName": "etl/daily"}
    other, lease = await begin(estate.bound, estate, installation)
    task = await _report(other, lease)
    before = await count(estate)

    refusals = [
        await refused(
            estate.run, "flowRunStart", **daily, parameters={"a": ["{{ blocks.login.main }}"]}
        ),
        await refused(estate.run, "flowRunStart", **daily, parentTaskRunId=task),
        await refused(estate.run, "flowRunStart"),
        await refused(
            estate.run, "flowRunStart", **daily, deploymentId=estate.ids[Kind.DEPLOYMENT]
        ),
        await refused(estate.bound, "flowRunStart", **daily),
    ]

    codes = ["INVALID", "NOT_FOUND", "INVALID", "INVALID", "FORBIDDEN"]
    assert [error["code"] for error in refusals] == codes
    assert await count(estate) == before


async def test_nothing_is_started_after_the_end_nor_in_an_archived_workspace(
    estate: Estate, installation: Installation
) -> None:
    daily = {"deploymentName": "etl/daily"}
    ended, lease = await begin(estate.bound, estate, installation)
    given = {"id": lease["runId"], "lease": lease}
    for state in ("RUNNING", "COMPLETED"):
        await mutate(ended, "flowRunSetState", "accepted", **given, state={"type": state})
    before = await count(estate)

    late = await refused(ended, "flowRunStart", **daily)
    archive = {"id": estate.ids[Kind.WORKSPACE], "archived": True}
    await mutate(estate.wide, "workspaceArchive", "workspace { archivedAt }", **archive)
    closed = await refused(estate.run, "flowRunStart", **daily)

    assert (late["code"], closed["code"]) == ("LEASE_LOST", "FORBIDDEN")
    assert await count(estate) == before


@pytest.mark.parametrize(
    "starts",
    [["daily"], ["/daily"], ["etl/"], ["etl/da\nily"], [f"etl/{n}" for n in range(201)]],
)
async def test_what_is_no_deployment_is_refused(estate: Estate, starts: list[str]) -> None:
    error = await refused(
        estate.bound, "deploymentUpsert", **place_of(estate), flowName="etl", name="daily",
        starts=starts,
    )  # fmt: skip

    assert error["code"] == "INVALID"


@pytest.mark.parametrize(
    ("now", "then", "both"),
    [
        (None, None, None),
        (None, ["a/b"], ("a/b",)),
        (["a/b"], None, ("a/b",)),
        (["a/*"], ["a/b", "c/d"], ("a/b",)),
        (["a/b", "a/c"], ["a/*"], ("a/b", "a/c")),
        (["a/*"], ["a/*", "b/*"], ("a/*",)),
        (["a/b"], ["b/b"], ()),
        ([], None, ()),
    ],
)
def test_run_of_a_version_that_was_replaced_starts_what_both_name(
    now: list[str] | None, then: list[str] | None, both: tuple[str, ...] | None
) -> None:
    assert common_names(now, then) == common_names(then, now) == both
