"""What a function's return value makes of its run, and what states are."""

from typing import Any

import pytest

from headgate import State, flow, task
from headgate.exceptions import CancelledRun, CrashedRun, FailedRun, PausedRun, UnfinishedRun
from headgate.states import (
    AwaitingRetry,
    Cancelled,
    Cancelling,
    Completed,
    Crashed,
    Failed,
    Late,
    Paused,
    Pending,
    Retrying,
    RolledBack,
    Running,
    Scheduled,
    StateType,
    Suspended,
    TimedOut,
    get_state_exception,
    is_state,
    raise_state_exception,
)
from headgate.testing import Records


@task
def succeed() -> int:
    return 1


@task
def fail() -> int:
    raise ValueError("no")


def test_a_value_completes_the_run() -> None:
    @flow
    def parent() -> int:
        return 42

    state = parent(return_state=True)

    assert (state.type, state.name, state.result()) == (StateType.COMPLETED, "Completed", 42)


def test_none_completes_the_run() -> None:
    @flow
    def parent() -> None:
        return None

    assert parent(return_state=True).is_completed()


def test_an_exception_fails_the_run() -> None:
    @flow
    def parent() -> None:
        raise ValueError("no")

    state = parent(return_state=True)

    assert (state.type, state.name) == (StateType.FAILED, "Failed")
    assert "no" in str(state.message)


def test_a_failed_task_does_not_fail_a_flow_that_returns_another_value() -> None:
    @flow
    def parent() -> str:
        fail.submit().wait()
        return "fine"

    assert parent() == "fine"


def test_a_failed_task_s_state_that_is_returned_fails_the_flow() -> None:
    @flow
    def parent() -> State[int]:
        return fail(return_state=True)

    assert parent(return_state=True).is_failed()


def test_a_completed_state_that_is_returned_completes_the_flow() -> None:
    @flow
    def parent() -> State[int]:
        return Completed(message="by hand")

    state: Any = parent(return_state=True)

    assert (state.name, state.message) == ("Completed", "by hand")


def test_a_failed_state_that_is_returned_fails_the_run() -> None:
    @flow
    def parent() -> State[int]:
        return Failed(message="by hand")

    state: Any = parent(return_state=True)

    assert (state.name, state.message) == ("Failed", "by hand")


def test_a_returned_state_may_have_a_name_of_its_own(runs: Records) -> None:
    @task
    def skip() -> State[Any]:
        return Completed(name="Skipped", message="Nothing to do")

    @flow
    def parent() -> None:
        skip()

    parent()

    assert runs.task_states("skip")[-1] == "Skipped"


def test_a_returned_state_s_data_are_the_result() -> None:
    @task
    def decide() -> State[Any]:
        return Completed(data=5)

    @flow
    def parent() -> Any:
        return decide()

    assert parent() == 5


def test_several_completed_states_complete_the_flow() -> None:
    @flow
    def parent() -> list[State[int]]:
        return [succeed(return_state=True), succeed(return_state=True)]

    assert parent(return_state=True).is_completed()


def test_one_failed_state_among_several_fails_the_flow() -> None:
    @flow
    def parent() -> list[State[int]]:
        return [succeed(return_state=True), fail(return_state=True)]

    state = parent(return_state=True)

    assert (state.type, state.message) == (StateType.FAILED, "1/2 states failed.")


def test_futures_that_are_returned_decide_as_their_states_do() -> None:
    @flow
    def parent() -> list[Any]:
        return [succeed.submit(), fail.submit()]

    assert parent(return_state=True).is_failed()


def test_states_in_other_values_decide_nothing() -> None:
    @flow
    def parent() -> dict[str, Any]:
        return {"state": fail(return_state=True)}

    assert parent(return_state=True).is_completed()


def test_a_cancelled_state_that_is_returned_cancels_the_run() -> None:
    @flow
    def parent() -> State[int]:
        return Cancelled(message="by hand")

    assert parent(return_state=True).is_cancelled()


def test_result_raises_the_exception_itself() -> None:
    @flow
    def parent() -> None:
        fail(return_state=True).result()

    with pytest.raises(ValueError, match="no"):
        parent()


