"""Flow runs through the API: begun, moved, reported, listed, followed."""

from typing import Any
from uuid import uuid4

import pytest

from headgate_server.domain import ids
from headgate_server.settings import LogLimits
from tests.factories.tenants import Tenant
from tests.fixtures.api import ApiClient, open_socket, serve
from tests.fixtures.installations import Installation, shown

pytestmark = pytest.mark.anyio


BEGIN = """mutation ($input: FlowRunBeginInput!) { flowRunBegin(input: $input) {
  flowRun { id name state { type name sequence } flow { id name } tags parameters
    lease { phase epoch } } flowId lease { runId epoch } leaseToken runToken leaseExpiresAt
  errors { __typename code message path } } }"""
SET_STATE = """mutation ($input: RunSetStateInput!) { flowRunSetState(input: $input) {
  accepted state { type name message details actor { __typename displayName } } run { id }
  errors { __typename code message } } }"""
SYNC = """mutation ($input: TaskRunSyncInput!) { taskRunSync(input: $input) {
  accepted rejected { id code } errors { code message } } }"""
APPEND = """mutation ($input: LogsAppendInput!) { logsAppend(input: $input) {
  nextOffset droppedForQuota errors { code path } } }"""
RENEW = """mutation ($input: RunRenewInput!) { runRenew(input: $input) {
  verdict { runId epoch outcome } serverTime errors { code } } }"""
CANCEL = """mutation ($input: RunCancelInput!) { flowRunCancel(input: $input) {
  flowRun { state { type } } errors { code message } } }"""
