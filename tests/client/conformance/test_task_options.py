"""What ``@task`` takes, as documented: names, descriptions, tags, run names and the rest."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from headgate import Task, flow, runtime, task
from headgate.runtime import task_run
from headgate.tasks import exponential_backoff
from headgate.testing import Records


def test_decorator_without_parentheses_makes_a_task() -> None:
    @task
    def plain() -> int:
        return 1

    assert isinstance(plain, Task)


def test_decorator_with_empty_parentheses_makes_a_task() -> None:
    @task()
    def plain() -> int:
        return 1

    assert isinstance(plain, Task)


def test_task_class_takes_a_function_and_options() -> None:
    def plain() -> int:
        return 1

    made = Task(plain, name="made")

    assert (made.name, made()) == ("made", 1)


def test_name_is_the_function_s() -> None:
    @task
    def my_task() -> None: ...

    assert my_task.name == "my_task"


def test_name_may_be_given() -> None:
    @task(name="My Task")
    def other() -> None: ...

    assert other.name == "My Task"


def test_description_is_the_docstring() -> None:
    @task
    def documented() -> None:
        """Do something."""

    assert documented.description == "Do something."


def test_description_may_be_given() -> None:
    @task(description="Other")
    def documented() -> None:
        """Do something."""

    assert documented.description == "Other"


def test_version_may_be_given() -> None:
    @task(version="v1")
    def plain() -> None: ...

    assert plain.version == "v1"


def test_tags_are_a_set() -> None:
    @task(tags=["b", "a", "a"])
    def plain() -> None: ...

    assert plain.tags == {"a", "b"}


def test_tags_reach_the_run(runs: Records) -> None:
    @task(tags=["io"])
    def plain() -> None: ...

    @flow
    def parent() -> None:
        plain()

    parent()

    assert runs.task_runs[0].tags == {"io"}


def test_run_name_begins_with_the_task_s_name(runs: Records) -> None:
    @task
    def plain() -> None: ...

    @flow
    def parent() -> None:
        plain()

    parent()

    assert runs.task_runs[0].name.startswith("plain-")


def test_run_name_may_be_a_template_of_the_parameters() -> None:
    @task(task_run_name="hello-{name}")
    def named(name: str) -> str:
        return str(runtime.task_run.name)

    @flow
    def parent() -> str:
        return named("you")

    assert parent() == "hello-you"


def test_run_name_may_be_a_function_that_reads_the_runtime() -> None:
    def make_name() -> str:
        return f"{task_run.task_name}-with-{task_run.parameters['x']}"

    @task(task_run_name=make_name)
    def my_task(x: int) -> str:
        return str(runtime.task_run.name)

    @flow
    def parent() -> str:
        return my_task(3)

    assert parent() == "my_task-with-3"


def test_run_name_function_sees_the_flow_run_around_it() -> None:
    def make_name() -> str:
        return f"in-{runtime.flow_run.flow_name}"

    @task(task_run_name=make_name)
    def my_task() -> str:
        return str(runtime.task_run.name)

    @flow
    def parent() -> str:
        return my_task()

    assert parent() == "in-parent"


def test_each_run_of_a_map_is_named_by_its_own_parameters(runs: Records) -> None:
    @task(task_run_name="item-{x}")
    def my_task(x: int) -> int:
        return x

    @flow
    def parent() -> None:
        my_task.map([1, 2]).wait()

    parent()

    assert sorted(run.name for run in runs.task_runs) == ["item-1", "item-2"]


def test_retries_and_delay_can_be_read() -> None:
    @task(retries=2, retry_delay_seconds=[1, 2])
    def plain() -> None: ...

    assert (plain.retries, plain.retry_delay_seconds) == (2, [1.0, 2.0])


def test_retry_delay_may_be_a_function_of_the_retries() -> None:
    @task(retries=4, retry_delay_seconds=exponential_backoff(backoff_factor=10))
    def plain() -> None: ...

    assert plain.retry_delay_seconds == [10, 20, 40, 80]


def test_jitter_can_be_read() -> None:
    @task(retry_jitter_factor=0.5)
    def plain() -> None: ...

    assert plain.retry_jitter_factor == 0.5


def test_timeout_takes_seconds_or_a_timedelta() -> None:
    @task(timeout_seconds=timedelta(seconds=3))
    def plain() -> None: ...

    assert plain.timeout_seconds == 3
    assert plain.with_options(timeout_seconds=0.5).timeout_seconds == 0.5


def test_with_options_changes_a_copy() -> None:
    @task(name="before", tags=["a"], retries=1)
    def plain() -> None: ...

    changed = plain.with_options(name="after")

    assert (plain.name, changed.name, changed.tags, changed.retries) == (
        "before",
        "after",
        {"a"},
        1,
    )


def test_with_options_replaces_tags() -> None:
    @task(tags=["a"])
    def plain() -> None: ...

    assert plain.with_options(tags=["b"]).tags == {"b"}


def test_with_options_runs_the_same_function() -> None:
    @task
    def plain(x: int) -> int:
        return x + 1

    @flow
    def parent() -> int:
        return plain.with_options(name="other")(1)

    assert parent() == 2


def test_the_decorated_function_is_at_hand() -> None:
    @task
    def add(a: int, b: int) -> int:
        return a + b

    assert add.fn(1, 2) == 3


def test_async_functions_make_async_tasks() -> None:
    @task
    async def plain() -> int:
        return 1

    @flow
    async def parent() -> int:
        return await plain()

    assert plain.isasync
    assert asyncio.run(parent()) == 1


def test_generators_can_be_told() -> None:
    @task
    def plain() -> None: ...

    @task
    def items() -> Iterator[int]:
        yield 1

    assert (plain.isgenerator, items.isgenerator) == (False, True)


def test_negative_retries_are_refused() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        task(retries=-1)(print)


def test_negative_delays_are_refused() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        task(retries=1, retry_delay_seconds=-1)(print)


def test_more_than_fifty_delays_are_refused() -> None:
    with pytest.raises(ValueError, match="50 delays at most"):
        task(retries=60, retry_delay_seconds=[1] * 51)(print)


def test_negative_jitter_is_refused() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        task(retry_jitter_factor=-1)(print)


def test_a_task_run_goes_through_its_states(runs: Records) -> None:
    @task
    def plain() -> None: ...

    @flow
    def parent() -> None:
        plain()

    parent()

    assert runs.task_states("plain") == ["Pending", "Running", "Completed"]


def test_a_task_may_run_outside_of_a_flow() -> None:
    @task
    def plain() -> int:
        return 1

    assert plain() == 1
