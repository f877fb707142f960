"""Hooks of flows and tasks: when they are called, with what, and what their failure does."""

import asyncio
import functools
from collections.abc import Callable
from typing import Any

import pytest

from headgate import State, flow, get_run_logger, runtime, task
from headgate.states import Cancelled, StateType
from headgate.testing import Records, VirtualClock

Seen = list[tuple[str, ...]]


@pytest.fixture
def seen() -> Seen:
    return []


def noting(seen: Seen, attribute: str = "name") -> Callable[..., None]:
    """Return a hook that writes down something of the state."""

    def note(owner: Any, run: Any, state: State[Any]) -> None:
        seen.append((getattr(state, attribute),))

    return note


def test_a_flow_s_completion_hook_is_called(seen: Seen) -> None:
    def hook(flow: Any, flow_run: Any, state: State[Any]) -> None:
        seen.append((flow.name, flow_run.flow_name, state.name))

    @flow(on_completion=[hook])
    def parent() -> None: ...

    parent()

    assert seen == [("parent", "parent", "Completed")]


def test_a_flow_s_failure_hook_is_called(seen: Seen) -> None:
    def hook(flow: Any, flow_run: Any, state: State[Any]) -> None:
        seen.append((flow.name, state.name, str(state.message)))

    @flow(on_failure=[hook])
    def parent() -> None:
        raise ValueError("no")

    parent(return_state=True)

    assert seen == [("parent", "Failed", "ValueError: no")]


def test_a_flow_s_running_hook_is_called_before_its_function(seen: Seen) -> None:
    def hook(flow: Any, flow_run: Any, state: State[Any]) -> None:
        seen.append((state.name,))

    @flow(on_running=[hook])
    def parent() -> None:
        seen.append(("function",))

    parent()

    assert seen == [("Running",), ("function",)]


def test_a_flow_s_cancellation_hook_is_called(seen: Seen) -> None:
    def hook(flow: Any, flow_run: Any, state: State[Any]) -> None:
        seen.append((state.name,))

    @flow(on_cancellation=[hook])
    def parent() -> State[Any]:
        return Cancelled()

    parent(return_state=True)

    assert seen == [("Cancelled",)]


def test_a_flow_s_crash_hook_is_called(seen: Seen) -> None:
    def hook(flow: Any, flow_run: Any, state: State[Any]) -> None:
        seen.append((state.name,))

    @flow(on_crashed=[hook])
    def parent() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        parent()

    assert seen == [("Crashed",)]


def test_a_crash_calls_no_failure_hook(seen: Seen) -> None:
    @flow(on_failure=[lambda *_: seen.append(("failed",))])
    def parent() -> None:
        raise SystemExit(1)

    with pytest.raises(SystemExit):
        parent()

    assert seen == []


def test_a_completed_flow_calls_no_other_hook(seen: Seen) -> None:
    def hook(*_: Any) -> None:
        seen.append(("called",))

    @flow(on_failure=[hook], on_cancellation=[hook], on_crashed=[hook])
    def parent() -> None: ...

    parent()

    assert seen == []


def test_a_task_s_completion_hook_is_called(seen: Seen) -> None:
    def hook(task: Any, task_run: Any, state: State[Any]) -> None:
        seen.append((task.name, task_run.name, state.name))

    @task(on_completion=[hook], task_run_name="run")
    def child() -> None: ...

    @flow
    def parent() -> None:
        child()

    parent()

    assert seen == [("child", "run", "Completed")]


def test_a_task_s_failure_hook_is_called(seen: Seen) -> None:
    def hook(task: Any, task_run: Any, state: State[Any]) -> None:
        seen.append((task.name, state.type.value))

    @task(on_failure=[hook])
    def child() -> None:
        raise ValueError("no")

    @flow
    def parent() -> None:
        child.submit().wait()

    parent()

    assert seen == [("child", "FAILED")]


def test_a_task_s_running_hook_is_called_for_each_attempt(seen: Seen, clock: VirtualClock) -> None:
    def hook(task: Any, task_run: Any, state: State[Any]) -> None:
        seen.append((state.name,))

    @task(on_running=[hook], retries=1)
    def child() -> None:
        raise ValueError("no")

    @flow
    def parent() -> None:
        child(return_state=True)

    parent()

    assert seen == [("Running",), ("Retrying",)]


def test_a_task_s_crash_hook_is_called(seen: Seen) -> None:
    @task(on_crashed=[noting(seen)])
    def child() -> None:
        raise KeyboardInterrupt

    @flow
    def parent() -> None:
        child()

    with pytest.raises(KeyboardInterrupt):
        parent()

    assert seen == [("Crashed",)]


def test_a_task_s_cancellation_hook_is_called(seen: Seen) -> None:
    @task(on_cancellation=[noting(seen)])
    def child() -> State[Any]:
        return Cancelled()

    @flow
    def parent() -> None:
        child(return_state=True)

    parent()

    assert seen == [("Cancelled",)]


def test_hooks_are_called_in_order(seen: Seen) -> None:
    @flow(on_completion=[lambda *_: seen.append(("1",)), lambda *_: seen.append(("2",))])
    def parent() -> None: ...

    parent()

    assert seen == [("1",), ("2",)]


