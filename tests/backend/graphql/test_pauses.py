"""Pauses through the API: asked by a run's own process, answered by people, pushed back."""

from typing import Any
from uuid import uuid4

import pytest

from headgate_server.domain import ids
from headgate_server.domain.permissions import READ_SCOPES
from tests.factories.tenants import Tenant
from tests.fixtures.api import ApiClient, open_socket, serve
from tests.fixtures.installations import Installation, shown

pytestmark = pytest.mark.anyio

BEGIN = """mutation ($input: FlowRunBeginInput!) { flowRunBegin(input: $input) {
  flowRun { id } lease { runId epoch } leaseToken runToken errors { message } } }"""
SET_STATE = """mutation ($input: RunSetStateInput!) { flowRunSetState(input: $input) {
  accepted errors { message } } }"""
PAUSE = """mutation ($input: FlowRunPauseInput!) { flowRunPause(input: $input) {
  flowRun { state { name } } pause { key status createdAt } errors { code message path } } }"""
RESUME = """mutation ($input: RunResumeInput!) { flowRunResume(input: $input) {
  flowRun { state { type name message } } duplicate errors { __typename code message path } } }"""
REQUEST = """mutation ($input: RunPauseRequestInput!) { flowRunRequestPause(input: $input) {
  errors { code } } }"""
UPDATES = """subscription ($id: ID!, $key: String!) {
  pauseUpdates(flowRunId: $id, key: $key) { status input answeredBy { displayName } } }"""
WAITING = """query ($id: ID!) { node(id: $id) { ... on Workspace { pauses {
  nodes { key description schema approvers { fourEyes } run { id pause { key } } }
  totalCount { value } } } } }"""
ASKED = """query ($id: ID!) { flowRun(id: $id) { pause { key } pauses {
  key status input reason answeredBy { __typename displayName } } } }"""
ANSWERED = "query ($id: ID!) { flowRun(id: $id) { pauses { answeredAt } } }"
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "count": {"type": "integer"}},
    "required": ["name", "count"],
}


class Running:
    """A run in its caller's own process, past the start gate."""

    def __init__(self, begun: dict[str, Any], client: ApiClient) -> None:
        self.id: str = begun["flowRun"]["id"]
        self.token: str = begun["runToken"]
        self.client = client
        self.lease = {
            "runId": begun["lease"]["runId"],
            "epoch": begun["lease"]["epoch"],
            "leaseToken": begun["leaseToken"],
        }

    async def pause(self, **more: Any) -> dict[str, Any]:
        made = {"lease": self.lease, "key": "1", **more}
        return (await self.client.execute(PAUSE, input=made)).data["flowRunPause"]


@pytest.fixture
async def run(installation: Installation, api: ApiClient, tenant: Tenant) -> Running:
    made = {
        "workspaceId": shown(ids.Kind.WORKSPACE, tenant.workspace_id),
        "flowName": "etl",
        "clientId": str(uuid4()),
    }
    begun = (await api.execute(BEGIN, input=made)).data["flowRunBegin"]
    run = Running(begun, installation.holding(begun["runToken"]))
    state = {"id": run.id, "state": {"type": "RUNNING"}, "lease": run.lease}
    assert (await run.client.execute(SET_STATE, input=state)).data["flowRunSetState"]["accepted"]
    return run


async def resume(api: ApiClient, run: Running, **more: Any) -> dict[str, Any]:
    answer = await api.execute(RESUME, input={"id": run.id, **more})
    return answer.data["flowRunResume"]


async def test_answer_is_pushed_to_the_process_that_waits(
    installation: Installation, api: ApiClient, run: Running
) -> None:
    asked = await run.pause(schema=SCHEMA)
    async with serve(installation.app) as address, open_socket(address, token=run.token) as socket:
        await socket.subscribe(UPDATES, id=run.id, key="1")
        waiting = await socket.receive()
        resumed = await resume(api, run, input={"name": "Ann", "count": 1}, reason="fine")
        answered, complete = await socket.receive(), await socket.receive()

    assert (asked["pause"]["key"], asked["pause"]["status"]) == ("1", "WAITING")
    assert resumed["flowRun"]["state"] == {
        "type": "RUNNING",
        "name": "Running",
        "message": "Resumed by Olive: fine",
    }
    assert waiting["payload"]["data"]["pauseUpdates"]["status"] == "WAITING"
    assert complete["type"] == "complete"
    assert answered["payload"]["data"]["pauseUpdates"] == {
        "status": "RESUMED",
        "input": {"name": "Ann", "count": 1},
        "answeredBy": {"displayName": "Olive"},
    }


