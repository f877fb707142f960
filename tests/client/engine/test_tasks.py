"""Tasks in local mode: calls, submissions, names, tags, context, failures."""

import contextvars
import threading
from collections.abc import Callable
from typing import Any

import pytest

from headgate import Future, State, Task, flow, runtime, tags, task
from headgate.engine.context import current_task_run
from headgate.errors import ParameterError, UpstreamTaskError
from headgate.reporting.records import TaskRun
from headgate.states import Completed, Failed, StateType
from headgate.task_runners import ThreadPoolTaskRunner


def _current_run() -> TaskRun:
    context = current_task_run.get()
    assert context is not None
    return context.run


@task
def double(x: int) -> int:
    return x * 2


@task
def fail(message: str = "no") -> int:
    raise ValueError(message)


def test_a_call_returns_the_function_s_result() -> None:
    assert double(4) == 8


def test_a_call_takes_keywords_and_defaults() -> None:
    @task
    def join(a: int, b: int = 2, *rest: int, c: int = 3, **more: int) -> tuple[Any, ...]:
        return a, b, rest, c, more

    assert join(1) == (1, 2, (), 3, {})
    assert join(1, 5, 6, 7, c=8, d=9) == (1, 5, (6, 7), 8, {"d": 9})


def test_wrong_arguments_are_refused_before_the_task_starts() -> None:
    with pytest.raises(ParameterError, match="missing a required argument: 'x'"):
        double()  # pyright: ignore[reportCallIssue] - what is tested


def test_a_call_raises_the_function_s_own_exception() -> None:
    with pytest.raises(ValueError, match="no"):
        fail()


def test_return_state_does_not_raise() -> None:
    state = fail(return_state=True)

    assert (state.type, state.message) == (StateType.FAILED, "ValueError: no")
    assert isinstance(state.result(raise_on_failure=False), ValueError)


def test_a_returned_state_decides_the_run() -> None:
    @task
    def decide() -> State[int]:
        return Failed(message="by hand")

    state = decide(return_state=True)

    assert (state.type, state.message) == (StateType.FAILED, "by hand")


def test_submit_returns_a_future_that_settles() -> None:
    @flow
    def parent() -> tuple[int, StateType]:
        future: Future[int] = double.submit(5)
        return future.result(), future.state.type

    assert parent() == (10, StateType.COMPLETED)


def test_a_submitted_task_runs_in_another_thread() -> None:
    @task
    def thread_name() -> str:
        return threading.current_thread().name

    @flow
    def parent() -> tuple[str, str]:
        return thread_name(), thread_name.submit().result()

    here, there = parent()
    assert here == "MainThread"
    assert there.startswith("headgate-task")


def test_submit_works_without_a_flow() -> None:
    assert double.submit(3).result(timeout=10) == 6


def test_futures_as_arguments_become_their_results() -> None:
    @task
    def add(values: list[int], more: dict[str, int]) -> int:
        return sum(values) + sum(more.values())

    @flow
    def parent() -> int:
        one, two = double.submit(1), double.submit(2)
        return add.submit([one, 1, two], {"a": one}).result()  # pyright: ignore[reportArgumentType] - futures stand for their results

    assert parent() == 2 + 1 + 4 + 2


def test_a_direct_call_waits_for_futures_too() -> None:
    @flow
    def parent() -> int:
        return double(double.submit(3))  # pyright: ignore[reportArgumentType] - a future stands for its result

    assert parent() == 12


def test_a_state_as_an_argument_becomes_its_result() -> None:
    assert double(Completed(data=4)) == 8  # pyright: ignore[reportArgumentType] - a state stands for its result


def test_what_needs_a_failed_task_is_not_ready() -> None:
    ran: list[int] = []

    @task
    def after(x: int) -> None:
        ran.append(x)

    @flow
    def parent() -> State[None]:
        return after.submit(fail.submit(), return_state=True)

    state = parent(return_state=True)

    assert ran == []
    assert (state.type, state.name) == (StateType.PENDING, "NotReady")
    with pytest.raises(UpstreamTaskError, match="did not reach a 'COMPLETED' state"):
        state.result()


def test_not_ready_spreads_down_the_chain() -> None:
    @flow
    def parent() -> list[str]:
        first = double.submit(fail.submit())  # pyright: ignore[reportArgumentType] - a future stands for its result
        second = double.submit(first)  # pyright: ignore[reportArgumentType] - as above
        second.wait()
        return [first.state.name, second.state.name]

    assert parent() == ["NotReady", "NotReady"]


