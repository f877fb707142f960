"""The server away, slow or of another mind: nothing is lost, user code goes on."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from headgate import flow, get_run_logger, pause_flow_run, suspend_flow_run, task
from headgate.engine import limited_tags
from headgate.errors import CancelledRun
from headgate.reporting import server_run
from headgate.reporting.leftovers import replay_leftovers
from headgate.states import StateType
from tests.client.recording_server import RecordingServer
from tests.fixtures.deadlines import eventually_sync

Json = dict[str, Any]


@task
def double(x: int) -> int:
    return x * 2


def _spooled(home: Path) -> list[Path]:
    return list((home / "spool").glob("*/*.jsonl"))


def test_an_outage_goes_to_disk_and_is_replayed(
    server: RecordingServer, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spooled: list[Path] = []

    @flow
    def work() -> int:
        server.is_away = True
        total = sum(double.map(list(range(1500))).result())
        get_run_logger().info("while away")
        spooled.extend(eventually_sync(lambda: _spooled(home), what="a spool file"))
        server.is_away = False
        get_run_logger().info("back")
        return total

    assert work() == 1500 * 1499

    run = server.only_run()
    assert len(run.tasks) == run.tasks_at_end == 1500
    assert {row["states"][-1][1] for row in run.tasks.values()} == {"Completed"}
    messages = [message for _, message in run.logs]
    assert messages.index("while away") < messages.index("back")
    assert len(messages) == len(set(messages))
    assert run.states[-1] == ("COMPLETED", "Completed")
    assert len(spooled) == 1
    assert _spooled(home) == []
    assert "its reports wait in" in caplog.text
    assert f"all reports of run {run.id} were delivered" in caplog.text


def test_tasks_whose_tags_have_no_known_limit_go_on_while_the_server_is_away(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(limited_tags, "PATIENCE_SECONDS", 0.1)

    @flow
    def work() -> int:
        server.is_away = True
        total = sum(double.with_options(tags=["t"])(x) for x in (1, 2))
        server.is_away = False
        return total

    assert work() == 6

    asked = [message for message in caplog.messages if "without asking for slots" in message]
    assert len(asked) == 1
    assert "tag t" in asked[0]
    assert server.only_run().type == "COMPLETED"


def test_a_task_whose_tag_has_a_limit_waits_until_the_server_is_back(
    server: RecordingServer,
) -> None:
    answer = {"acquired": True, "leaseId": None, "limitedTags": ["t"], "errors": []}
    limited = double.with_options(tags=["t"])

    def limit(operation: str) -> web.Response | None:
        is_asked = operation == "ConcurrencyAcquire"
        return web.json_response({"data": {"concurrencyAcquire": answer}}) if is_asked else None

    @flow
    def work() -> int:
        server.fault = limit
        limited(0)
        server.is_away = True
        waiting = limited.submit(1)
        eventually_sync(lambda: waiting.state.name == "AwaitingConcurrencySlot", what="the wait")
        server.is_away = False
        return waiting.result()

    assert work() == 2

    (_, row) = server.only_run().tasks.values()
    names = [state[1] for state in row["states"]]
    assert names == ["Pending", "AwaitingConcurrencySlot", "Running", "Completed"]


@pytest.mark.parametrize("stop", [pause_flow_run, suspend_flow_run])
def test_a_flow_asks_for_its_pause_until_the_server_is_back(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch, stop: Callable[[], None]
) -> None:
    monkeypatch.setenv("HEADGATE_REQUEST_DEADLINE_SECONDS", "0")
    approvers: Json = {"roles": [], "people": [], "teams": [], "fourEyes": False}
    pause: Json = {"runId": "run_1", "key": "1", "kind": "PAUSE", "status": "RESUMED"}
    pause |= {"createdAt": "2026-11-23T02:00:00Z", "approvers": approvers}
    answer: Json = {"data": {"flowRunPause": {"pause": pause, "errors": []}}}
    asked: list[str] = []

    def deploy(operation: str) -> web.Response | None:
        if operation != "FlowRunPause":
            return None
        asked.append(operation)
        return web.Response(status=503) if len(asked) < 3 else web.json_response(answer)

    @flow
    def work() -> str:
        server.fault = deploy
        stop()
        return "resumed"

    assert work() == "resumed"
    assert len(asked) == 3
    assert server.only_run().type == "COMPLETED"


def test_the_spool_is_readable_by_its_owner_only(server: RecordingServer, home: Path) -> None:
    modes: list[int] = []

    @flow
    def work() -> None:
        server.is_away = True
        double(1)
        (path,) = eventually_sync(lambda: _spooled(home), what="a spool file")
        modes.extend([path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777])
        server.is_away = False

    work()

    assert modes == [0o600, 0o700]


def test_an_answer_that_was_lost_does_not_double_what_it_acknowledged(
    server: RecordingServer,
) -> None:
    lost: list[str] = []

    def lose_first_answers(operation: str) -> web.Response | None:
        if operation in {"LogsAppend", "TaskRunSync"} and operation not in lost:
            lost.append(operation)
            server.drop_next_answer = True
        return None

    @flow
    def work() -> None:
        server.fault = lose_first_answers
        double(1)
        get_run_logger().info("once")

    work()

    run = server.only_run()
    assert sorted(lost) == ["LogsAppend", "TaskRunSync"]
    assert [message for _, message in run.logs].count("once") == 1
    assert len(run.tasks) == 1


def test_what_a_run_leaves_on_disk_is_delivered_once_the_server_is_back(
    server: RecordingServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_REPORT_PATIENCE_SECONDS", "0.2")

    @flow
    def work() -> int:
        server.is_away = True
        double(1)
        return 7

    assert work() == 7
    run = server.only_run()
    assert run.states[-1] == ("RUNNING", "Running")
    assert len(_spooled(home)) == 1

    server.is_away = False
    eventually_sync(lambda: not (home / "spool" / run.id).exists(), what="the delivery")

    assert run.states[-1] == ("COMPLETED", "Completed")
    assert len(run.tasks) == run.tasks_at_end == 1


async def test_a_spool_of_a_living_process_is_left_to_it(
    server: RecordingServer, home: Path
) -> None:
    ready, finish = threading.Event(), threading.Event()

    @flow
    def work() -> None:
        server.is_away = True
        double(1)
        eventually_sync(lambda: _spooled(home), what="a spool file")
        ready.set()
        finish.wait(10)
        server.is_away = False

    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(10)

    assert await replay_leftovers(home) == 0

    finish.set()
    thread.join()
    assert server.only_run().states[-1] == ("COMPLETED", "Completed")


def test_without_a_rate_a_full_queue_makes_the_flow_wait_instead_of_dropping(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_LOG_LINES_PER_SECOND", "0")
    monkeypatch.setattr(server_run, "QUEUE_LIMIT", 200)
    monkeypatch.setattr(server_run, "URGENT_DEPTH", 50)

    @flow
    def work() -> None:
        logger = get_run_logger()
        for number in range(5000):
            logger.info("line %d", number)

    work()

    lines = [message for _, message in server.only_run().logs if message.startswith("line")]
    assert lines == [f"line {number}" for number in range(5000)]
    sizes = [
        len(call.variables["input"]["batch"]["message"])
        for call in server.calls
        if call.operation == "LogsAppend"
    ]
    assert max(sizes) <= 201


def test_a_lost_lease_stops_reporting_and_says_so(
    server: RecordingServer, caplog: pytest.LogCaptureFixture
) -> None:
    @flow
    def work() -> int:
        double(1)
        server.only_run().is_lost = True
        get_run_logger().info("too late")
        return double(2)

    assert work() == 4

    assert server.only_run().states[-1] == ("RUNNING", "Running")
    assert "takes no more reports of this run: Another attempt owns the run" in caplog.text


def test_a_lost_verdict_stops_reporting_and_user_code(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HEADGATE_RENEW_INTERVAL_SECONDS", "0.02")

    @flow
    def work() -> None:
        server.only_run().is_lost = True
        eventually_sync(lambda: False, what="the strike")

    with pytest.raises(CancelledRun):
        work()

    assert "another attempt or a person took over the run" in caplog.text


def test_the_lease_is_renewed_while_the_flow_runs(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_RENEW_INTERVAL_SECONDS", "0.02")

    @flow
    def work() -> None:
        eventually_sync(lambda: server.operations().count("RunRenew") >= 3, what="renewals")

    work()

    renewals = server.operations().count("RunRenew")
    assert server.only_run().states[-1] == ("COMPLETED", "Completed")
    assert server.operations()[-1] == "FlowRunSetState" or renewals >= 3


def _hang() -> None:
    threading.Event().wait(20)


def _hang_in_a_task() -> None:
    task(_hang)()


def _hang_beside_a_task() -> None:
    task(_hang_awake).submit().result()


def _hang_awake() -> None:
    while True:
        threading.Event().wait(0.001)


@pytest.mark.parametrize("hang", [_hang, _hang_in_a_task, _hang_beside_a_task])
def test_a_cancel_request_stops_the_flow(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch, hang: Callable[[], None]
) -> None:
    monkeypatch.setenv("HEADGATE_RENEW_INTERVAL_SECONDS", "0.05")
    seen: list[StateType] = []

    def note(owner: object, run: object, state: object) -> None:
        seen.append(StateType.CANCELLED)

    @flow(on_cancellation=[note])
    def work() -> None:
        server.only_run().is_cancel_requested = True
        hang()

    with pytest.raises(CancelledRun):
        work()

    assert server.only_run().states[-1] == ("CANCELLED", "Cancelled")
    assert seen == [StateType.CANCELLED]


@pytest.fixture(autouse=True)
def _log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="headgate")
