"""Backfills through the API: made once for each key, told how they ended, and run again."""

from dataclasses import replace
from typing import Any

import pytest

from headgate_server.domain.ids import Kind, parse
from headgate_server.domain.permissions import BuiltinRole
from headgate_server.domain.roles import BindingPlace, ObjectKind
from headgate_server.domain.states import StateType, propose
from headgate_server.services import backfills
from headgate_server.services.flow_runs import change
from tests.factories.members import make_member, make_member_token
from tests.factories.mutations import Json, mutate
from tests.fixtures.held_up_runs import Place
from tests.fixtures.installations import PEPPER

pytestmark = pytest.mark.anyio

SHOWN = """backfill { id status version counts { status count } outcomes { outcome count }
  items(first: 10) { nodes { status outcome flowRun { state { type } } } } }"""
CREATE = """mutation ($input: BackfillCreateInput!) { backfillCreate(input: $input) {
  backfill { id } errors { code } } }"""

READ_FIELDS = {
    "backfill": "... on Backfill { counts { status count } items { nodes { flowRun { id } } } }",
    "run": """... on FlowRun { id whyNotRunning { code } taskRuns { totalCount { value } }
      logs { totalCount { value } } artifacts { totalCount { value } }
      retryPreview { againCount } deployment { id } }""",
    "deployment": "... on Deployment { runs { nodes { id } } backfills { nodes { id } } }",
}
READ = f"""query ($backfill: ID!, $run: ID!, $deployment: ID!) {{ flowRun(id: $run) {{ id }}
  {" ".join(f"{key}: node(id: ${key}) {{ {what} }}" for key, what in READ_FIELDS.items())} }}"""
PAUSE = """mutation ($input: PauseInput!) { backfillPause(input: $input) {
  backfill { status } errors { code } } }"""


async def create(place: Place, **more: Any) -> Json:
    given = {"deploymentId": place.deployment_id, "parameterSets": [{"day": 1}], **more}
    answer = await place.api.execute(CREATE, input=given)
    found: Json = answer.data["backfillCreate"]
    return found


async def advance(place: Place, backfill_id: str) -> int:
    id_ = parse(backfill_id, kind=Kind.BACKFILL)
    async with place.installation.database.system(workspace_id=place.tenant.workspace_id) as work:
        return await backfills.advance_backfill(work, id_=id_)


async def run_of(place: Place, backfill_id: str) -> str:
    """Return the run of the only item of a backfill."""
    document = "query ($id: ID!) { node(id: $id) { ... on Backfill { %s } } }"
    items = document % "items { nodes { flowRun { id } } }"
    answer = await place.api.execute(items, id=backfill_id)
    return str(answer.data["node"]["items"]["nodes"][0]["flowRun"]["id"])


async def end_all(place: Place, type_: StateType) -> None:
    """End the runs that wait for an agent by hand."""
    by_hand = change.Correction(is_forced=True)
    for offer in await place.offer():
        async with place.installation.database.tenant(
            place.tenant.owner, place.tenant.workspace_id
        ) as work:
            await change.set_state(
                work,
                run_id=offer.run_id,
                state=propose(type_),
                lease=None,
                key=None,
                correction=by_hand,
            )


async def test_one_key_makes_one_backfill(place: Place) -> None:
    first = await create(place, idempotencyKey="k")
    again = await create(place, idempotencyKey="k")
    other = await create(place, idempotencyKey="k", parameterSets=[{"day": 2}])
    fresh = await create(place)

    assert first["errors"] == again["errors"] == []
    assert again["backfill"] == first["backfill"]
    assert (other["backfill"], other["errors"]) == (None, [{"code": "IDEMPOTENCY_MISMATCH"}])
    assert fresh["backfill"] != first["backfill"]


async def operator_of(place: Place) -> Place:
    """Return the place as somebody sees it who operates its deployment, and nothing else."""
    own = parse(place.deployment_id, kind=Kind.DEPLOYMENT)
    at = BindingPlace(place.tenant.workspace_id, ObjectKind.DEPLOYMENT, own)
    database = place.installation.database
    ann = await make_member(database, place.tenant, (BuiltinRole.OPERATOR, at))
    token = await make_member_token(database, place.tenant, ann, pepper=PEPPER)
    return replace(place, api=place.installation.holding(token))


async def test_who_may_run_a_deployment_may_stop_its_backfills_and_no_others(place: Place) -> None:
    hers = await operator_of(place)
    other = replace(place, deployment_id=(await place.deploy(name="other"))["id"])
    made, foreign = await create(hers), await create(other)

    paused = await hers.api.execute(PAUSE, input={"id": made["backfill"]["id"], "paused": True})
    ended = await mutate(hers.api, "backfillCancel", SHOWN, id=made["backfill"]["id"])
    refused = await hers.api.execute(PAUSE, input={"id": foreign["backfill"]["id"], "paused": True})

    assert paused.data["backfillPause"]["backfill"] == {"status": "PAUSED"}
    assert ended["backfill"]["status"] == "CANCELLED"
    assert "FORBIDDEN" in str(refused.json)


async def test_who_may_run_a_deployment_reads_its_backfills_and_runs_and_no_others(
    place: Place,
) -> None:
    hers = await operator_of(place)
    other = replace(place, deployment_id=(await place.deploy(name="other"))["id"])
    seen: list[Json] = []

    for one in (place, other):
        id_ = (await create(one))["backfill"]["id"]
        await advance(one, id_)
        for reader in (place, hers):
            answer = await reader.api.execute(
                READ, backfill=id_, run=await run_of(place, id_), deployment=one.deployment_id
            )
            seen.append(answer.data)

    assert seen[0] == seen[1]
    assert len(seen[1]["deployment"]["runs"]["nodes"]) == 1
    assert all(seen[2].values())
    assert seen[3] == dict.fromkeys(("flowRun", *READ_FIELDS))


async def test_failed_backfill_says_so_and_its_failed_items_run_again(place: Place) -> None:
    made = await create(place)
    id_ = made["backfill"]["id"]
    await advance(place, id_)
    await end_all(place, StateType.FAILED)
    await advance(place, id_)

    again = await mutate(place.api, "backfillRetry", SHOWN, id=id_)
    await advance(place, id_)
    await end_all(place, StateType.COMPLETED)
    await advance(place, id_)
    ended = (
        await place.api.execute(
            "query ($id: ID!) { node(id: $id) { ... on Backfill { status "
            "outcomes { outcome count } items { nodes { status outcome } } } } }",
            id=id_,
        )
    ).data["node"]

    assert again["backfill"]["status"] == "RUNNING"
    waiting = {"status": "WAITING", "outcome": None, "flowRun": None}
    assert again["backfill"]["items"]["nodes"] == [waiting]
    assert ended == {
        "status": "COMPLETED",
        "outcomes": [{"outcome": "COMPLETED", "count": 1}],
        "items": {"nodes": [{"status": "ENDED", "outcome": "COMPLETED"}]},
    }
