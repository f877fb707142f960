"""What a server that is older than this client does not know: it is asked as it was before."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from aiohttp import web

from headgate.api import begun_runs, deployments
from headgate.api.calls import change_or_make
from headgate.api.deployments import DeploymentInput, StoredDeployment
from headgate.api.transport import Transport
from headgate.client.clients import Client
from headgate.errors import ApiError, BadRequestError, NotFoundError, TooLargeError
from tests.client.recording_server import RecordingServer


def not_found(*path: str) -> web.Response:
    error = {"code": "NOT_FOUND", "message": "No such object", "path": path}
    return web.json_response({"data": {"variableSet": {"errors": [error]}}})


def unknown_field() -> web.Response:
    error = {"message": "Field 'idempotencyKey' is not defined by type 'VariableSetInput'."}
    return web.json_response({"data": None, "errors": [error]}, status=400)


async def make(server: RecordingServer, answers: Sequence[web.Response]) -> int:
    """Make a variable, and return how many calls it took."""
    left = iter(answers)
    asked: list[str] = []

    def answer(operation: str) -> web.Response:
        asked.append(operation)
        return next(left)

    server.fault = answer
    transport = Transport(server.url, "token")
    try:
        await change_or_make(transport, "variables", "VariableSet", input={}, is_new=True)
    finally:
        await transport.close()
    return len(asked)


@pytest.mark.parametrize("refusal", [not_found, unknown_field])
async def test_server_that_knows_no_way_to_say_so_is_asked_without_it(
    recording_server: RecordingServer, refusal: Callable[[], web.Response]
) -> None:
    done = web.json_response({"data": {"variableSet": {"errors": []}}})

    assert await make(recording_server, [refusal(), done]) == 2


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(not_found("typeSlug"), NotFoundError), (web.Response(status=413), TooLargeError)],
)
async def test_what_an_older_server_would_not_mean_is_told_at_once(
    recording_server: RecordingServer, answer: web.Response, kind: type[ApiError]
) -> None:
    with pytest.raises(kind):
        await make(recording_server, [answer])


STORED: dict[str, Any] = {
    "deployment": {
        "id": "dep_1",
        "name": "daily",
        "flow": {"id": "flow_1", "name": "report"},
        "version": 1,
        "paused": False,
        "tags": [],
        "schedules": [],
        "parameters": {},
        "jobVariables": {},
    },
    "created": False,
}


def unknown_to_payloads(name: str) -> web.Response:
    error = {"message": f"Cannot query field {name!r} on type 'DeploymentPayload'."}
    return web.json_response({"data": None, "errors": [error]}, status=400)


async def store(server: RecordingServer, *, unknown: str) -> list[StoredDeployment]:
    """Store a deployment by itself, and in a batch, of a server that does not know a field."""

    def answer(operation: str) -> web.Response:
        if not operation.endswith("Older"):
            return unknown_to_payloads(unknown)
        single: dict[str, Any] = {"deploymentUpsert": {**STORED, "errors": []}}
        batch: dict[str, Any] = {"deploymentUpsertBatch": {"results": [STORED], "errors": []}}
        return web.json_response({"data": batch if "Batch" in operation else single})

    server.fault = answer
    transport = Transport(server.url, "token")
    one = DeploymentInput(flow_name="report", name="daily")
    try:
        stored = await deployments.upsert(transport, workspace_id="ws_1", deployment=one)
        more = await deployments.upsert_all(transport, workspace_id="ws_1", deployments=[one])
    finally:
        await transport.close()
    return [stored, *more]


async def test_deployments_are_stored_by_a_server_that_does_not_say_what_changed(
    recording_server: RecordingServer,
) -> None:
    stored = await store(recording_server, unknown="changed")

    assert [(one.is_created, one.is_changed) for one in stored] == [(False, None)] * 2


async def test_what_else_an_older_server_does_not_know_of_deployments_is_told(
    recording_server: RecordingServer,
) -> None:
    with pytest.raises(BadRequestError, match="jobVariables"):
        await store(recording_server, unknown="jobVariables")


async def test_queues_of_a_small_pool_are_those_that_every_server_tells(
    recording_server: RecordingServer,
) -> None:
    queue = {"id": "q_1", "name": "default", "priority": 1, "paused": False}
    pool: dict[str, Any] = {
        "id": "pool_1",
        "name": "here",
        "type": "process",
        "paused": False,
        "version": 1,
        "status": "READY",
        "baseJobTemplate": {},
        "queues": [queue],
        "queuesMore": 0,
    }
    asked: list[str] = []

    def answer(operation: str) -> web.Response:
        asked.append(operation)
        return web.json_response({"data": {"workspace": {"workPool": pool}}})

    recording_server.fault = answer
    transport = Transport(recording_server.url, "token")
    async with Client(transport, organization="acme", workspace="main") as client:
        found = await client.read_work_queues("here")

    assert [one.name for one in found] == ["default"]
    assert asked == ["WorkPool"]


async def test_runs_begin_on_a_server_that_does_not_name_their_flow_beside_them(
    recording_server: RecordingServer,
) -> None:
    asked: list[str] = []

    def answer(operation: str) -> web.Response:
        asked.append(operation)
        if operation == "FlowRunBegin":
            error = {"message": "Cannot query field 'flowId' on type 'FlowRunBeginPayload'."}
            return web.json_response({"data": None, "errors": [error]}, status=400)
        begun: dict[str, Any] = {
            "flowRun": {"id": "run_1", "name": "first", "flow": {"id": "flow_1"}},
            "lease": {"runId": "run_1", "epoch": 1, "expiresAt": None},
            "leaseToken": "lease",
            "runToken": "token",
            "leaseExpiresAt": None,
            "errors": [],
        }
        return web.json_response({"data": {"flowRunBegin": begun}})

    recording_server.fault = answer
    transport = Transport(recording_server.url, "token")
    try:
        begun = await begun_runs.begin(
            transport, workspace_id="ws_1", flow_name="report", client_id="here"
        )
    finally:
        await transport.close()

    assert asked == ["FlowRunBegin", "FlowRunBeginOlder"]
    assert (begun.id, begun.flow_id) == ("run_1", "flow_1")
