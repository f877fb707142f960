"""States: results, predicates, and what a function's return value makes of a run."""

from datetime import UTC, datetime

import pytest

from headgate.errors import CancelledRun, CrashedRun, FailedRun, PausedRun, UnfinishedRun
from headgate.states import (
    AwaitingRetry,
    Cancelled,
    Cancelling,
    Completed,
    Crashed,
    Failed,
    Paused,
    Pending,
    Retrying,
    Running,
    Scheduled,
    State,
    StateType,
    TimedOut,
    state_of_value,
)


def test_result_of_a_completed_state_is_its_data() -> None:
    assert Completed(data=3).result() == 3


def test_result_of_a_failed_state_raises_the_exception_itself() -> None:
    error = ValueError("no")

    with pytest.raises(ValueError, match="no") as caught:
        Failed(data=error).result()

    assert caught.value is error


def test_result_without_raising_returns_the_exception() -> None:
    error = ValueError("no")

    assert Failed(data=error).result(raise_on_failure=False) is error


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (Failed(message="why"), FailedRun),
        (TimedOut(message="why"), FailedRun),
        (Crashed(message="why"), CrashedRun),
        (Cancelled(message="why"), CancelledRun),
        (Paused(message="why"), PausedRun),
        (Running(message="why"), UnfinishedRun),
        (Pending(message="why"), UnfinishedRun),
    ],
)
def test_result_names_why_there_is_none(state: State[object], kind: type[Exception]) -> None:
    with pytest.raises(kind, match="why"):
        state.result()


def test_result_of_an_unfinished_state_raises_even_when_failures_are_not_raised() -> None:
    with pytest.raises(UnfinishedRun):
        Running().result(raise_on_failure=False)


def test_result_of_several_states_raises_the_first_failure() -> None:
    state = Failed(data=[Completed(data=1), Failed(data=KeyError("a")), Failed(data=OSError())])

    with pytest.raises(KeyError):
        state.result()


@pytest.mark.parametrize(
    ("state", "type_", "name"),
    [
        (Scheduled(), StateType.SCHEDULED, "Scheduled"),
        (AwaitingRetry(retry_at_us=0), StateType.SCHEDULED, "AwaitingRetry"),
        (Pending(), StateType.PENDING, "Pending"),
        (Running(), StateType.RUNNING, "Running"),
        (Retrying(), StateType.RUNNING, "Retrying"),
        (Paused(), StateType.PAUSED, "Paused"),
        (Cancelling(), StateType.CANCELLING, "Cancelling"),
        (Completed(), StateType.COMPLETED, "Completed"),
        (Failed(), StateType.FAILED, "Failed"),
        (TimedOut(), StateType.FAILED, "TimedOut"),
        (Crashed(), StateType.CRASHED, "Crashed"),
        (Cancelled(), StateType.CANCELLED, "Cancelled"),
    ],
)
def test_constructors_set_type_and_name(state: State[object], type_: StateType, name: str) -> None:
    assert (state.type, state.name) == (type_, name)


def test_awaiting_retry_says_when() -> None:
    assert AwaitingRetry(retry_at_us=1_000_000).details == {
        "retryAt": "1970-01-01T00:00:01.000000Z"
    }


def test_timestamp_is_aware_and_in_utc() -> None:
    state: State[None] = State(StateType.RUNNING, timestamp_us=1_500_000)

    assert state.timestamp == datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)


def test_only_the_last_four_types_are_final() -> None:
    final = {type_ for type_ in StateType if State(type_).is_final()}

    assert final == {
        StateType.COMPLETED,
        StateType.FAILED,
        StateType.CRASHED,
        StateType.CANCELLED,
    }


def test_a_returned_state_stands_for_the_run() -> None:
    state = Completed(message="by hand", data=1)

    assert state_of_value(state) is state


def test_a_plain_value_completes_the_run() -> None:
    state = state_of_value([1, 2])

    assert (state.type, state.data) == (StateType.COMPLETED, [1, 2])


def test_an_empty_list_is_a_plain_value() -> None:
    assert state_of_value([]).data == []


def test_completed_states_complete_the_run() -> None:
    state = state_of_value([Completed(), Completed()])

    assert (state.type, state.message) == (StateType.COMPLETED, "All states completed.")


@pytest.mark.parametrize(
    ("states", "type_", "message"),
    [
        ([Completed(), Failed()], StateType.FAILED, "1/2 states failed."),
        ([Crashed(), Completed()], StateType.FAILED, "1/2 states crashed."),
        ([Cancelled(), Failed()], StateType.CANCELLED, "1/2 states cancelled."),
        ([Paused(), Completed()], StateType.PAUSED, "1/2 states paused."),
        ([Pending(), Completed()], StateType.FAILED, "1/2 states are not final."),
    ],
)
def test_one_bad_state_among_several_decides(
    states: list[State[object]], type_: StateType, message: str
) -> None:
    state = state_of_value(states)

    assert (state.type, state.message) == (type_, message)


def test_a_copy_of_a_state_has_other_values_where_they_are_said() -> None:
    before = Failed(message="no", data=3)

    after = before.copy(update={"type": "CANCELLED", "name": "Cancelled"})

    assert (after.type, after.name, after.message, after.data) == (
        StateType.CANCELLED,
        "Cancelled",
        "no",
        3,
    )
    assert before.model_copy() == before
