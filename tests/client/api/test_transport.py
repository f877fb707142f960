"""The transport: retries, typed errors, subscriptions, and the blocking facade."""

import multiprocessing
import os
import socket
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from typing import Any

import pytest
from aiohttp import web

from headgate.api import agents, logs, server_info
from headgate.api.background import background_loop
from headgate.api.calls import LeaseInput, change
from headgate.api.socket import subscribe
from headgate.api.transport import SyncTransport, Transport, retry_delay_seconds
from headgate.api.work_stream import StreamHeartbeat
from headgate.errors import (
    BadRequestError,
    ForbiddenError,
    InvalidInputError,
    LeaseLostError,
    RateLimitedError,
    ServerFaultError,
    ServerUnavailableError,
    UnauthenticatedError,
)
from tests.client.recording_server import INSTANT, RecordingServer

QUERY = "subscription Q { agentWork }"


class Faults:
    """Answers the first calls with a fault, then lets them through."""

    def __init__(self, *answers: web.Response) -> None:
        self.waiting = list(answers)
        self.asked = 0

    def __call__(self, operation: str) -> web.Response | None:
        self.asked += 1
        return self.waiting.pop(0) if self.waiting else None


def _error(code: str, *, status: int = 200) -> web.Response:
    body = {"errors": [{"message": "sorry", "extensions": {"code": code, "errorId": "e1"}}]}
    return web.json_response(body, status=status)


async def test_a_passing_error_is_retried(recording_server: RecordingServer) -> None:
    faults = Faults(_error("UNAVAILABLE"), _error("TIMEOUT"), web.Response(status=502))
    recording_server.fault = faults
    transport = Transport(recording_server.url, "key")

    info = await server_info.get(transport)
    await transport.close()

    assert info.version == "1"
    assert faults.asked == 4


async def test_a_server_that_stays_away_is_given_up_at_the_deadline(
    recording_server: RecordingServer,
) -> None:
    recording_server.is_away = True
    transport = Transport(recording_server.url, "key", deadline_seconds=0.2)

    with pytest.raises(ServerUnavailableError):
        await server_info.get(transport)
    await transport.close()


@pytest.mark.parametrize(("patience", "least", "most"), [(0.3, 1.0, 3.0), (2.0, 2.0, 4.0)])
async def test_a_server_that_accepts_and_never_answers_is_away_at_the_deadline(
    patience: float, least: float, most: float
) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        transport = Transport(f"http://127.0.0.1:{listening.getsockname()[1]}", "key")
        began = time.monotonic()

        with pytest.raises(ServerUnavailableError, match="gave no answer within") as caught:
            await server_info.get(transport, deadline_seconds=patience)
        took = time.monotonic() - began
        await transport.close()

    assert least <= took < most
    assert f"{max(patience, 1.0):.3g} s" in str(caught.value)


async def test_text_without_utf_8_form_is_refused_with_its_place() -> None:
    transport = Transport("http://127.0.0.1:9", "key")
    given = {"input": {"parameterSchema": {"properties": {"x": {"default": "a\ud800"}}}}}

    with pytest.raises(InvalidInputError, match=r"^input.parameterSchema.properties.x.default "):
        await transport.execute("query A { a }", given, operation="A")
    await transport.close()


async def test_a_socket_that_nobody_answers_is_an_absent_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("headgate.api.socket.HANDSHAKE_SECONDS", 0.2)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        transport = Transport(f"http://127.0.0.1:{listening.getsockname()[1]}", "key")

        with pytest.raises(ServerUnavailableError, match="TimeoutError"):
            await anext(transport.subscribe("subscription S { s }", {}, operation="S"))
        await transport.close()


async def test_points_are_waited_for_beyond_a_short_patience(
    recording_server: RecordingServer,
) -> None:
    slow = web.Response(status=429, headers={"Retry-After": "1"}, text="slow down")
    recording_server.fault = Faults(slow)
    transport = Transport(recording_server.url, "key", deadline_seconds=0.5)

    info = await server_info.get(transport)
    await transport.close()

    assert info.version == "1"


async def test_the_server_s_wish_to_wait_is_told(recording_server: RecordingServer) -> None:
    recording_server.fault = Faults(
        web.Response(status=429, headers={"Retry-After": "7"}, text="slow down")
    )
    transport = Transport(recording_server.url, "key", deadline_seconds=0)

    with pytest.raises(RateLimitedError) as caught:
        await server_info.get(transport)
    await transport.close()

    assert caught.value.retry_after_seconds == 7


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (_error("INTERNAL"), ServerFaultError),
        (_error("BAD_REQUEST", status=400), BadRequestError),
        (_error("ADDRESS_NOT_ALLOWED", status=403), ForbiddenError),
        (web.Response(status=400, text="what?"), BadRequestError),
        (web.Response(status=401, text="who?"), UnauthenticatedError),
    ],
)
async def test_a_final_error_is_not_retried(
    recording_server: RecordingServer, answer: web.Response, kind: type[Exception]
) -> None:
    faults = Faults(answer)
    recording_server.fault = faults
    transport = Transport(recording_server.url, "key")

    with pytest.raises(kind):
        await server_info.get(transport)
    await transport.close()

    assert faults.asked == 1


async def test_a_wrong_key_is_told_apart(recording_server: RecordingServer) -> None:
    transport = Transport(recording_server.url, "wrong")

    with pytest.raises(UnauthenticatedError, match="Bad token"):
        await server_info.get(transport)
    await transport.close()


