"""What a hook reads off the runs that it is given, as a notification does."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headgate import State, flow, task
from headgate.clock import now_us
from headgate.states import StateType


def now() -> datetime:
    return datetime.fromtimestamp(now_us() / 1_000_000, tz=UTC)


Fields = dict[str, Any]


def fields_of(run: Any) -> Fields:
    """Return what a hook may say of a run."""
    names = ("state_type", "state_name", "expected_start_time", "start_time", "end_time")
    return {name: getattr(run, name) for name in names} | {"time": run.total_run_time}


@pytest.mark.parametrize(
    ("fails", "type_"), [(False, StateType.COMPLETED), (True, StateType.FAILED)]
)
def test_a_hook_of_a_flow_sees_when_and_how_it_ended(*, fails: bool, type_: StateType) -> None:
    seen: list[Fields] = []

    def note(flow_: Any, run: Any, state: State[Any]) -> None:
        seen.append(fields_of(run))

    @flow(on_completion=[note], on_failure=[note])
    def parent() -> None:
        if fails:
            raise ValueError("no")

    began = now()
    parent(return_state=True)

    (found,) = seen
    assert (found["state_type"], found["state_name"]) == (type_, type_.value.capitalize())
    assert began <= found["expected_start_time"] == found["start_time"] <= found["end_time"]
    assert found["end_time"] <= now()
    assert timedelta() <= found["time"] == found["end_time"] - found["start_time"]


def test_a_hook_of_a_task_sees_when_and_how_it_ended() -> None:
    seen: list[Fields] = []

    def note(task_: Any, run: Any, state: State[Any]) -> None:
        seen.append(fields_of(run))

    @task(on_failure=[note])
    def fail() -> None:
        raise ValueError("no")

    began = now()
    fail(return_state=True)

    (found,) = seen
    assert (found["state_type"], found["state_name"]) == (StateType.FAILED, "Failed")
    assert began <= found["expected_start_time"] <= found["start_time"] <= found["end_time"]
    assert found["time"] == found["end_time"] - found["start_time"]


def test_what_runs_has_not_ended() -> None:
    seen: list[Fields] = []

    def note(owner: Any, run: Any, state: State[Any]) -> None:
        seen.append(fields_of(run))

    @task(on_running=[note])
    def work() -> None: ...

    @flow(on_running=[note])
    def parent() -> None:
        work()

    parent()

    assert [(found["state_type"], found["end_time"]) for found in seen] == [
        (StateType.RUNNING, None),
        (StateType.RUNNING, None),
    ]


def test_a_flow_and_a_task_tell_what_they_were_declared_with() -> None:
    def note(*_: Any) -> None:
        """Do nothing."""

    def key(*_: Any) -> str:
        return "key"

    @task(
        task_run_name="one-{x}",
        cache_key_fn=key,
        cache_expiration=timedelta(days=1),
        refresh_cache=True,
        on_failure=[note],
        result_storage_key="at-{x}",
    )
    def step(x: int) -> int:
        return x

    @flow(flow_run_name="many", persist_result=True, on_completion=[note])
    def parent() -> None:
        """Do nothing."""

    assert (step.task_run_name, step.cache_key_fn) == ("one-{x}", key)
    assert (step.cache_expiration, step.refresh_cache) == (timedelta(days=1), True)
    assert (step.persist_result, step.result_storage_key) == (True, "at-{x}")
    assert step.cache_policy is not None
    assert (step.on_failure_hooks, step.on_completion_hooks) == ([note], [])
    assert (parent.flow_run_name, parent.persist_result) == ("many", True)
    assert (parent.on_completion_hooks, parent.on_failure_hooks) == ([note], [])
