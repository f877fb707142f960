"""Flows in local mode: results, states of the run, names, tags, hooks of the runtime."""

from typing import Any

import pytest

from headgate import Flow, Future, State, flow, runtime, tags, task
from headgate.engine.context import current_flow_run
from headgate.errors import CancelledRun, FailedRun, ParameterError
from headgate.states import Cancelled, Completed, Failed, StateType


@task
def double(x: int) -> int:
    return x * 2


@task
def fail() -> int:
    raise ValueError("no")


def test_a_flow_returns_the_function_s_result() -> None:
    @flow
    def add(a: int, b: int = 2) -> int:
        return a + b

    assert add(1) == 3
    assert add(1, b=5) == 6


def test_a_flow_raises_the_function_s_own_exception() -> None:
    @flow
    def broken() -> None:
        raise KeyError("a")

    with pytest.raises(KeyError, match="a"):
        broken()

    state = broken(return_state=True)
    assert (state.type, state.message) == (StateType.FAILED, "KeyError: 'a'")


def test_a_flow_with_failed_tasks_that_returns_none_completes() -> None:
    @flow
    def careless() -> None:
        fail.submit()

    assert careless(return_state=True).type is StateType.COMPLETED


def test_a_returned_future_decides_the_run() -> None:
    @flow
    def parent() -> Future[int]:
        return double.submit(2)

    assert parent() == 4  # pyright: ignore[reportUnnecessaryComparison] - a future stands for its result


def test_a_returned_failed_future_fails_the_run() -> None:
    @flow
    def parent() -> Future[int]:
        return fail.submit()

    state = parent(return_state=True)

    assert state.type is StateType.FAILED
    with pytest.raises(ValueError, match="no"):
        state.result()


def test_several_returned_futures_complete_or_fail_together() -> None:
    @flow
    def parent(*, is_failing: bool) -> list[Future[int]]:
        last = fail.submit() if is_failing else double.submit(2)
        return [double.submit(1), last]

    good, bad = (
        parent(is_failing=False, return_state=True),
        parent(is_failing=True, return_state=True),
    )

    assert (good.type, good.message) == (StateType.COMPLETED, "All states completed.")
    assert [state.result() for state in good.result()] == [2, 4]
    assert (bad.type, bad.message) == (StateType.FAILED, "1/2 states failed.")


@pytest.mark.parametrize(
    ("state", "kind"), [(Failed(message="by hand"), FailedRun), (Cancelled(), CancelledRun)]
)
def test_a_returned_state_decides_the_run(state: State[Any], kind: type[Exception]) -> None:
    @flow
    def parent() -> State[Any]:
        return state

    assert parent(return_state=True).type is state.type
    with pytest.raises(kind):
        parent()


def test_a_returned_completed_state_brings_its_data() -> None:
    @flow
    def parent() -> State[Any]:
        return Completed(message="by hand", data=7)

    assert parent() == 7


def test_a_flow_waits_for_tasks_that_nobody_awaits() -> None:
    done: list[int] = []

    @task
    def note(x: int) -> None:
        done.append(x)

    @flow
    def parent() -> None:
        note.map([1, 2, 3])

    parent()

    assert sorted(done) == [1, 2, 3]


def test_after_a_failure_tasks_that_have_not_started_never_do() -> None:
    ran: list[int] = []

    @task
    def chained(x: int) -> int:
        ran.append(x)
        return x

    @flow
    def parent() -> None:
        held = chained.submit(1)
        held.wait()
        chained.submit(2, wait_for=[fail.submit()])
        raise ValueError("over")

    with pytest.raises(ValueError, match="over"):
        parent()

    assert ran == [1]


def test_wait_for_of_a_flow_needs_what_it_names() -> None:
    @flow
    def after() -> int:
        return 1

    @flow
    def parent() -> int:
        return after(wait_for=[double.submit(1)])

    assert parent() == 1


def test_the_name_is_the_function_s_with_dashes() -> None:
    @flow
    def daily_report() -> None:
        """Report."""

    assert daily_report.name == "daily-report"
    assert daily_report.description == "Report."
    assert daily_report.__name__ == "daily_report"


def test_options_are_kept() -> None:
    @flow(name="named", version="7", description="what", retries=2)
    def plain() -> None:
        """Do nothing."""

    assert isinstance(plain, Flow)
    assert (plain.name, plain.version, plain.description) == ("named", "7", "what")
    assert plain.with_options(name="other").name == "other"
    assert plain.with_options(name="other").version == "7"


def test_a_made_up_run_name_has_two_words() -> None:
    @flow
    def look() -> str | None:
        return runtime.flow_run.name

    name = look()

    assert name is not None
    assert len(name.split("-")) == 2


def test_a_run_name_template_sees_the_parameters() -> None:
    @flow(flow_run_name="{flow_name} for {customer}")
    def bill(customer: str) -> str | None:
        return runtime.flow_run.name

    assert bill("acme") == "bill for acme"


def test_a_run_name_function_is_called() -> None:
    @flow(flow_run_name=lambda: "made")
    def look() -> str | None:
        return runtime.flow_run.name

    assert look() == "made"


def test_the_runtime_tells_about_the_flow_run() -> None:
    @flow
    def look(x: int) -> tuple[Any, ...]:
        return (
            runtime.flow_run.id,
            runtime.flow_run.flow_name,
            runtime.flow_run.parameters,
            runtime.flow_run.tags,
        )

    with tags("b", "a"):
        run_id, name, parameters, found = look(3)

    assert run_id.startswith("run_")
    assert (name, parameters, found) == ("look", {"x": 3}, ["a", "b"])
    assert runtime.flow_run.id is None
    assert current_flow_run.get() is None


def test_a_task_in_a_thread_sees_the_flow_run() -> None:
    @task
    def look() -> str | None:
        return runtime.flow_run.id

    @flow
    def parent() -> tuple[str | None, str | None]:
        return runtime.flow_run.id, look.submit().result()

    outer, inner = parent()
    assert outer == inner


def test_wrong_arguments_are_refused_before_the_flow_starts() -> None:
    @flow
    def add(a: int = 0) -> int:
        return a

    with pytest.raises(ParameterError, match="unexpected keyword argument 'b'"):
        add(b=1)  # pyright: ignore[reportCallIssue] - what is tested


def test_a_subflow_is_a_run_of_its_own() -> None:
    @flow
    def child(x: int) -> tuple[str | None, int]:
        return runtime.flow_run.id, x + 1

    @flow
    def parent() -> tuple[str | None, str | None, int]:
        inner, value = child(1)
        return runtime.flow_run.id, inner, value

    outer, inner, value = parent()

    assert outer != inner
    assert value == 2


def test_a_failed_subflow_raises_in_its_parent() -> None:
    @flow
    def child() -> None:
        raise ValueError("inner")

    @flow
    def parent() -> str:
        try:
            child()
        except ValueError as error:
            return f"caught {error}"
        return "nothing"

    assert parent() == "caught inner"


def test_a_subflow_may_run_in_a_task() -> None:
    @flow
    def child(x: int) -> int:
        return double.submit(x).result()

    @task
    def call(x: int) -> int:
        return child(x)

    @flow
    def parent() -> list[int]:
        return call.map([1, 2, 3]).result()

    assert parent() == [2, 4, 6]


def test_a_flow_takes_futures_as_parameters() -> None:
    @flow
    def child(x: int) -> int:
        return x + 1

    @flow
    def parent() -> int:
        return child(double.submit(2))  # pyright: ignore[reportArgumentType] - a future stands for its result

    assert parent() == 5
