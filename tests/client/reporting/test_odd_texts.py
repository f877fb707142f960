"""Names, tags, keys and numbers that nobody else can read, or that never end: no report is lost."""

import logging
import os
import shutil
from collections import deque
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from headgate import flow, get_run_logger, tags, task
from headgate.api.begun_runs import begin
from headgate.api.transport import SyncTransport
from headgate.engine import limited_tags
from headgate.errors import InvalidInputError
from headgate.logs import get_logger
from headgate.reporting import delivery
from headgate.reporting.batches import take_logs
from headgate.reporting.records import LogRow
from headgate.states import Completed, Failed, State, StateType
from tests.client.recording_server import RecordedRun, RecordingServer
from tests.fixtures.deadlines import eventually_sync

SURROGATE = "\ud800"
ODD = f"a\0b{SURROGATE}c"
"""What neither JSON nor the server's database can hold."""


@task
def double(x: int) -> int:
    return x * 2


def _row(run: RecordedRun) -> dict[str, Any]:
    (row,) = run.tasks.values()
    return row


def _messages(run: RecordedRun) -> list[str]:
    return [message for _, message in run.logs]


def test_a_file_name_that_is_no_text_may_name_a_run(server: RecordingServer) -> None:
    @task(task_run_name="load {path}")
    def load(path: str) -> int:
        return len(path)

    @flow(flow_run_name="all of {path}")
    def work(path: str) -> int:
        return load(path) + load.submit(path).result()

    assert work(os.fsdecode(b"caf\xe9.csv")) == 16

    run = server.only_run()
    assert run.states[-1] == ("COMPLETED", "Completed")
    assert run.input["name"] == "all of caf?.csv"
    assert run.input["parameters"] == {"path": "caf?.csv"}
    assert [row["name"] for row in run.tasks.values()] == ["load caf?.csv"] * 2


def test_every_text_of_a_run_may_be_odd(server: RecordingServer) -> None:
    def odd() -> State[Any]:
        get_logger(ODD).warning(ODD)
        state = Completed(name=ODD, message=ODD)
        state.details = {ODD: [ODD, {"n": 2**70, "path": Path(ODD)}]}
        return state

    odd.__qualname__ = odd.__name__ = ODD

    @flow(name=ODD)
    def work(x: Any, **more: Any) -> State[Any]:
        return task(tags=[ODD])(odd)(return_state=True)

    with tags(SURROGATE, "b\nc", ""):
        work({ODD: [ODD, 2**70]}, **{ODD: 1}, return_state=True)
    (asked,) = [call for call in server.calls if call.operation == "ConcurrencyAcquire"]

    run = server.only_run()
    row = _row(run)
    text = "a\ufffdb?c"
    assert run.input["flowName"] == text
    assert run.input["tags"] == ["?", "b c"]
    assert run.input["parameters"] == {"x": {text: [text, str(2**70)]}, "more": {text: 1}}
    assert (row["name"][:-4], row["taskKey"]) == (text, text)
    assert row["tags"] == asked.variables["input"]["taskTags"] == ["?", text, "b c"]
    assert row["states"][-1][1::2] == [text, text]
    assert text in _messages(run)
    assert run.states[-1] == ("COMPLETED", text)
    assert run.details[-1] == {text: [text, {"n": str(2**70), "path": text}]}


def test_a_subflow_inside_odd_tags_does_not_wait_for_a_report(server: RecordingServer) -> None:
    @flow
    def sub() -> int:
        return 1

    @flow
    def work() -> int:
        with tags(SURROGATE):
            return sub()

    assert work() == 1

    assert [run.type for run in server.runs.values()] == ["COMPLETED", "COMPLETED"]


def test_what_goes_to_disk_may_be_odd(
    server: RecordingServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limited_tags, "PATIENCE_SECONDS", 0.0)

    @flow
    def work() -> None:
        server.is_away = True
        with tags(SURROGATE):
            double.with_options(task_run_name=ODD)(1)
        eventually_sync(lambda: list((home / "spool").glob("*/*.jsonl")), what="a spool file")
        server.is_away = False

    work()

    run = server.only_run()
    assert (_row(run)["name"], run.type) == ("a\ufffdb?c", "COMPLETED")