RUN = """query ($id: ID!) { flowRun(id: $id) { id name state { type name } duration
  stateHistory { nodes { type name sequence actor { displayName } } totalCount { value } }
  attempts { number outcome }
  taskRuns { nodes { name state { type } tags stateHistory { nodes { type } } }
    totalCount { value } }
  logs { nodes { sequence message level } totalCount { value } }
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
    state = {"type": type_, **more.pop("state", {})}
    made = {"id": begun["flowRun"]["id"], "state": state, "lease": lease_of(begun), **more}
    answer = await run.execute(SET_STATE, input=made)
    return answer.data["flowRunSetState"]


def task_report(begun: dict[str, Any], task_id: str) -> dict[str, Any]:
    states = [
        ["RUNNING", "Running", 1_700_000_000_000_000, None],
        ["COMPLETED", "Completed", 1_700_000_001_000_000, "ok"],
    ]
    columns: dict[str, list[Any]] = {
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
    return {
        "flowRunId": begun["flowRun"]["id"],
        "lease": lease_of(begun),
        "batchId": str(uuid4()),
        "batch": columns,
    }


def log_report(begun: dict[str, Any], *messages: str, offset: int = 0) -> dict[str, Any]:
    count = len(messages)
    lines: dict[str, list[Any]] = {
        "timestamp": [1_700_000_000_000_000] * count,
        "level": [20] * count,
        "logger": ["etl"] * count,
        "message": list(messages),
        "taskRunId": [None] * count,
    }
    stream_id = "0192f000-0000-7000-8000-000000000001"
    run_id = begun["flowRun"]["id"]
    return {"flowRunId": run_id, "streamId": stream_id, "offset": offset, "batch": lines}


@pytest.fixture
async def begun(api: ApiClient, tenant: Tenant) -> dict[str, Any]:
    return await begin(api, tenant, name="first", tags=["b", "a"], parameters={"n": 1})


@pytest.fixture
def run(installation: Installation, begun: dict[str, Any]) -> ApiClient:
    """The run itself, by its token."""
    return installation.holding(begun["runToken"])


async def test_begun_run_is_pending_under_a_lease(begun: dict[str, Any]) -> None:
    assert begun["errors"] == []
    assert begun["flowRun"]["name"] == "first"
    assert begun["flowRun"]["state"] == {"type": "PENDING", "name": "Pending", "sequence": 1}
    assert begun["flowRun"]["tags"] == ["a", "b"]
    assert begun["flowRun"]["parameters"] == {"n": 1}
    assert begun["flowRun"]["lease"] == {"phase": "CLAIMED", "epoch": 1}
    assert begun["lease"] == {"runId": begun["flowRun"]["id"], "epoch": 1}
    assert begun["flowRun"]["flow"] == {"id": begun["flowId"], "name": "etl"}


async def test_run_is_followed_through_its_states_tasks_and_lines(
    api: ApiClient, run: ApiClient, begun: dict[str, Any]
) -> None:
    task_id = shown(ids.Kind.TASK_RUN, ids.new_id())
    assert (await propose(run, begun, "RUNNING"))["accepted"] is True
    synced = await run.execute(SYNC, input=task_report(begun, task_id))
    await run.execute(APPEND, input=log_report(begun, "hello", "oh no"))
    assert (await propose(run, begun, "COMPLETED"))["accepted"] is True

    seen = (await api.execute(RUN, id=begun["flowRun"]["id"])).data["flowRun"]

    assert synced.data["taskRunSync"] == {"accepted": 1, "rejected": [], "errors": []}
    types = [state["type"] for state in seen["stateHistory"]["nodes"]]
    assert types == ["PENDING", "RUNNING", "COMPLETED"]
    assert seen["stateHistory"]["totalCount"] == {"value": 3}
    assert seen["attempts"] == [{"number": 1, "outcome": "Completed"}]
    (task,) = seen["taskRuns"]["nodes"]
    assert task["state"] == {"type": "COMPLETED"}
    assert [state["type"] for state in task["stateHistory"]["nodes"]] == ["RUNNING", "COMPLETED"]
    assert [line["message"] for line in seen["logs"]["nodes"]] == ["hello", "oh no"]
    assert seen["logs"]["totalCount"] == {"value": 2}
    assert seen["createdBy"] == {"__typename": "User", "displayName": "Olive"}
    assert seen["flow"] == {"name": "etl", "tags": []}
    assert seen["workPool"] is None


async def test_retried_lines_are_dropped_and_a_hole_is_refused(
    run: ApiClient, begun: dict[str, Any]
) -> None:
    await run.execute(APPEND, input=log_report(begun, "a", "b"))

    again = await run.execute(APPEND, input=log_report(begun, "a", "b", "c"))
    hole = await run.execute(APPEND, input=log_report(begun, "z", offset=9))

    assert again.data["logsAppend"]["nextOffset"] == 3
    assert hole.data["logsAppend"]["nextOffset"] == 3
    assert hole.data["logsAppend"]["errors"] == [{"code": "CONFLICT", "path": ["offset"]}]


async def test_lines_that_a_full_log_has_no_room_for_are_counted(
    installation: Installation, run: ApiClient, api: ApiClient, begun: dict[str, Any]
) -> None:
    installation.log_shares.limits = LogLimits(lines_per_run=2)

    answer = await run.execute(APPEND, input=log_report(begun, "a", "b", "c", "d", "e"))

    told = answer.data["logsAppend"]
    assert (told["nextOffset"], told["droppedForQuota"], told["errors"]) == (5, 3, [])
    seen = (await api.execute(RUN, id=begun["flowRun"]["id"])).data["flowRun"]["logs"]
    assert [line["message"] for line in seen["nodes"]] == ["a", "b"]


async def test_who_logs_more_than_a_share_is_told_when_to_come_again(
    installation: Installation, run: ApiClient, begun: dict[str, Any]
) -> None:
    installation.log_shares.limits = LogLimits(run_lines_per_second=1)
    await run.execute(APPEND, input=log_report(begun, *"abcdefgh"))

    answer = await run.execute(APPEND, input=log_report(begun, "i", offset=8))

    assert answer.code == "RATE_LIMITED"
    assert 5_000 <= answer.error["extensions"]["retryAfterMs"] <= 6_000
    assert answer.status == 429


async def test_refused_state_says_why_and_shows_the_current_one(
    run: ApiClient, begun: dict[str, Any]
) -> None:
    lost = {**lease_of(begun), "epoch": 9}

    refused = await propose(run, begun, "RUNNING", lease=lost)

    assert refused["accepted"] is False
    assert refused["state"]["type"] == "PENDING"
    assert [error["code"] for error in refused["errors"]] == ["LEASE_LOST"]


async def test_run_token_moves_no_run_as_a_person(run: ApiClient, begun: dict[str, Any]) -> None:
    answer = await run.execute(
        SET_STATE, input={"id": begun["flowRun"]["id"], "state": {"type": "CANCELLED"}}
    )

    assert [error["code"] for error in answer.data["flowRunSetState"]["errors"]] == ["FORBIDDEN"]


async def test_renewal_brings_a_cancel(
    api: ApiClient, run: ApiClient, begun: dict[str, Any]
) -> None:
    await propose(run, begun, "RUNNING")
    renewed = await run.execute(RENEW, input={"lease": lease_of(begun)})
    await api.execute(CANCEL, input={"id": begun["flowRun"]["id"]})

    cancelled = await run.execute(RENEW, input={"lease": lease_of(begun)})

    assert renewed.data["runRenew"]["verdict"]["outcome"] == "RENEWED"
    assert cancelled.data["runRenew"]["verdict"]["outcome"] == "CANCEL_REQUESTED"


async def test_a_runs_token_acts_for_no_other_run_even_with_its_lease(
    api: ApiClient, run: ApiClient, tenant: Tenant
) -> None:
    other = await begin(api, tenant)

    moved = await propose(run, other, "RUNNING")
    renewed = await run.execute(RENEW, input={"lease": lease_of(other)})

    assert [error["code"] for error in moved["errors"]] == ["FORBIDDEN"]
    assert [error["code"] for error in renewed.data["runRenew"]["errors"]] == ["FORBIDDEN"]
    seen = await api.execute(RUN, id=other["flowRun"]["id"])
    assert seen.data["flowRun"]["state"] == {"type": "PENDING", "name": "Pending"}


async def test_same_key_begins_one_run_and_another_body_is_refused(
    api: ApiClient, tenant: Tenant
) -> None:
    client_id = str(uuid4())
    first = await begin(api, tenant, idempotencyKey="k", clientId=client_id)

    again = await begin(api, tenant, idempotencyKey="k", clientId=client_id)
    other = await begin(api, tenant, idempotencyKey="k", clientId=client_id, name="other")

    assert again["flowRun"]["id"] == first["flowRun"]["id"]
    assert again["leaseToken"] == first["leaseToken"]
    assert again["runToken"] == first["runToken"]
    assert [error["code"] for error in other["errors"]] == ["IDEMPOTENCY_MISMATCH"]


async def test_subscription_follows_a_run_to_its_end(
    installation: Installation, tenant: Tenant, run: ApiClient, begun: dict[str, Any]
) -> None:
    token = await installation.token(tenant)
    follow = """subscription ($id: ID!) { flowRunUpdates(flowRunId: $id) {
      cursor caughtUp run { state { type } flow { name } } states { type } } }"""
    async with serve(installation.app) as address, open_socket(address, token=token) as socket:
        await socket.subscribe(follow, id=begun["flowRun"]["id"])
        first = await socket.receive()
        await propose(run, begun, "RUNNING")
        second = await socket.receive()
        await propose(run, begun, "COMPLETED")
        third = await socket.receive()
        last = await socket.receive()

    updates = [message["payload"]["data"]["flowRunUpdates"] for message in (first, second, third)]
    assert [update["run"]["state"]["type"] for update in updates] == [
        "PENDING",
        "RUNNING",
        "COMPLETED",
    ]
    assert [[state["type"] for state in update["states"]] for update in updates] == [
        ["PENDING"],
        ["RUNNING"],
        ["COMPLETED"],
    ]
    assert updates[0]["run"]["flow"] == {"name": "etl"}
    assert last["type"] == "complete"


async def test_tail_resumes_behind_its_cursor(
    installation: Installation, tenant: Tenant, run: ApiClient, begun: dict[str, Any]
) -> None:
    token = await installation.token(tenant)
    tail = """subscription ($id: ID!, $after: Cursor) { logTail(flowRunId: $id, after: $after) {
      cursor caughtUp ended gap lines { sequence message } } }"""
    await run.execute(APPEND, input=log_report(begun, "a", "b"))
    async with serve(installation.app) as address, open_socket(address, token=token) as socket:
        id_ = await socket.subscribe(tail, id=begun["flowRun"]["id"])
        seen = (await socket.receive())["payload"]["data"]["logTail"]
        await socket.send({"id": id_, "type": "complete"})
        await run.execute(APPEND, input=log_report(begun, "c", offset=2))
        await socket.subscribe(tail, id=begun["flowRun"]["id"], after=seen["cursor"])
        rest = (await socket.receive())["payload"]["data"]["logTail"]

    assert [line["message"] for line in seen["lines"]] == ["a", "b"]
    assert rest["lines"] == [{"sequence": 3, "message": "c"}]