def test_result_may_return_the_exception() -> None:
    @flow
    def parent() -> str:
        return type(fail(return_state=True).result(raise_on_failure=False)).__name__

    assert parent() == "ValueError"


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (Failed(message="why"), FailedRun),
        (Crashed(message="why"), CrashedRun),
        (Cancelled(message="why"), CancelledRun),
        (Paused(message="why"), PausedRun),
        (Running(message="why"), UnfinishedRun),
        (Pending(message="why"), UnfinishedRun),
        (Scheduled(message="why"), UnfinishedRun),
    ],
)
def test_a_state_without_a_result_says_why(state: State[Any], error: type[Exception]) -> None:
    with pytest.raises(error, match="why"):
        state.result()


@pytest.mark.parametrize(
    ("state", "kind", "name"),
    [
        (Scheduled(), StateType.SCHEDULED, "Scheduled"),
        (Late(), StateType.SCHEDULED, "Late"),
        (AwaitingRetry(retry_at_us=0), StateType.SCHEDULED, "AwaitingRetry"),
        (Pending(), StateType.PENDING, "Pending"),
        (Running(), StateType.RUNNING, "Running"),
        (Retrying(), StateType.RUNNING, "Retrying"),
        (Paused(), StateType.PAUSED, "Paused"),
        (Suspended(), StateType.PAUSED, "Suspended"),
        (Cancelling(), StateType.CANCELLING, "Cancelling"),
        (Completed(), StateType.COMPLETED, "Completed"),
        (RolledBack(), StateType.COMPLETED, "RolledBack"),
        (Failed(), StateType.FAILED, "Failed"),
        (TimedOut(), StateType.FAILED, "TimedOut"),
        (Crashed(), StateType.CRASHED, "Crashed"),
        (Cancelled(), StateType.CANCELLED, "Cancelled"),
    ],
)
def test_each_constructor_makes_its_type_and_name(
    state: State[Any], kind: StateType, name: str
) -> None:
    assert (state.type, state.name) == (kind, name)


@pytest.mark.parametrize("state", [Completed(), Failed(), Crashed(), Cancelled()])
def test_terminal_states_are_final(state: State[Any]) -> None:
    assert state.is_final()


@pytest.mark.parametrize("state", [Scheduled(), Pending(), Running(), Paused(), Cancelling()])
def test_other_states_are_not_final(state: State[Any]) -> None:
    assert not state.is_final()


def test_each_type_has_a_predicate() -> None:
    assert Scheduled().is_scheduled()
    assert Pending().is_pending()
    assert Running().is_running()
    assert Paused().is_paused()
    assert Cancelling().is_cancelling()
    assert Completed().is_completed()
    assert Failed().is_failed()
    assert Crashed().is_crashed()
    assert Cancelled().is_cancelled()


def test_a_state_has_a_timestamp_in_utc() -> None:
    assert str(Completed().timestamp.tzinfo) == "UTC"


def test_a_state_as_text_has_its_message() -> None:
    assert str(Completed(message="All good")) == "Completed('All good')"


def test_a_state_s_name_defaults_to_its_type() -> None:
    assert State(StateType.CRASHED).name == "Crashed"


def test_raise_state_exception_raises_a_failure() -> None:
    with pytest.raises(ValueError, match="no"):
        raise_state_exception(Failed(data=ValueError("no")))


def test_raise_state_exception_passes_over_other_states() -> None:
    raise_state_exception(Completed())


def test_get_state_exception_returns_the_failure() -> None:
    error = ValueError("no")

    assert get_state_exception(Failed(data=error)) is error


def test_get_state_exception_makes_one_of_a_text() -> None:
    assert str(get_state_exception(Failed(data="why"))) == "why"


def test_get_state_exception_needs_a_failure() -> None:
    with pytest.raises(ValueError, match="Expected a failed"):
        get_state_exception(Completed())


def test_is_state_tells_states_apart() -> None:
    assert is_state(Completed())
    assert not is_state("Completed")


def test_equal_states_are_equal() -> None:
    assert Completed(message="a") == Completed(message="a")
    assert Completed(message="a") != Completed(message="b")
