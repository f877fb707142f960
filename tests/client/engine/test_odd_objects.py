"""User objects that cannot be shown: the run ends as its code did."""

from typing import Any

import pytest

from headgate import flow, get_run_logger, task
from headgate.errors import ParameterError, UpstreamTaskError
from headgate.states import Failed, State, StateType
from tests.client.recording_server import RecordingServer


class Speechless(Exception):
    """Has no text of either kind."""

    def __str__(self) -> str:
        message = "no text"
        raise RuntimeError(message)

    __repr__ = __str__


SHOWN = "Speechless: <Speechless, whose text raises RuntimeError>"


class Blank(Speechless):
    """As an argument, a default or a hook."""

    def __call__(self, *args: object) -> None:
        raise self


def test_an_exception_without_a_text_fails_the_run_by_its_type(server: RecordingServer) -> None:
    @task(retries=1)
    def fail() -> None:
        raise Speechless

    @flow
    def work() -> None:
        assert fail(return_state=True).message == SHOWN
        raise Speechless

    state = work(return_state=True)

    run = server.only_run()
    (row,) = run.tasks.values()
    assert state.type is StateType.FAILED
    assert isinstance(state.data, Speechless)
    assert run.states[-1] == ("FAILED", "Failed")
    error = run.details[-1]["error"]
    assert error["type"].endswith("test_odd_objects.Speechless")
    assert error["message"] == "<Speechless, whose text raises RuntimeError>"
    assert "raise Speechless" in error["traceback"]
    assert [entry[1] for entry in row["states"]][-2:] == ["Retrying", "Failed"]
    assert row["states"][-1][3].startswith(f"{SHOWN}\nTraceback")


def test_an_exit_without_a_text_crashes_the_run() -> None:
    @task
    def leave() -> None:
        raise SystemExit(Blank())

    @flow
    def work() -> State[Any]:
        future = leave.submit()
        future.wait()
        return future.state

    state = work(return_state=True)

    assert state.type is StateType.CRASHED
    assert (
        state.message == "User code left the process with <Blank, whose text raises RuntimeError>"
    )


def test_a_hook_without_a_text_is_called(caplog: pytest.LogCaptureFixture) -> None:
    @flow(on_completion=[Blank()])
    def work() -> int:
        return 1

    assert work() == 1
    assert "Hook '<Blank, whose text raises RuntimeError>' failed" in caplog.text


def test_arguments_without_a_text_do_no_harm(server: RecordingServer) -> None:
    default = Blank()
    wrong: Any = Blank()

    @flow
    def work(thing: Any, count: int = 1, other: Any = default) -> Any:
        get_run_logger().info("started")
        return other

    assert work(Blank()) is default
    with pytest.raises(ParameterError, match="got <Blank, whose text raises"):
        work(1, wrong)
    with pytest.raises(ParameterError, match="cannot be called like this"):
        work()  # pyright: ignore[reportCallIssue] - what is tested

    shown = f"<{Blank.__module__}.Blank>"
    run = next(iter(server.runs.values()))
    assert run.input["parameters"] == {"thing": shown, "count": 1, "other": shown}
    assert run.states[-1] == ("COMPLETED", "Completed")


def test_a_state_s_message_without_a_text_is_named() -> None:
    message: Any = Blank()

    @task
    def fail() -> State[Any]:
        return Failed(message=message)

    @task
    def after(value: Any) -> None:
        """Do nothing."""

    @flow
    def work() -> None:
        after.submit(fail.submit()).result()

    state = work(return_state=True)

    assert state.type is StateType.FAILED
    with pytest.raises(UpstreamTaskError, match="<Blank, whose text raises RuntimeError>"):
        state.result()
