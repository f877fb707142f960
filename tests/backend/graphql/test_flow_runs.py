"""Flow runs through the API: begun, moved, reported, listed, followed."""

from typing import Any
from uuid import uuid4

import pytest

from headgate_server.domain import ids
from tests.factories.tenants import Tenant
from tests.fixtures.api import ApiClient
from tests.fixtures.installations import Installation, shown

pytestmark = pytest.mark.anyio

BEGIN = """mutation ($input: FlowRunBeginInput!) { flowRunBegin(input: $input) {
  flowRun { id name state { type name sequence } flow { name } tags parameters lease { phase epoch } }
  lease { runId epoch } leaseToken runToken leaseExpiresAt errors { __typename code message path } } }"""
SET_STATE = """mutation ($input: RunSetStateInput!) { flowRunSetState(input: $input) {
  accepted state { type name message details actor { __typename displayName } } run { id }
  errors { __typename code message } } }"""
RUN = """query ($id: ID!) { flowRun(id: $id) { id name state { type name } duration
  stateHistory { nodes { type name sequence actor { displayName } } totalCount { value } }
  attempts { number outcome } taskRuns { nodes { name state { type } tags stateHistory { nodes { type } } }
  totalCount { value } } logs { nodes { sequence message level } totalCount { value } }
  createdBy { __typename displayName } flow { name tags } workPool { name } } }"""


async def begin(api: ApiClient, tenant: Tenant, **more: Any) -> dict[str, Any]:
    made = {
        "workspaceId": shown(ids.Kind.WORKSPACE, tenant.workspace_id),
        "flowName": "etl",
        "clientId": str(uuid4()),
        **more,
    }
    answer = await api.execute(BEGIN, input=made)
    return answer.data["flowRunBegin"]


def lease_of(begun: dict[str, Any]) -> dict[str, Any]:
    return {
        "runId": begun["lease"]["runId"],
        "epoch": begun["lease"]["epoch"],
        "leaseToken": begun["leaseToken"],
    }


async def propose(run: ApiClient, begun: dict[str, Any], type_: str, **more: Any) -> dict[str, Any]:
    made = {
        "id": begun["flowRun"]["id"],
        "state": {"type": type_},
        "lease": lease_of(begun),
        **more,
    }
    answer = await run.execute(SET_STATE, input=made)
    return answer.data["flowRunSetState"]


async def test_run_in_its_own_process_is_begun_reported_and_completed(
    installation: Installation, api: ApiClient, tenant: Tenant
) -> None:
    begun = await begin(api, tenant, name="first", tags=["b", "a"], parameters={"n": 1})
    assert begun["errors"] == []
    assert begun["flowRun"]["state"] == {"type": "PENDING", "name": "Pending", "sequence": 1}
    assert begun["flowRun"]["tags"] == ["a", "b"]
    assert begun["flowRun"]["parameters"] == {"n": 1}
    assert begun["flowRun"]["lease"] == {"phase": "CLAIMED", "epoch": 1}

    run = installation.holding(begun["runToken"])
    started = await propose(run, begun, "RUNNING")
    assert started["accepted"] is True
    task_id = shown(ids.Kind.TASK_RUN, ids.new_id())
    sync = """mutation ($input: TaskRunSyncInput!) { taskRunSync(input: $input) {
      accepted rejected { id code } errors { code message } } }"""
    states = [["RUNNING", "Running", 1_700_000_000_000_000, None]]
    states.append(["COMPLETED", "Completed", 1_700_000_001_000_000, "ok"])
    columns = {
        "id": [task_id],
        "taskKey": ["extract"],
        "name": ["extract-0"],
        "mapIndex": [None],
        "tags": [["x"]],
        "cacheKey": [None],
        "attempt": [1],
        "parents": [[]],
        "states": [states],
    }
    report = {
        "flowRunId": begun["flowRun"]["id"],
        "lease": lease_of(begun),
        "batchId": str(uuid4()),
        "batch": columns,
    }
    synced = (await run.execute(sync, input=report)).data["taskRunSync"]
    assert synced == {"accepted": 1, "rejected": [], "errors": []}
    append = """mutation ($input: LogsAppendInput!) { logsAppend(input: $input) {
      nextOffset droppedForQuota errors { code path } } }"""
    lines = {
        "timestamp": [1_700_000_000_000_000] * 2,
        "level": [20, 40],
        "logger": ["etl"] * 2,
        "message": ["hello", "oh no"],
        "taskRunId": [None, task_id],
    }
    stream = {"flowRunId": begun["flowRun"]["id"], "streamId": str(uuid4()), "batch": lines}
    appended = (await run.execute(append, input={**stream, "offset": 0})).data["logsAppend"]
    assert appended == {"nextOffset": 2, "droppedForQuota": 0, "errors": []}
    hole = (await run.execute(append, input={**stream, "offset": 5})).data["logsAppend"]
    assert hole["nextOffset"] == 2
    assert hole["errors"] == [{"code": "CONFLICT", "path": ["offset"]}]

    ended = await propose(run, begun, "COMPLETED")
    assert ended["accepted"] is True

    seen = (await api.execute(RUN, id=begun["flowRun"]["id"])).data["flowRun"]
    assert [state["type"] for state in seen["stateHistory"]["nodes"]] == [
        "PENDING",
        "RUNNING",
        "COMPLETED",
    ]
    assert seen["stateHistory"]["totalCount"] == {"value": 3}
    assert seen["attempts"] == [{"number": 1, "outcome": "Completed"}]
    assert seen["taskRuns"]["nodes"][0]["state"] == {"type": "COMPLETED"}
    assert seen["taskRuns"]["totalCount"] == {"value": 1}
    assert [line["message"] for line in seen["logs"]["nodes"]] == ["hello", "oh no"]
    assert seen["logs"]["totalCount"] == {"value": 2}
    assert seen["createdBy"] == {"__typename": "User", "displayName": "Olive"}
    assert seen["flow"] == {"name": "etl", "tags": []}
    assert seen["workPool"] is None
