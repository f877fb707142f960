"""What the server refuses for good: kept beside, and told in the log of the run."""

import logging
from pathlib import Path

import pytest
from aiohttp import web

from headgate import flow, get_run_logger, task
from headgate.artifacts import create_markdown_artifact
from headgate.events import emit_event
from tests.client.recording_server import RecordingServer


@task
def double(x: int) -> int:
    return x * 2


def test_a_batch_that_the_server_will_never_take_is_set_aside(
    server: RecordingServer, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(operation: str) -> web.Response | None:
        if operation != "LogsAppend":
            return None
        error = {"message": "What is this?", "extensions": {"code": "BAD_REQUEST"}}
        return web.json_response({"errors": [error]}, status=400)

    server.fault = refuse

    @flow
    def work() -> None:
        get_run_logger().info("hello")
        double(1)

    work()

    run = server.only_run()
    (rejected,) = (home / "spool" / run.id).glob("*.rejected")
    assert "hello" in rejected.read_text()
    assert run.states[-1] == ("COMPLETED", "Completed")
    assert len(run.tasks) == 1
    assert "The server will not take 1 log lines: What is this?" in caplog.text


def test_what_the_server_will_never_take_is_told_in_the_run_s_log(server: RecordingServer) -> None:
    def refuse(operation: str) -> web.Response | None:
        if operation != "ArtifactCreate":
            return None
        error = {"message": "What is this?", "extensions": {"code": "BAD_REQUEST"}}
        return web.json_response({"errors": [error]}, status=400)

    server.fault = refuse

    @flow
    def work() -> None:
        for number in range(25):
            create_markdown_artifact("# Hi", key=f"report-{number}")

    work()

    run = server.only_run()
    told = [message for level, message in run.logs if level == 40]
    assert len(told) == 21
    assert told[0] == "The server will not take the markdown artifact 'report-0': What is this?"
    assert told[-1] == "The server did not take 5 more reports of this run."
    assert run.states[-1] == ("COMPLETED", "Completed")


def test_events_that_the_server_refuses_one_by_one_are_all_counted(
    server: RecordingServer,
) -> None:
    def refuse(operation: str) -> web.Response | None:
        if operation != "EventsEmit":
            return None
        one = {"id": "it", "code": "INVALID_INPUT", "message": "No"}
        payload = {"accepted": 0, "rejected": [one] * 30, "errors": []}
        return web.json_response({"data": {"eventsEmit": payload}})

    server.fault = refuse

    @flow
    def work() -> None:
        emit_event("it.happened", {"id": "it"})

    work()

    told = [message for level, message in server.only_run().logs if level == 40]
    assert told[:20] == ["The server did not take event it: No (INVALID_INPUT)"] * 20
    assert told[20:] == ["The server did not take 10 more reports of this run."]


@pytest.fixture(autouse=True)
def _log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="headgate")