def test_wait_for_orders_tasks_without_passing_values() -> None:
    order: list[str] = []
    gate = threading.Event()

    @task
    def first() -> None:
        gate.wait(10)
        order.append("first")

    @task
    def second() -> None:
        order.append("second")

    @flow
    def parent() -> None:
        future = first.submit()
        later = second.submit(wait_for=[future])
        gate.set()
        later.wait()

    parent()

    assert order == ["first", "second"]


def test_wait_for_a_failed_task_is_not_ready() -> None:
    @flow
    def parent() -> str:
        return double.submit(1, wait_for=[fail.submit()], return_state=True).name

    assert parent() == "NotReady"


class CountingRunner(ThreadPoolTaskRunner):
    """Counts the calls that were given a thread."""

    started = 0

    def duplicate(self) -> "CountingRunner":
        return self

    def start(self, call: Callable[[], Any], *, context: contextvars.Context) -> None:
        self.started += 1
        super().start(call, context=context)


def test_a_task_waiting_for_others_holds_no_thread() -> None:
    gate = threading.Event()
    runner = CountingRunner()

    @task
    def hold() -> int:
        gate.wait(10)
        return 1

    @flow(task_runner=runner)
    def parent() -> tuple[int, int]:
        future = hold.submit()
        for _ in range(20):
            future = double.submit(future)  # pyright: ignore[reportArgumentType] - a future stands for its result
        started = runner.started
        gate.set()
        return started, future.result()

    assert parent() == (1, 2**20)
    assert runner.started == 21


def test_the_default_run_name_is_the_task_s_and_a_suffix() -> None:
    @task
    def name() -> str:
        return _current_run().name

    assert name().startswith("name-")
    assert len(name()) == len("name-") + 3


def test_a_run_name_template_sees_the_parameters() -> None:
    @task(task_run_name="{task_name} of {x}")
    def named(x: int) -> str:
        return _current_run().name

    assert named(3) == "named of 3"


def test_a_run_name_function_takes_what_it_names() -> None:
    def namer(parameters: dict[str, Any]) -> str:
        return f"run-{parameters['x']}"

    @task(task_run_name=namer)
    def named(x: int) -> str:
        return _current_run().name

    assert named(3) == "run-3"


def test_a_broken_run_name_fails_the_task() -> None:
    @task(task_run_name="{nobody}")
    def named() -> None:
        """Do nothing."""

    with pytest.raises(ValueError, match="'nobody'"):
        named()


def test_tags_come_from_the_task_and_from_the_contexts_around() -> None:
    @task(tags=["own"])
    def tagged() -> frozenset[str]:
        return _current_run().tags

    with tags("outer"), tags("inner") as inside:
        found = tagged()

    assert inside == {"outer", "inner"}
    assert found == {"own", "outer", "inner"}
    assert tagged() == {"own"}


def test_the_runtime_tells_about_the_task_run() -> None:
    @task
    def look(x: int) -> tuple[Any, ...]:
        return (
            runtime.task_run.id,
            runtime.task_run.task_name,
            runtime.task_run.parameters,
            runtime.task_run.run_count,
        )

    run_id, name, parameters, count = look(3)

    assert run_id.startswith("trun_")
    assert (name, parameters, count) == ("look", {"x": 3}, 1)
    assert runtime.task_run.id is None


def test_a_task_keeps_the_function_s_name_and_docstring() -> None:
    @task
    def documented() -> None:
        """Say something."""

    assert isinstance(documented, Task)
    assert documented.__name__ == "documented"
    assert documented.__doc__ == "Say something."
    assert documented.spec.description == "Say something."


def test_with_options_changes_a_copy() -> None:
    other = double.with_options(name="other", retries=3)

    assert (other.name, other.spec.retry.limit, other(2)) == ("other", 3, 4)
    assert (double.name, double.spec.retry.limit) == ("double", 0)


def test_a_task_may_call_and_submit_tasks() -> None:
    @task
    def outer(x: int) -> int:
        return double(x) + double.submit(x).result()

    @flow
    def parent() -> int:
        return outer.submit(2).result()

    assert parent() == 8


@pytest.mark.parametrize(
    "options",
    [{"retries": -1}, {"retry_delay_seconds": -1}, {"retry_jitter_factor": -0.5}],
)
def test_options_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be 0 or more"):
        task(**options)(lambda: None)


def test_a_task_needs_a_function() -> None:
    with pytest.raises(TypeError, match="needs a function"):
        Task(3)  # pyright: ignore[reportArgumentType] - what is tested


def test_what_no_except_of_exceptions_catches_is_said_to_be_user_code_s() -> None:
    class Stop(BaseException):
        """Of the user's."""

    @task
    def fails() -> None:
        raise Stop("now")

    @flow
    def parent() -> str | None:
        future = fails.submit()
        future.wait()
        return future.state.message

    assert parent() == "User code ended with Stop: now"