def test_a_failure_hook_waits_for_the_last_retry(seen: Seen, clock: VirtualClock) -> None:
    @task(retries=2, retry_delay_seconds=1, on_failure=[lambda *_: seen.append(("failed",))])
    def child() -> None:
        raise ValueError("no")

    @flow
    def parent() -> None:
        child(return_state=True)

    parent()

    assert seen == [("failed",)]


def test_a_retry_that_succeeds_calls_no_failure_hook(seen: Seen, clock: VirtualClock) -> None:
    @task(
        retries=1,
        on_failure=[lambda *_: seen.append(("failed",))],
        on_completion=[lambda *_: seen.append(("completed",))],
    )
    def child() -> None:
        if runtime.task_run.run_count == 1:
            raise ValueError("no")

    @flow
    def parent() -> None:
        child()

    parent()

    assert seen == [("completed",)]


def test_a_hook_s_failure_changes_nothing(seen: Seen) -> None:
    def broken(*_: Any) -> None:
        raise ValueError("hook")

    @flow(on_completion=[broken, lambda *_: seen.append(("next",))])
    def parent() -> int:
        return 1

    assert parent() == 1
    assert seen == [("next",)]


def test_hooks_of_a_sync_flow_may_be_async(seen: Seen) -> None:
    async def hook(flow: Any, flow_run: Any, state: State[Any]) -> None:
        await asyncio.sleep(0)
        seen.append((state.name,))

    @flow(on_completion=[hook])
    def parent() -> None: ...

    parent()

    assert seen == [("Completed",)]


def test_hooks_of_an_async_flow_may_be_sync(seen: Seen) -> None:
    @flow(on_completion=[lambda *_: seen.append(("called",))])
    async def parent() -> None: ...

    asyncio.run(parent())

    assert seen == [("called",)]


def test_a_hook_may_be_a_partial_function(seen: Seen) -> None:
    def hook(flow: Any, flow_run: Any, state: State[Any], channel: str) -> None:
        seen.append((channel, state.name))

    @flow(on_completion=[functools.partial(hook, channel="ops")])
    def parent() -> None: ...

    parent()

    assert seen == [("ops", "Completed")]


@pytest.mark.parametrize("kind", ["on_completion", "on_failure", "on_running", "on_crashed"])
def test_a_flow_takes_hooks_by_decorators(seen: Seen, kind: str) -> None:
    @flow
    def parent() -> None:
        if kind == "on_failure":
            raise ValueError("no")
        if kind == "on_crashed":
            raise SystemExit

    def hook(*_: Any) -> None:
        seen.append((kind,))

    getattr(parent, kind)(hook)

    if kind == "on_crashed":
        with pytest.raises(SystemExit):
            parent()
    else:
        parent(return_state=True)
    assert seen == [(kind,)]


def test_a_task_takes_hooks_by_decorators(seen: Seen) -> None:
    @task
    def child() -> None: ...

    @child.on_completion
    def hook(task: Any, task_run: Any, state: State[Any]) -> None:
        seen.append((state.name,))

    @flow
    def parent() -> None:
        child()

    parent()

    assert seen == [("Completed",)]
    assert hook.__name__ == "hook"


def test_with_options_replaces_the_hooks_that_it_names(seen: Seen) -> None:
    @flow(on_completion=[lambda *_: seen.append(("old",))])
    def parent() -> None: ...

    parent.with_options(on_completion=[lambda *_: seen.append(("new",))])()

    assert seen == [("new",)]


def test_with_options_keeps_the_other_hooks(seen: Seen) -> None:
    @flow(on_completion=[lambda *_: seen.append(("old",))])
    def parent() -> None: ...

    parent.with_options(name="other")()

    assert seen == [("old",)]


def test_a_subflow_calls_its_own_hooks(seen: Seen) -> None:
    @flow(on_completion=[lambda *_: seen.append(("inner",))])
    def inner() -> None: ...

    @flow(on_completion=[lambda *_: seen.append(("outer",))])
    def outer() -> None:
        inner()

    outer()

    assert seen == [("inner",), ("outer",)]


def test_each_run_of_a_map_calls_the_hooks(seen: Seen) -> None:
    @task(on_completion=[lambda *_: seen.append(("done",))])
    def child(x: int) -> int:
        return x

    @flow
    def parent() -> None:
        child.map([1, 2, 3]).wait()

    parent()

    assert len(seen) == 3


def test_a_hook_may_use_the_run_logger(caplog: pytest.LogCaptureFixture) -> None:
    def hook(*_: Any) -> None:
        get_run_logger().info("from the hook")

    @flow(on_completion=[hook])
    def parent() -> None: ...

    with caplog.at_level("INFO", logger="headgate"):
        parent()

    assert "from the hook" in caplog.messages


def test_a_state_that_a_task_returned_reaches_its_hook(seen: Seen, runs: Records) -> None:
    @task(on_cancellation=[noting(seen, "message")])
    def child() -> State[Any]:
        return State(StateType.CANCELLED, message="by hand")

    @flow
    def parent() -> None:
        child(return_state=True)

    parent()

    assert seen == [("by hand",)]
    assert runs.task_states("child")[-1] == "Cancelled"
