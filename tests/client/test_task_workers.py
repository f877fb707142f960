"""A task worker whose server is away for a moment, or lets it serve no more."""

import asyncio
import os
import signal
import threading
from typing import Any

import pytest
from aiohttp import web

from headgate import task
from headgate.background_tasks import worker
from headgate.background_tasks.worker import TaskWorker
from headgate.errors import UnauthenticatedError
from headgate.ids import make_id
from headgate.settings import load_settings
from tests.client.recording_server import RecordingServer

DONE: dict[str, Any] = {"task": None, "errors": []}
runs = threading.Event()
"""That the code of ``endless`` runs."""


@task
def quick() -> int:
    return 7


@task
def endless() -> None:
    runs.set()
    try:
        for _ in range(1_000):
            threading.Event().wait(0.01)
    finally:
        runs.clear()


def serve(server: RecordingServer, served: Any) -> None:
    """Offer one call to a worker in this process, and serve until it ends."""
    call = {"id": make_id("btask"), "taskKey": served.spec.key, "name": "call-1", "epoch": 1}
    call |= {"stateType": "SCHEDULED", "stateName": "Scheduled", "message": None}
    call |= {"parameters": {"value": {}}, "result": None}
    offer = {"task": call, "leaseToken": make_id("lease"), "epoch": 1}
    work = {"offers": [offer], "heartbeatInterval": "PT15S"}
    server.subscriptions = [[{"backgroundTaskWork": work}], *([] for _ in range(100))]
    asyncio.run(TaskWorker(served, settings=load_settings()).run())


def test_a_start_is_told_until_the_server_answers(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_REQUEST_DEADLINE_SECONDS", "0")
    told: list[str] = []

    def answer(operation: str) -> web.Response | None:
        if operation not in {"BackgroundTaskStart", "BackgroundTaskFinish"}:
            return None
        told.append(operation)
        if operation == "BackgroundTaskStart" and len(told) < 3:
            return web.Response(status=503)
        if operation == "BackgroundTaskFinish":
            os.kill(os.getpid(), signal.SIGTERM)
        field = operation[0].lower() + operation[1:]
        return web.json_response({"data": {field: DONE}})

    server.fault = answer
    serve(server, quick)

    assert told == ["BackgroundTaskStart"] * 3 + ["BackgroundTaskFinish"]


def test_a_worker_that_may_serve_no_more_stops_what_it_runs(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "STRIKE_SECONDS", 30.0)

    def answer(operation: str) -> web.Response | None:
        if operation == "BackgroundTaskStart":
            server.refuses_sockets = True
            return web.json_response({"data": {"backgroundTaskStart": DONE}})
        return web.Response(status=401) if operation == "BackgroundTaskFinish" else None

    server.fault = answer

    with pytest.raises(UnauthenticatedError):
        serve(server, endless)

    assert not runs.is_set()
