"""What ``run_deployment`` refuses before it asks, and what a server that is away makes of it."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from pydantic import BaseModel

from headgate import flow
from headgate.deployments import arun_deployment, run_deployment
from headgate.errors import ParameterError, ServerUnavailableError, SettingsError
from headgate.redaction import MASK, redactor
from headgate.reporting.tenure import BLIP_SECONDS
from headgate.states import StateType
from tests.client.recording_server import RecordingServer

SECRET = "correct-horse-of-runs"


class Order(BaseModel):
    """A parameter with a JSON form of its own."""

    number: int


def test_without_a_server_there_is_no_deployment() -> None:
    with pytest.raises(SettingsError):
        run_deployment("flow/deployment")


@pytest.mark.usefixtures("away")
def test_what_has_no_json_form_is_refused() -> None:
    with pytest.raises(ParameterError, match="'it' has no JSON form"):
        run_deployment("flow/deployment", parameters={"it": [object()]})


@pytest.mark.usefixtures("away")
@pytest.mark.parametrize("value", [SECRET, {"a": [f"x{SECRET}"]}, [{SECRET: 1}]])
def test_a_secret_is_not_passed_on(value: object) -> None:
    redactor.add(SECRET)

    with pytest.raises(ParameterError, match="'it' has a secret in it") as refused:
        run_deployment("flow/deployment", parameters={"it": value})

    assert SECRET not in str(refused.value)


@pytest.mark.usefixtures("away")
@pytest.mark.anyio
async def test_a_server_that_is_away_is_told() -> None:
    with pytest.raises(ServerUnavailableError):
        await arun_deployment("flow/deployment", parameters={"it": Order(number=3)})


def away_for_tasks() -> Callable[[str], web.Response | None]:
    """Return a fault: task runs are not taken for as long as a report is tried, from the first."""
    ends_at: list[float] = []

    def fault(operation: str) -> web.Response | None:
        if operation != "TaskRunSync":
            return None
        ends_at.append(time.monotonic() + BLIP_SECONDS)
        if time.monotonic() > ends_at[0]:
            return None
        wish = {"Retry-After": str(round(BLIP_SECONDS) + 1)}
        return web.Response(status=503, headers=wish)

    return fault


@flow
def starts() -> str:
    """Run another flow's deployment."""
    return run_deployment("flow/deployment").state.name


def test_a_server_that_is_away_for_a_moment_hears_of_the_parent_first(
    server: RecordingServer,
) -> None:
    server.fault = away_for_tasks()

    assert starts() == "Completed"

    (started,) = (call for call in server.calls if call.operation == "FlowRunStart")
    (task_run,) = server.only_run().tasks
    assert started.variables["input"]["parentTaskRunId"] == task_run


def test_a_run_that_was_started_tells_what_code_reads_off_one(server: RecordingServer) -> None:
    seen: list[Any] = []

    @flow
    def asks() -> None:
        run = run_deployment("flow/deployment", parameters={"x": 1}, tags=["mine"])
        seen.append((run.state_name, run.state_type, run.parameters, run.tags))
        seen.append((run.start_time, run.end_time, run.total_run_time >= timedelta()))
        seen.append((run.flow_id, run.run_count, run.expected_start_time == run.expected_start))
        seen.append(run.parent_task_run_id)

    asks()

    (task_run,) = server.only_run().tasks
    assert seen[0] == ("Completed", StateType.COMPLETED, {"x": 1}, ["mine"])
    assert seen[1][2] is True
    assert seen[2] == (None, None, True)
    assert seen[3] == task_run


def test_a_key_is_told_more_of_what_it_started(server: RecordingServer) -> None:
    run = run_deployment("dep_1", timeout=0)

    assert (run.flow_id, run.flow_name, run.parent_task_run_id) == ("flow_1", "flow", None)
    assert (run.parameters, run.tags, run.run_count) == ({}, [], 0)


@pytest.mark.parametrize("timeout", [None, 0])
def test_who_asks_for_a_run_that_is_coalesced_is_given_the_one_that_does_for_it(
    server: RecordingServer, timeout: float | None
) -> None:
    server.coalesced_into = "run_other"

    @flow
    def asks() -> list[Any]:
        given = {"x": 1}
        run = run_deployment("flow/deployment", parameters=given, tags=["mine"], timeout=timeout)
        return [run.id, run.state.name, run.parameters, run.tags]

    # With what the other was asked, a run's token does not see.
    assert asks() == ["run_other", "Completed", None, None]

    (task_run,) = server.only_run().tasks.values()
    assert "Completed" in repr(task_run)
    assert "Cancelled" not in repr(task_run)


@pytest.mark.parametrize("timeout", [None, 0])
def test_caller_with_a_key_is_given_the_run_that_does_for_its_own(
    server: RecordingServer, timeout: float | None
) -> None:
    server.coalesced_into = "run_other"

    run = run_deployment("dep_1", timeout=timeout, idempotency_key="once")

    assert (run.id, run.state.name) == ("run_other", "Completed")
    (created,) = (call for call in server.calls if call.operation == "FlowRunCreate")
    assert created.variables["input"]["idempotencyKey"] == "once"


def test_secrets_are_masked_in_the_name_and_tags_of_what_is_started(
    server: RecordingServer,
) -> None:
    redactor.add(SECRET)

    @flow
    def names() -> None:
        run_deployment("flow/deployment", flow_run_name=f"for {SECRET}", tags=[SECRET])

    names()

    (started,) = (call for call in server.calls if call.operation == "FlowRunStart")
    given = started.variables["input"]
    assert (given["name"], given["tags"]) == (f"for {MASK}", [MASK])


def test_a_server_that_stays_away_is_told_of_the_parent_again(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_REQUEST_DEADLINE_SECONDS", "2")
    server.fault = away_for_tasks()

    assert starts() == "Completed"

    operations = [name for name in server.operations() if name in {"FlowRunStart", "TaskRunSync"}]
    assert operations[0] == "FlowRunStart"
    assert operations.count("FlowRunStart") == 2
