"""Flows that a server hears of: begin, gate, states, tasks, logs, order, retries, subflows."""

import asyncio
import threading
from typing import Any

import pytest

from headgate import flow, get_run_logger, tags, task
from headgate.errors import ServerUnavailableError, UnauthenticatedError
from headgate.states import StateType
from tests.client.recording_server import RecordedRun, RecordingServer


@task(tags=["t"])
def double(x: int) -> int:
    return x * 2


@task
def fail() -> None:
    raise ValueError("no")


def _names(row: dict[str, Any]) -> list[str]:
    return [state[1] for state in row["states"]]


def test_a_run_is_begun_passes_the_gate_and_ends(server: RecordingServer) -> None:
    @flow(flow_run_name="named")
    def work(x: int) -> int:
        return x

    with tags("b", "a"):
        assert work(3) == 3

    run = server.only_run()
    assert run.states == [
        ("PENDING", "Pending"),
        ("RUNNING", "Running"),
        ("COMPLETED", "Completed"),
    ]
    assert run.input["flowName"] == "work"
    assert run.input["name"] == "named"
    assert run.input["parameters"] == {"x": 3}
    assert run.input["tags"] == ["a", "b"]
    assert run.input["workspaceId"] == "ws_1"


def test_the_key_begins_and_the_run_s_token_does_the_rest(server: RecordingServer) -> None:
    @flow
    def work() -> None:
        double(1)
        get_run_logger().info("hello")

    work()

    run = server.only_run()
    tokens = {call.operation: call.token for call in server.calls}
    assert tokens == {
        "Workspace": "key",
        "FlowRunBegin": "key",
        "FlowRunSetState": run.token,
        "ConcurrencyAcquire": run.token,
        "TaskRunSync": run.token,
        "LogsAppend": run.token,
    }


def test_a_task_s_states_travel_as_one_record(server: RecordingServer) -> None:
    @flow
    def work() -> None:
        double.map([5, 6])

    work()

    rows = list(server.only_run().tasks.values())
    assert [row["mapIndex"] for row in rows] == [0, 1]
    assert [row["taskKey"] for row in rows] == ["double", "double"]
    assert [row["tags"] for row in rows] == [["t"], ["t"]]
    assert [_names(row) for row in rows] == [["Pending", "Running", "Completed"]] * 2
    assert [row["attempt"] for row in rows] == [1, 1]


def test_upstream_tasks_are_named_as_parents(server: RecordingServer) -> None:
    @flow
    def work() -> None:
        first: Any = double.submit(1)
        double.submit(first).wait()

    work()

    first, second = server.only_run().tasks.values()
    assert first["parents"] == []
    assert second["parents"] == [first["id"]]


def test_a_failed_task_tells_why(server: RecordingServer) -> None:
    @flow
    def work() -> None:
        fail(return_state=True)

    work()

    (row,) = server.only_run().tasks.values()
    type_, name, _, message = row["states"][-1]
    assert (type_, name) == ("FAILED", "Failed")
    assert message.startswith("ValueError: no\nTraceback")
    assert "headgate/engine" not in message


def test_a_failed_run_tells_its_error(server: RecordingServer) -> None:
    @flow
    def work() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        work()

    run = server.only_run()
    error = run.details[-1]["error"]
    assert run.states[-1] == ("FAILED", "Failed")
    assert (error["type"], error["message"]) == ("ValueError", "no")
    assert error["traceback"].rstrip().endswith("ValueError: no")


def test_logs_arrive_in_order_with_their_levels(server: RecordingServer) -> None:
    @flow
    def work() -> None:
        logger = get_run_logger()
        for number in range(2500):
            logger.info("line %d", number)
        logger.error("end")

    work()

    lines = [line for line in server.only_run().logs if line[1].startswith(("line", "end"))]
    assert lines == [(20, f"line {number}") for number in range(2500)] + [(40, "end")]


def test_a_long_line_is_cut_and_says_so(server: RecordingServer) -> None:
    @flow
    def work() -> None:
        get_run_logger().info("x" * 100_000)

    work()

    (line,) = [message for _, message in server.only_run().logs if message.startswith("x")]
    assert len(line) == 64_000
    assert line.endswith("… (cut at 64,000 characters)")


def test_the_final_state_comes_after_everything_before_it(server: RecordingServer) -> None:
    @flow
    def work() -> None:
        double.map(list(range(2500)))
        get_run_logger().info("last line")

    work()

    run = server.only_run()
    assert run.tasks_at_end == 2500
    assert run.logs_at_end == len(run.logs)
    assert [_names(row)[-1] for row in run.tasks.values()] == ["Completed"] * 2500
    assert server.operations()[-1] == "FlowRunSetState"


def test_what_a_hook_logs_comes_before_the_final_state(server: RecordingServer) -> None:
    def hook(*_: object) -> None:
        get_run_logger().info("from the hook")

    @flow(on_completion=[hook])
    def work() -> None:
        """Do nothing."""

    work()

    run = server.only_run()
    assert (20, "from the hook") in run.logs
    assert run.logs_at_end == len(run.logs)


