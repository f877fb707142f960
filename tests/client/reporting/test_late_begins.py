"""Flows that begin while the server is away: they run, and are told of as it is back."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from headgate import flow, get_run_logger, task
from headgate.errors import ServerUnavailableError
from tests.client.recording_server import RecordingServer
from tests.client.reporting.recorded import (
    is_whole,
    names_of,
    owner_of_task,
    run_of,
    runs_of,
    spooled,
)


@pytest.fixture(autouse=True)
def _impatient(server: RecordingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert server.url
    monkeypatch.setenv("HEADGATE_REQUEST_DEADLINE_SECONDS", "0.1")


@task
def double(x: int) -> int:
    return 2 * x


@flow
def inner(x: int) -> int:
    get_run_logger().info("inside %d", x)
    return double(x)


def test_a_subflow_is_told_of_as_the_server_is_back(
    server: RecordingServer, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []

    @flow
    def outer() -> int:
        server.is_away = True
        found = inner(1)
        seen.extend(path.read_text().partition("\n")[0] for path in spooled(home))
        server.is_away = False
        return found

    assert outer() == 2

    child, parent = run_of(server, "inner"), run_of(server, "outer")
    assert len(server.runs) == 2
    assert names_of(child) == ["Pending", "Running", "Completed"]
    assert is_whole(child)
    assert is_whole(parent)
    assert [line for _, line in child.logs if line.startswith("inside")] == ["inside 1"]
    assert owner_of_task(server, child.input["parentTaskRunId"]) is parent
    assert spooled(home) == []
    assert any(child.id in header for header in seen)
    assert "Flow 'inner' begins while the server is away" in caplog.text
    assert f"all reports of run {child.id} were delivered" in caplog.text


def test_the_run_s_own_id_is_the_server_s(server: RecordingServer) -> None:
    seen: list[str] = []

    @flow
    def known() -> None:
        seen.append(server.only_run().id)

    known()

    assert seen == [server.only_run().id]
    assert seen == [server.only_run().input["id"]]


def test_subflows_two_deep_are_told_from_the_outside_in(server: RecordingServer) -> None:
    @flow
    def middle(x: int) -> int:
        return inner(x) + 1

    @flow
    def outer() -> int:
        server.is_away = True
        found = middle(1) + middle(2)
        server.is_away = False
        return found

    assert outer() == 8

    assert [len(runs_of(server, name)) for name in ("outer", "middle", "inner")] == [1, 2, 2]
    for name, above in (("inner", "middle"), ("middle", "outer")):
        for run in runs_of(server, name):
            assert is_whole(run), run
            parent = owner_of_task(server, run.input["parentTaskRunId"])
            assert parent.input["flowName"] == above
    assert server.operations()[-1] == "FlowRunSetState"
    assert is_whole(run_of(server, "outer"))


def test_many_subflows_at_once_are_told_once_each(server: RecordingServer) -> None:
    @flow
    async def part(x: int) -> int:
        await asyncio.sleep(0)
        return double(x)

    @task
    def through_a_task(x: int) -> int:
        return inner(x)

    @flow
    async def outer() -> list[int]:
        server.is_away = True
        mapped = through_a_task.map([4, 5])
        found = await asyncio.gather(*[part(x) for x in range(4)])
        found += [future.result() for future in mapped]
        server.is_away = False
        return found

    assert asyncio.run(outer()) == [0, 2, 4, 6, 8, 10]

    assert len(runs_of(server, "part")) == 4
    assert len(runs_of(server, "inner")) == 2
    assert all(is_whole(run) for run in server.runs.values())


def test_a_subflow_that_fails_is_retried_without_the_server(server: RecordingServer) -> None:
    calls: list[int] = []

    @flow(retries=2, retry_delay_seconds=0)
    def flaky() -> int:
        calls.append(1)
        if len(calls) < 2:
            raise ValueError("no")
        return len(calls)

    @flow
    def outer() -> int:
        server.is_away = True
        found = flaky()
        server.is_away = False
        return found

    assert outer() == 2

    names = ["Pending", "Running", "AwaitingRetry", "Retrying", "Completed"]
    assert names_of(run_of(server, "flaky")) == names


def test_a_subflow_that_began_in_time_ends_while_the_server_is_away(
    server: RecordingServer,
) -> None:
    @flow(retries=1, retry_delay_seconds=0)
    def part() -> None:
        if not server.is_away:
            server.is_away = True
            raise ValueError("no")

    @flow
    def outer() -> None:
        part()
        server.is_away = False

    outer()

    names = ["Pending", "Running", "AwaitingRetry", "Retrying", "Completed"]
    assert names_of(run_of(server, "part")) == names
    assert is_whole(run_of(server, "outer"))


def test_a_flow_does_not_end_before_what_is_part_of_it_has_begun(server: RecordingServer) -> None:
    def hide_inner(operation: str) -> web.Response | None:
        is_inner = operation == "FlowRunBegin" and len(server.runs) == 2
        tried.append(operation)
        if not is_inner or tried.count("FlowRunBegin") > 8:
            return None
        return web.Response(status=503)

    tried: list[str] = []

    @flow
    def middle() -> int:
        server.is_away = True
        found = inner(1)
        server.fault = hide_inner
        server.is_away = False
        return found

    @flow
    def outer() -> int:
        return middle()

    assert outer() == 2

    names = [run.input["flowName"] for run in server.runs.values()]
    assert names == ["outer", "middle", "inner"]
    assert all(is_whole(run) for run in server.runs.values())


def test_a_run_that_the_server_does_not_take_goes_on(
    server: RecordingServer, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(operation: str) -> web.Response | None:
        if operation != "FlowRunBegin" or len(server.runs) == 0:
            return None
        error = {"code": "FORBIDDEN", "message": "Not here"}
        return web.json_response({"data": {"flowRunBegin": {"errors": [error]}}})

    @flow
    def outer() -> int:
        server.fault = refuse
        server.is_away = True
        found = inner(1)
        server.is_away = False
        return found

    assert outer() == 2

    errors = [record.message for record in caplog.records if record.levelname == "ERROR"]
    (kept,) = spooled(home)
    assert kept.suffix == ".rejected"
    assert "inside 1" in kept.read_text()
    assert [line for line in errors if "does not take the run" in line] == errors
    assert "flow 'inner'" in errors[0]
    assert str(kept) in errors[0]
    assert len(errors) == 1
    assert is_whole(run_of(server, "outer"))


def test_where_the_server_is_required_a_subflow_does_not_begin_without_it(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_REQUIRE_SERVER", "true")
    ran: list[int] = []

    @flow
    def part() -> None:
        ran.append(1)

    @flow
    def outer() -> None:
        server.is_away = True
        try:
            part()
        finally:
            server.is_away = False

    with pytest.raises(ServerUnavailableError):
        outer()
    assert ran == []


def test_an_older_server_that_makes_the_ids_itself_is_understood(server: RecordingServer) -> None:
    def read(operation: str) -> web.Response | None:
        if operation != "FlowRunBegin" or refused:
            return None
        refused.append(operation)
        message = "Field 'id' is not defined by type 'FlowRunBeginInput'."
        return web.json_response({"errors": [{"message": message}]}, status=400)

    refused: list[str] = []
    server.fault = read

    assert inner(2) == 4

    run = server.only_run()
    assert "id" not in run.input
    assert is_whole(run)
