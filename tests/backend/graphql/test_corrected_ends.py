"""Who may correct the end of a run, and what others are told."""

from typing import Any

import pytest

from headgate_server.domain.permissions import READ_SCOPES, Scope
from tests.backend.graphql.test_flow_runs import SET_STATE, begin, propose
from tests.factories.tenants import Tenant
from tests.fixtures.api import ApiClient, open_socket, serve
from tests.fixtures.installations import Installation

pytestmark = pytest.mark.anyio

HISTORY = """query ($id: ID!) { flowRun(id: $id) { state { type }
  stateHistory { nodes { name } } } }"""
FOLLOW = """subscription ($id: ID!, $after: Cursor) {
  flowRunUpdates(flowRunId: $id, after: $after) {
  cursor run { state { type } } states { name message } } }"""
CORRECTION = {"state": {"type": "COMPLETED"}, "force": True, "reason": "Mended elsewhere."}


@pytest.fixture
async def failed(installation: Installation, api: ApiClient, tenant: Tenant) -> dict[str, Any]:
    """A run whose process told that it failed."""
    begun = await begin(api, tenant)
    itself = installation.holding(begun["runToken"])
    await propose(itself, begun, "RUNNING")
    await propose(itself, begun, "FAILED")
    return begun


async def correct(client: ApiClient, failed: dict[str, Any], **more: Any) -> dict[str, Any]:
    made = {"id": failed["flowRun"]["id"], **CORRECTION, **more}
    answer = await client.execute(SET_STATE, input=made)
    return answer.data["flowRunSetState"]


async def names_of(api: ApiClient, failed: dict[str, Any]) -> list[str]:
    answer = await api.execute(HISTORY, id=failed["flowRun"]["id"])
    return [state["name"] for state in answer.data["flowRun"]["stateHistory"]["nodes"]]


async def test_who_may_write_runs_corrects_an_end(
    installation: Installation, api: ApiClient, tenant: Tenant, failed: dict[str, Any]
) -> None:
    operator = await installation.client(tenant, scopes=READ_SCOPES | {Scope.RUNS_WRITE})

    done = await correct(operator, failed)

    assert (done["accepted"], done["errors"]) == (True, [])
    assert done["state"]["message"] == CORRECTION["reason"]
    assert await names_of(api, failed) == ["Pending", "Running", "Failed", "Completed"]


async def test_who_may_only_read_is_refused_and_so_is_the_run_itself(
    installation: Installation, api: ApiClient, tenant: Tenant, failed: dict[str, Any]
) -> None:
    viewer = await installation.client(tenant, scopes=READ_SCOPES)
    itself = installation.holding(failed["runToken"])
    lease = {"epoch": failed["lease"]["epoch"], "leaseToken": failed["leaseToken"]}

    refused = [
        await correct(viewer, failed),
        await correct(itself, failed),
        await correct(itself, failed, lease={"runId": failed["flowRun"]["id"], **lease}),
    ]

    codes = [[error["code"] for error in done["errors"]] for done in refused]
    assert codes == [["FORBIDDEN"], ["FORBIDDEN"], ["LEASE_LOST"]]
    assert await names_of(api, failed) == ["Pending", "Running", "Failed"]


async def test_refusal_says_that_force_with_a_reason_corrects(
    api: ApiClient, failed: dict[str, Any]
) -> None:
    refused = [await correct(api, failed, force=False), await correct(api, failed, reason=None)]

    assert [done["accepted"] for done in refused] == [False, False]
    (error,), same = [done["errors"] for done in refused]
    assert same == [error]
    assert error["message"] == (
        "The run has ended as Failed and stays so; retry it instead, or correct its end: set the "
        "other one with force and a reason."
    )
    assert await names_of(api, failed) == ["Pending", "Running", "Failed"]


async def test_who_has_followed_a_run_to_its_end_reads_the_other_from_there(
    installation: Installation, api: ApiClient, tenant: Tenant, failed: dict[str, Any]
) -> None:
    token, run_id = await installation.token(tenant), failed["flowRun"]["id"]
    async with serve(installation.app) as address, open_socket(address, token=token) as socket:
        (*_, seen, _) = await socket.run(FOLLOW, id=run_id)
        await correct(api, failed)
        cursor = seen["payload"]["data"]["flowRunUpdates"]["cursor"]
        update, last = await socket.run(FOLLOW, id=run_id, after=cursor)

    told = update["payload"]["data"]["flowRunUpdates"]
    assert told["run"] == {"state": {"type": "COMPLETED"}}
    assert told["states"] == [{"name": "Completed", "message": CORRECTION["reason"]}]
    assert last["type"] == "complete"