def test_user_code_does_not_start_when_the_gate_is_shut(server: RecordingServer) -> None:
    ran: list[int] = []

    @flow
    def work() -> None:
        ran.append(1)

    def cancel_at_once(operation: str) -> None:
        if operation == "FlowRunSetState":
            server.only_run().states.append(("CANCELLED", "Cancelled"))

    server.fault = cancel_at_once
    state = work(return_state=True)

    assert ran == []
    assert state.type is StateType.CANCELLED
    assert server.operations().count("FlowRunSetState") == 1


def test_user_code_does_not_start_without_the_server_where_it_is_required(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_REQUEST_DEADLINE_SECONDS", "0.1")
    monkeypatch.setenv("HEADGATE_REQUIRE_SERVER", "true")
    server.is_away = True
    ran: list[int] = []

    @flow
    def work() -> None:
        ran.append(1)

    with pytest.raises(ServerUnavailableError):
        work()
    assert ran == []


def test_a_wrong_key_stops_the_flow_before_it_starts(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_API_KEY", "wrong")

    @flow
    def work() -> None:
        """Do nothing."""

    with pytest.raises(UnauthenticatedError):
        work()
    assert server.runs == {}


def test_a_retried_flow_waits_under_its_lease(server: RecordingServer) -> None:
    calls: list[int] = []

    @flow(retries=2, retry_delay_seconds=0.01)
    def work() -> int:
        calls.append(1)
        if len(calls) < 3:
            raise ValueError("no")
        return len(calls)

    assert work() == 3

    assert [name for _, name in server.only_run().states] == [
        "Pending",
        "Running",
        "AwaitingRetry",
        "Retrying",
        "AwaitingRetry",
        "Retrying",
        "Completed",
    ]
    assert server.only_run().details[1]["retry"] == {"limit": 2, "delaySeconds": 0.01}


def test_an_async_flow_reports_too(server: RecordingServer) -> None:
    @task
    async def step(x: int) -> int:
        await asyncio.sleep(0)
        return x

    @flow
    async def work() -> list[int]:
        return await asyncio.gather(*[step(x) for x in range(20)])

    assert asyncio.run(work()) == list(range(20))

    run = server.only_run()
    assert run.states[-1] == ("COMPLETED", "Completed")
    assert run.tasks_at_end == 20


def _child_and_parent(server: RecordingServer) -> tuple[RecordedRun, RecordedRun]:
    parent, child = server.runs.values()
    return child, parent


def test_a_subflow_is_a_run_of_its_own_with_a_wrapper_in_its_parent(
    server: RecordingServer,
) -> None:
    @flow
    def inner() -> int:
        return double(1)

    @flow
    def outer() -> int:
        return inner()

    assert outer() == 2

    child, parent = _child_and_parent(server)
    (wrapper,) = parent.tasks.values()
    assert child.input["parentTaskRunId"] == wrapper["id"]
    assert child.states[-1] == parent.states[-1] == ("COMPLETED", "Completed")
    assert _names(wrapper) == ["Pending", "Running", "Completed"]
    assert len(child.tasks) == 1
    begins = [call.token for call in server.calls if call.operation == "FlowRunBegin"]
    assert begins == ["key", parent.token]


def test_the_server_hears_of_the_wrapper_before_the_subflow_begins(
    server: RecordingServer,
) -> None:
    @flow
    def inner() -> None:
        """Do nothing."""

    @flow
    def outer() -> None:
        inner()

    outer()

    operations = server.operations()
    second_begin = len(operations) - 1 - operations[::-1].index("FlowRunBegin")
    assert "TaskRunSync" in operations[:second_begin]


def test_a_failed_subflow_fails_its_wrapper(server: RecordingServer) -> None:
    @flow
    def inner() -> None:
        raise ValueError("no")

    @flow
    def outer() -> None:
        inner(return_state=True)

    outer()

    child, parent = _child_and_parent(server)
    (wrapper,) = parent.tasks.values()
    assert child.states[-1] == ("FAILED", "Failed")
    assert parent.states[-1] == ("COMPLETED", "Completed")
    assert _names(wrapper)[-1] == "Failed"


def test_states_of_a_running_task_are_sent_while_it_runs(server: RecordingServer) -> None:
    gate = threading.Event()
    seen: list[str] = []

    @task
    def hold() -> None:
        gate.wait(10)

    def watch(operation: str) -> None:
        if operation == "TaskRunSync":
            gate.set()

    @flow
    def work() -> None:
        server.fault = watch
        hold()
        seen.append("done")

    work()

    sync = next(call for call in server.calls if call.operation == "TaskRunSync")
    first = sync.variables["input"]["batch"]["states"][0]
    assert [state[1] for state in first] == ["Pending", "Running"]
    assert seen == ["done"]


def test_what_threads_report_is_complete(server: RecordingServer) -> None:
    @task
    def chatty(x: int) -> None:
        get_run_logger().info("from %d", x)

    @flow
    def work() -> None:
        chatty.map(list(range(300)))

    work()

    run = server.only_run()
    assert {line for _, line in run.logs if line[:4] == "from"} == {f"from {x}" for x in range(300)}
    assert len(run.tasks) == 300