async def test_a_masked_fault_shows_its_error_id(recording_server: RecordingServer) -> None:
    recording_server.fault = Faults(_error("INTERNAL"))
    transport = Transport(recording_server.url, "key")

    with pytest.raises(ServerFaultError, match=r"sorry \(error id e1\)"):
        await server_info.get(transport)
    await transport.close()


async def test_a_payload_s_error_becomes_its_exception(recording_server: RecordingServer) -> None:
    run = recording_server.add_run()
    run.is_lost = True
    transport = Transport(recording_server.url, run.token)
    columns = ("timestamp", "level", "logger", "message", "taskRunId")
    batch: dict[str, list[Any]] = {column: [None] for column in columns}

    with pytest.raises(LeaseLostError, match="Another attempt"):
        await logs.append(transport, flow_run_id=run.id, stream_id="s", offset=0, batch=batch)
    await transport.close()


async def test_tokens_share_connections(recording_server: RecordingServer) -> None:
    transport = Transport(recording_server.url, "one")
    other = transport.with_token("two")

    await server_info.get(transport)
    await server_info.get(other)
    await transport.close()

    assert [call.token for call in recording_server.calls] == ["one", "two"]


async def test_a_subscription_names_the_protocol_and_brings_its_messages(
    recording_server: RecordingServer,
) -> None:
    heartbeat = {"agentWork": {"__typename": "StreamHeartbeat", "serverTime": INSTANT}}
    recording_server.subscriptions.append([heartbeat, heartbeat])
    transport = Transport(recording_server.url, "session")

    messages = [message async for message in agents.work_stream(transport, session_id="s", held=[])]

    assert [type(message) for message in messages] == [StreamHeartbeat, StreamHeartbeat]
    assert recording_server.sockets == [
        {"protocol": "graphql-transport-ws", "authorization": "Bearer session"}
    ]


async def test_a_subscription_with_a_wrong_key_is_refused(
    recording_server: RecordingServer,
) -> None:
    transport = Transport(recording_server.url, "wrong")

    with pytest.raises(UnauthenticatedError):
        await anext(agents.work_stream(transport, session_id="s", held=[]))


async def test_a_subscription_to_nobody_is_a_passing_error() -> None:
    transport = Transport("http://127.0.0.1:9", "key")

    with pytest.raises(ServerUnavailableError):
        await anext(logs.tail(transport, flow_run_id="run_1"))


def test_the_facade_blocks_until_the_answer(recording_server: RecordingServer) -> None:
    transport = SyncTransport(recording_server.url, "key")

    info = transport.call(server_info.get)
    transport.close()

    assert info.min_sdk_version == "0.1.0"


def test_the_facade_iterates_over_a_subscription(recording_server: RecordingServer) -> None:
    heartbeat = {"agentWork": {"__typename": "StreamHeartbeat", "serverTime": INSTANT}}
    recording_server.subscriptions.append([heartbeat])
    transport = SyncTransport(recording_server.url, "key")

    messages = list(transport.stream(agents.work_stream, session_id="s", held=[]))
    transport.close()

    assert len(messages) == 1


def _ask_in_child(url: str, pipe: "Connection[Any, Any]") -> None:
    transport = SyncTransport(url, "key")
    pipe.send(transport.call(server_info.get).version)
    # As a warm process does: what the parent's threads hold is not cleaned up here.
    os._exit(0)


def test_the_facade_works_in_a_forked_child(recording_server: RecordingServer) -> None:
    transport = SyncTransport(recording_server.url, "key")
    transport.call(server_info.get)
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()

    child = context.Process(target=_ask_in_child, args=(recording_server.url, theirs))
    child.start()
    has_answer = ours.poll(20)
    child.join()
    transport.close()

    assert has_answer
    assert ours.recv() == "1"


def test_the_background_loop_is_one_per_process() -> None:
    assert background_loop() is background_loop()


def test_jitter_is_full_and_capped() -> None:
    delays = [retry_delay_seconds(30) for _ in range(500)]

    assert min(delays) < 2
    assert 6 < max(delays) <= 8


async def test_a_lease_travels_as_the_api_wants_it(recording_server: RecordingServer) -> None:
    run = recording_server.add_run()
    transport = Transport(recording_server.url, run.token)
    lease = LeaseInput(run.id, run.lease_token, 4)

    await change(transport, "flow_runs", "RunRenew", input={"lease": lease.as_variables()})
    await transport.close()

    assert recording_server.calls[0].variables["input"]["lease"] == {
        "runId": run.id,
        "leaseToken": run.lease_token,
        "epoch": 4,
    }


SCRIPT = """
import sys
from headgate.api import server_info
from headgate.api.transport import SyncTransport
for _ in range(2):
    transport = SyncTransport(sys.argv[1], "key")
    print(transport.call(server_info.get).version)
"""


def test_a_script_that_closes_nothing_ends_without_complaint(
    recording_server: RecordingServer,
) -> None:
    command = [sys.executable, "-X", "dev", "-c", SCRIPT, recording_server.url]

    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)

    assert result.stdout == "1\n1\n"
    assert "Unclosed" not in result.stderr


async def test_server_that_is_away_is_not_taken_for_one_that_refuses_the_key() -> None:
    address = "http://127.0.0.1:44031/graphql"  # a port that holds the code of a refused key
    with pytest.raises(ServerUnavailableError):
        async for _ in subscribe(address, token="k", text=QUERY, variables={}, operation="Q"):
            pass