async def test_each_field_that_does_not_fit_has_an_error_of_its_own(
    api: ApiClient, run: Running
) -> None:
    await run.pause(schema=SCHEMA)

    refused = await resume(api, run, input={"count": "many"})

    assert refused["flowRun"] is None
    wrong = sorted(error["path"] for error in refused["errors"])
    assert wrong == [["input", "count"], ["input", "name"]]
    assert {error["__typename"] for error in refused["errors"]} == {"InputError"}
    assert (await api.execute(ASKED, id=run.id)).data["flowRun"]["pause"] == {"key": "1"}


async def test_same_answer_with_the_same_key_is_given_once(api: ApiClient, run: Running) -> None:
    await run.pause()

    first = await resume(api, run, idempotencyKey="k")
    second = await resume(api, run, idempotencyKey="k")
    third = await resume(api, run)

    assert (first["duplicate"], second["duplicate"]) == (False, True)
    assert first["errors"] == second["errors"] == []
    assert [error["code"] for error in third["errors"]] == ["ILLEGAL_TRANSITION"]


async def test_answer_to_one_question_answers_no_later_one(api: ApiClient, run: Running) -> None:
    await run.pause(key="first")
    await resume(api, run, pauseKey="first")
    await run.pause(key="second")

    late = await resume(api, run, pauseKey="first")
    asked = (await api.execute(ASKED, id=run.id)).data["flowRun"]
    meant = await resume(api, run, pauseKey="second")

    assert [(error["code"], error["path"]) for error in late["errors"]] == [
        ("CONFLICT", ["pauseKey"])
    ]
    assert (late["flowRun"], asked["pause"]) == (None, {"key": "second"})
    assert meant["flowRun"]["state"]["type"] == "RUNNING"


async def test_answer_to_a_question_of_before_answers_it_no_second_time(
    api: ApiClient, run: Running
) -> None:
    first = (await run.pause())["pause"]["createdAt"]
    seen = await resume(api, run, pauseKey="1", pausedAt=first)
    (answered,) = (await api.execute(ANSWERED, id=run.id)).data["flowRun"]["pauses"]
    again = (await run.pause(refused={**answered, "message": "No such city"}))["pause"]["createdAt"]

    late = await resume(api, run, pauseKey="1", pausedAt=first)
    meant = await resume(api, run, pauseKey="1", pausedAt=again)
    over = await resume(api, run, pausedAt=again)

    assert (seen["errors"], meant["errors"]) == ([], [])
    for refusal in (late, over):
        assert [(error["code"], error["path"]) for error in refusal["errors"]] == [
            ("CONFLICT", ["pausedAt"])
        ]


async def test_late_answer_takes_back_no_pause_that_was_requested(
    api: ApiClient, run: Running
) -> None:
    await run.pause(key="first")
    await resume(api, run, pauseKey="first")
    await api.execute(REQUEST, input={"id": run.id})

    late = await resume(api, run, pauseKey="first")

    assert [error["code"] for error in late["errors"]] == ["CONFLICT"]


async def test_what_waits_is_listed_with_what_it_asks(
    api: ApiClient, tenant: Tenant, run: Running
) -> None:
    await run.pause(description="Ship it?", schema=SCHEMA, approvers={"fourEyes": True})

    workspace_id = shown(ids.Kind.WORKSPACE, tenant.workspace_id)
    waiting = (await api.execute(WAITING, id=workspace_id)).data["node"]["pauses"]

    assert waiting["totalCount"] == {"value": 1}
    assert waiting["nodes"] == [
        {
            "key": "1",
            "description": "Ship it?",
            "schema": SCHEMA,
            "approvers": {"fourEyes": True},
            "run": {"id": run.id, "pause": {"key": "1"}},
        }
    ]


async def test_who_may_only_read_does_not_answer(
    installation: Installation, api: ApiClient, tenant: Tenant, run: Running
) -> None:
    await run.pause()
    reader = await installation.client(tenant, scopes=READ_SCOPES)

    refused = await resume(reader, run)
    by_itself = await resume(run.client, run)

    assert [error["code"] for error in refused["errors"]] == ["FORBIDDEN"]
    assert [error["code"] for error in by_itself["errors"]] == ["FORBIDDEN"]
    assert (await api.execute(ASKED, id=run.id)).data["flowRun"]["pause"] == {"key": "1"}


async def test_rejection_keeps_its_reason(api: ApiClient, run: Running) -> None:
    await run.pause()

    await resume(api, run, reject=True, reason="too early")
    asked = (await api.execute(ASKED, id=run.id)).data["flowRun"]

    assert asked["pause"] is None
    assert asked["pauses"] == [
        {
            "key": "1",
            "status": "REJECTED",
            "input": None,
            "reason": "too early",
            "answeredBy": {"__typename": "User", "displayName": "Olive"},
        }
    ]
