"""Hooks: which, when, with what, and what their failures change."""

import asyncio
from typing import Any

import pytest

from headgate import Flow, Task, flow, task
from headgate.states import Cancelled, Crashed, State

Seen = list[tuple[str, str, str]]


def _hooks(seen: Seen) -> dict[str, list[Any]]:
    def make(kind: str) -> Any:
        def hook(owner: Flow[..., Any] | Task[..., Any], run: Any, state: State[Any]) -> None:
            seen.append((kind, owner.name, state.name))

        return hook

    kinds = ("on_running", "on_completion", "on_failure", "on_cancellation", "on_crashed")
    return {kind: [make(kind)] for kind in kinds}


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (1, ("on_completion", "Completed")),
        (ValueError("no"), ("on_failure", "Failed")),
        (Cancelled(), ("on_cancellation", "Cancelled")),
        (Crashed(), ("on_crashed", "Crashed")),
    ],
)
@pytest.mark.parametrize("decorator", [flow, task])
def test_each_end_has_its_hook(decorator: Any, outcome: object, expected: tuple[str, str]) -> None:
    seen: Seen = []

    def work() -> object:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    decorator(**_hooks(seen))(work)(return_state=True)

    kind, name = expected
    assert seen == [("on_running", "work", "Running"), (kind, "work", name)]


def test_on_failure_waits_for_the_last_attempt() -> None:
    seen: Seen = []

    hooks: Any = _hooks(seen)

    @task(retries=1, **hooks)
    def work() -> None:
        raise ValueError("no")

    work(return_state=True)

    assert [kind for kind, _, _ in seen] == ["on_running", "on_running", "on_failure"]


@pytest.mark.parametrize("decorator", [flow, task])
def test_a_broken_hook_changes_nothing(decorator: Any, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []

    def broken(*_: Any) -> None:
        raise RuntimeError("hook")

    def after(*_: Any) -> None:
        seen.append("after")

    work = decorator(on_completion=[broken, after])(lambda: 3)

    assert work() == 3
    assert seen == ["after"]
    assert "Hook 'broken' failed" in caplog.text


@pytest.mark.parametrize("decorator", [flow, task])
def test_an_async_hook_is_awaited_in_blocking_runs(decorator: Any) -> None:
    seen: list[str] = []

    async def hook(*_: Any) -> None:
        await asyncio.sleep(0)
        seen.append("done")

    decorator(on_completion=[hook])(lambda: 1)()

    assert seen == ["done"]


def test_hooks_of_both_kinds_are_called_in_async_runs() -> None:
    seen: list[str] = []

    async def awaited(*_: Any) -> None:
        seen.append("awaited")

    @flow(on_completion=[awaited, lambda *_: seen.append("plain")])
    async def work() -> None:
        """Do nothing."""

    asyncio.run(work())

    assert seen == ["awaited", "plain"]


def test_a_hook_may_be_added_by_decoration() -> None:
    seen: list[str] = []

    @flow
    def work() -> None:
        """Do nothing."""

    @work.on_completion
    def hook(owner: Any, run: Any, state: Any) -> None:
        seen.append(run.name)

    work()

    assert len(seen) == 1
    assert callable(hook)


def test_a_hook_sees_the_run() -> None:
    seen: list[tuple[Any, ...]] = []

    def note(owner: Any, run: Any, state: Any) -> None:
        seen.append((run.parameters, run.run_count))

    @flow(on_completion=[note])
    def work(x: int) -> None:
        """Do nothing."""

    work(3)

    assert seen == [({"x": 3}, 1)]


def test_a_hook_added_by_decoration_survives_a_change_of_options() -> None:
    seen: list[str] = []

    @flow
    def work() -> None:
        """Do nothing."""

    @task
    def step() -> None:
        """Do nothing."""

    def note(owner: Any, run: Any, state: Any) -> None:
        seen.append(owner.name)

    work.on_completion(note)
    step.on_completion(note)

    work.with_options(name="other")()
    step.with_options(name="changed")()
    work.with_options(on_completion=[])()

    assert seen == ["other", "changed"]