def test_what_is_too_long_is_cut(server: RecordingServer) -> None:
    def long() -> State[Any]:
        get_logger("x" * 500).info("line")
        return Failed(name="s" * 500, message="m" * 20_000)

    long.__qualname__ = "k" * 500
    many = [f"{number:03}" + "t" * 200 for number in range(80)]

    @flow(flow_run_name="f" * 500)
    def work() -> State[Any]:
        return task(task_run_name="n" * 500, tags=many)(long)(return_state=True)

    with tags(*many):
        work(return_state=True)

    run = server.only_run()
    row = _row(run)
    loggers = [
        name
        for call in server.calls
        if call.operation == "LogsAppend"
        for name in call.variables["input"]["batch"]["logger"]
    ]
    assert run.input["name"] == "f" * 199 + "…"
    assert run.input["tags"] == row["tags"] == [f"{n:03}" + "t" * 96 + "…" for n in range(50)]
    assert row["name"] == "n" * 299 + "…"
    assert row["taskKey"] == "k" * 299 + "…"
    assert row["states"][-1][1] == "s" * 99 + "…"
    assert len(row["states"][-1][3]) == 8_000
    assert run.states[-1] == ("FAILED", "s" * 99 + "…")
    assert "headgate." + "x" * 190 + "…" in loggers


def test_a_flow_s_name_that_is_too_long_is_refused_where_it_is_declared() -> None:
    with pytest.raises(ValueError, match="at most 200 characters, not 201"):

        @flow(name="x" * 201)
        def work() -> None:
            """Do nothing."""


def test_a_name_that_is_empty_is_made_up(server: RecordingServer) -> None:
    @flow(flow_run_name="{name}")
    def work(name: str) -> None:
        double.with_options(task_run_name="{x}", name="")(1)
        double.with_options(task_run_name=lambda: "")(1)

    work("")

    run = server.only_run()
    assert "-" in run.input["name"]
    assert [bool(row["name"]) for row in run.tasks.values()] == [True, True]


def test_a_level_is_told_within_bounds(server: RecordingServer) -> None:
    @flow
    def work() -> None:
        get_run_logger().log(2**40, "huge")

    work()

    rows: deque[LogRow] = deque([(0, level, "mine", "line", None) for level in (-5, 25, 2**31)])
    batch = take_logs(rows, stream_id="s", offset=0)
    assert (2**31 - 1, "huge") in server.only_run().logs
    assert batch is not None
    assert batch.columns["level"] == [0, 25, 2**31 - 1]


def test_a_state_that_the_server_cannot_read_is_told_in_plain_words(
    server: RecordingServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.refused_state_names.add("Late")

    @flow
    def work() -> State[Any]:
        return Failed(name="Late", message="as I say")

    state = work(return_state=True)

    run = server.only_run()
    assert run.states[-1] == ("FAILED", "Failed")
    assert (state.type, state.message) == (StateType.FAILED, None)
    assert "The server does not take the state Late as it is" in caplog.text


def test_a_final_state_that_the_server_refuses_is_no_failure_of_the_flow(
    server: RecordingServer, caplog: pytest.LogCaptureFixture
) -> None:
    @flow
    def work() -> int:
        server.fault = lambda operation: _bad_request() if "SetState" in operation else None
        return 3

    assert work() == 3

    assert "did not take the final state Completed: What is this?" in caplog.text
    assert "away" not in caplog.text


def _bad_request() -> web.Response:
    error = {"message": "What is this?", "extensions": {"code": "BAD_REQUEST"}}
    return web.json_response({"errors": [error]}, status=400)


def test_reports_that_vanish_from_the_disk_cost_only_themselves(
    server: RecordingServer, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    @flow
    def work() -> None:
        server.is_away = True
        double(1)
        eventually_sync(lambda: list((home / "spool").glob("*/*.jsonl")), what="a spool file")
        shutil.rmtree(home / "spool")
        server.is_away = False
        eventually_sync(lambda: "cannot be read" in caplog.text, what="the loss")
        double(2)

    work()

    run = server.only_run()
    assert run.type == "COMPLETED"
    assert len(run.tasks) == 1


def test_a_disk_that_takes_nothing_costs_no_report(
    server: RecordingServer, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home.mkdir()
    (home / "spool").write_text("not a folder")

    @flow
    def work() -> None:
        server.is_away = True
        double(1)
        eventually_sync(lambda: "they wait in memory" in caplog.text, what="a word")
        server.is_away = False
        double(2)

    work()

    run = server.only_run()
    assert run.type == "COMPLETED"
    assert len(run.tasks) == 2


def test_a_call_that_cannot_be_encoded_is_no_outage(server: RecordingServer) -> None:
    transport = SyncTransport(server.url, "key")

    with pytest.raises(InvalidInputError, match="cannot be sent as JSON"):
        transport.call(begin, workspace_id="ws_1", flow_name=SURROGATE, client_id="c")


@pytest.fixture(autouse=True)
def _log_everything(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "BLIP_SECONDS", 0.1)
    caplog.set_level(logging.DEBUG, logger="headgate")
