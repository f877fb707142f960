"""The mailbox of a run through the API: sent by people and runs, read in order, each once."""

from typing import Any

import pytest

from headgate_server.domain.ids import Kind
from headgate_server.domain.permissions import READ_SCOPES
from tests.factories.estates import Estate
from tests.factories.mutations import Json, mutate
from tests.fixtures.api import ApiClient, open_socket, serve
from tests.fixtures.installations import Installation

pytestmark = pytest.mark.anyio

SEND = """mutation ($input: RunInputSendInput!) { runInputSend(input: $input) {
  runInput { sequence sentBy { displayName } } errors { code path } } }"""
FOLLOW = """subscription ($id: ID!, $keyset: String, $after: Int! = 0) {
  runInputs(flowRunId: $id, keyset: $keyset, after: $after) { sequence payload } }"""


async def send(client: ApiClient, run_id: str, message: str, **more: Any) -> Json:
    given = {"flowRunId": run_id, "keyset": "k", "messageId": message, "payload": message, **more}
    return (await client.execute(SEND, input=given)).data["runInputSend"]


def own(estate: Estate) -> str:
    return estate.own_run["lease"]["runId"]


async def test_inputs_come_in_order_from_where_the_reader_was(
    installation: Installation, estate: Estate
) -> None:
    run_id, token = own(estate), estate.own_run["runToken"]
    first = await send(estate.bound, run_id, "a")
    await send(estate.bound, run_id, "other", keyset="other")
    by_run = await send(estate.run, run_id, "b")
    async with serve(installation.app) as address, open_socket(address, token=token) as socket:
        await socket.subscribe(FOLLOW, id=run_id, keyset="k", after=first["runInput"]["sequence"])
        waiting = await socket.receive()
        await send(estate.bound, run_id, "c")
        pushed = await socket.receive()

    assert waiting["payload"]["data"]["runInputs"] == [{"sequence": 3, "payload": "b"}]
    assert pushed["payload"]["data"]["runInputs"] == [{"sequence": 4, "payload": "c"}]
    assert first["runInput"]["sentBy"]["displayName"] == "Olive"
    assert by_run["runInput"]["sequence"] == 3


async def test_input_that_is_sent_twice_is_there_once(estate: Estate) -> None:
    first = await send(estate.bound, own(estate), "a")
    again = await send(estate.bound, own(estate), "a")
    other = await send(estate.bound, own(estate), "a", payload="something else")

    assert again == first
    assert [error["code"] for error in other["errors"]] == ["IDEMPOTENCY_MISMATCH"]


async def test_run_that_has_ended_takes_nothing(estate: Estate) -> None:
    refused = await send(estate.bound, estate.ended_run, "a")

    assert [error["code"] for error in refused["errors"]] == ["CONFLICT"]


async def test_who_may_only_read_sends_nothing(installation: Installation, estate: Estate) -> None:
    reader = await installation.client(estate.tenant, scopes=READ_SCOPES)

    refused = await send(reader, own(estate), "a")
    first = await send(estate.bound, own(estate), "b")

    assert [error["code"] for error in refused["errors"]] == ["FORBIDDEN"]
    assert first["runInput"]["sequence"] == 1


async def test_run_reads_its_own_mailbox_only(installation: Installation, estate: Estate) -> None:
    token = estate.own_run["runToken"]
    async with serve(installation.app) as address, open_socket(address, token=token) as socket:
        refused, complete = await socket.run(FOLLOW, id=estate.paused_run)

    assert complete["type"] == "complete"
    (error,) = refused["payload"]["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"


async def test_run_that_has_ended_sends_nothing(estate: Estate) -> None:
    lease = estate.own_run["lease"]
    for type_ in ("RUNNING", "COMPLETED"):
        state = {"id": own(estate), "state": {"type": type_}, "lease": lease}
        await mutate(estate.run, "flowRunSetState", "accepted", **state)

    answer = await estate.run.execute(
        SEND,
        input={"flowRunId": estate.paused_run, "keyset": "k", "messageId": "z", "payload": 1},
    )
    first = await send(estate.bound, estate.paused_run, "b")

    assert answer.status == 401 or answer.data["runInputSend"]["errors"]
    assert first["runInput"]["sequence"] == 2


async def test_nobody_sends_to_a_run_of_an_archived_workspace_but_its_runs(estate: Estate) -> None:
    run_id, workspace_id = own(estate), estate.ids[Kind.WORKSPACE]
    await mutate(
        estate.wide, "workspaceArchive", "workspace { id }", id=workspace_id, archived=True
    )

    sent = [await send(client, run_id, "m") for client in (estate.wide, estate.bound, estate.run)]

    assert [[error["code"] for error in answer["errors"]] for answer in sent] == [
        ["FORBIDDEN"],
        ["FORBIDDEN"],
        [],
    ]
