"""What a run that goes on uses of its subflows, and of the tasks in them."""

from collections.abc import Generator
from typing import Any

import pytest

from headgate import flow, task
from headgate.engine.context import current_flow_run
from headgate.results.kept import KeptResults
from headgate.specs import JobReuse
from headgate.states import State

calls: list[Any] = []


@pytest.fixture(autouse=True)
def no_calls() -> Generator[None]:
    """Every test counts its own."""
    calls.clear()
    yield
    calls.clear()


def names(*states: State[Any]) -> list[str]:
    return [state.name for state in states]


class Parent:
    """A flow with a subflow, as an agent's process runs it, attempt after attempt."""

    def __init__(self, **options: Any) -> None:
        @task
        def inner(x: int) -> int:
            calls.append(f"inner {x}")
            return x + 1

        @flow(**options)
        def sub(x: int) -> int:
            calls.append(f"sub {x}")
            self.contexts.append(current_flow_run.get())
            value = inner(x)
            if self.is_sub_broken:
                raise ValueError
            return value

        @flow
        def outer() -> list[Any]:
            context = current_flow_run.get()
            assert context is not None
            context.kept = KeptResults("run_1", reuse=self.reuse)
            found = [sub(1, return_state=True), sub(1, return_state=True)]
            recorded.extend(found)
            values = [state.result(raise_on_failure=False) for state in found]
            calls.append(below(values[0]))
            return values

        @task(persist_result=False)
        def below(x: Any) -> str:
            return f"below {x}"

        recorded: list[State[Any]] = []
        self.contexts: list[Any] = []
        self.is_sub_broken = False
        self.recorded = recorded
        self.outer = outer
        self.reuse: JobReuse | None = None

    def run(self, reuse: JobReuse | None) -> list[str]:
        """Return what one attempt did."""
        calls.clear()
        self.recorded.clear()
        self.reuse = reuse
        self.outer()
        return list(calls)


WHOLE = ["sub 1", "inner 1", "sub 1", "inner 1", "below 2"]


@pytest.mark.parametrize("options", [{}, {"persist_result": True}])
def test_subflow_that_completed_is_not_done_again(options: dict[str, Any]) -> None:
    parent = Parent(**options)

    first = parent.run(None)
    anew = parent.run(JobReuse(kept=False))
    on = parent.run(JobReuse(kept=True))

    assert first == anew == WHOLE
    assert on == ["below 2"]
    assert names(*parent.recorded) == ["Cached", "Cached"]


def test_subflow_that_keeps_nothing_is_done_again() -> None:
    parent = Parent(persist_result=False)
    parent.run(None)

    on = parent.run(JobReuse(kept=True))

    assert [call for call in on if call.startswith("sub")] == ["sub 1", "sub 1"]


def test_subflow_that_failed_takes_what_its_tasks_kept() -> None:
    parent = Parent()
    parent.is_sub_broken = True
    parent.run(None)
    parent.is_sub_broken = False

    on = parent.run(JobReuse(kept=True))

    assert on == ["sub 1", "sub 1", "below 2"]


def test_subflow_that_is_chosen_is_done_again_with_its_tasks() -> None:
    parent = Parent()
    parent.run(None)
    key = parent.contexts[0].wrapper.cache_key

    on = parent.run(JobReuse(kept=True, again=[key]))

    assert on == ["sub 1", "inner 1", "below 2"]
    assert names(*parent.recorded) == ["Completed", "Cached"]


@pytest.mark.parametrize("options", [{}, {"persist_result": True}])
def test_subflow_that_is_chosen_and_fails_is_done_again(options: dict[str, Any]) -> None:
    parent = Parent(**options)
    parent.run(None)
    key = parent.contexts[0].wrapper.cache_key
    parent.is_sub_broken = True
    parent.run(JobReuse(kept=True, again=[key]))
    shown = parent.contexts[-1].wrapper.cache_key
    parent.is_sub_broken = False

    on = parent.run(JobReuse(kept=True))

    assert shown == f"begun:{key}"
    assert [call for call in on if call != "inner 1"] == ["sub 1", "below 2"]
    assert names(*parent.recorded) == ["Completed", "Cached"]


class Chosen:
    """A task, called by a flow itself and in its subflow, which fails in one of three attempts."""

    def __init__(self) -> None:
        self.is_broken = False
        self.keys: list[Any] = []
        self.states: list[str] = []

        @task
        def once() -> int:
            if self.is_broken:
                raise ValueError
            return 1

        @flow
        def sub() -> int:
            context = current_flow_run.get()
            assert context is not None
            assert context.place is not None
            self.keys.append(context.place.key)
            state = once(return_state=True)
            self.states.append(state.name)
            return state.result()

        @flow
        def outer(reuse: JobReuse | None) -> None:
            context = current_flow_run.get()
            assert context is not None
            context.kept = KeptResults("run_1", reuse=reuse)
            state = once(return_state=True)
            self.states.append(state.name)
            self.keys.append(state.state_details.cache_key)
            sub(return_state=True)

        self.outer = outer

    def run(self, reuse: JobReuse | None) -> list[str]:
        """Return the states of both calls in one attempt."""
        self.states.clear()
        self.outer(reuse)
        return list(self.states)


def test_tasks_that_are_done_again_and_fail_are_not_found_as_they_were_before() -> None:
    chosen = Chosen()
    chosen.run(None)
    again = list(chosen.keys)

    chosen.is_broken = True
    failed = chosen.run(JobReuse(kept=True, again=again))
    chosen.is_broken = False
    on = chosen.run(JobReuse(kept=True))

    assert failed == ["Failed", "Failed"]
    assert on == ["Completed", "Completed"]


def test_each_attempt_of_a_subflow_goes_on_with_what_was_kept_of_it() -> None:
    left = ["always", "always"]

    @task
    def charge() -> int:
        calls.append("charge")
        return 1

    @flow(retries=1)
    def sub() -> None:
        charge()
        if left:
            left.pop()
            raise ValueError

    @flow
    def outer(reuse: JobReuse | None) -> None:
        context = current_flow_run.get()
        assert context is not None
        context.kept = KeptResults("run_1", reuse=reuse)
        sub(return_state=True)

    outer(None)
    left.append("once")
    calls.clear()
    outer(JobReuse(kept=True))

    assert calls == []
