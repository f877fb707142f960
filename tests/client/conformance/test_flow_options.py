"""What ``@flow`` takes, as documented: names, descriptions, versions, run names and the rest."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest

from headgate import Flow, flow, runtime, task
from headgate.runtime import flow_run
from headgate.task_runners import ConcurrentTaskRunner, ThreadPoolTaskRunner
from headgate.testing import Records


def test_decorator_without_parentheses_makes_a_flow() -> None:
    @flow
    def plain() -> int:
        return 1

    assert isinstance(plain, Flow)
    assert plain() == 1


def test_decorator_with_empty_parentheses_makes_a_flow() -> None:
    @flow()
    def plain() -> int:
        return 1

    assert isinstance(plain, Flow)
    assert plain() == 1


def test_flow_class_takes_a_function_and_options() -> None:
    def plain() -> int:
        return 1

    made = Flow(plain, name="made")

    assert (made.name, made()) == ("made", 1)


def test_name_is_the_function_s_with_dashes() -> None:
    @flow
    def my_first_flow() -> None: ...

    assert my_first_flow.name == "my-first-flow"


def test_name_may_be_given() -> None:
    @flow(name="My Flow")
    def other() -> None: ...

    assert other.name == "My Flow"


def test_description_is_the_docstring() -> None:
    @flow
    def documented() -> None:
        """Do something.

        In detail.
        """

    assert documented.description == "Do something.\n\nIn detail."


def test_description_may_be_given() -> None:
    @flow(description="Other")
    def documented() -> None:
        """Do something."""

    assert documented.description == "Other"


def test_description_is_none_without_a_docstring() -> None:
    @flow
    def silent() -> None: ...

    assert silent.description is None


def test_version_may_be_given() -> None:
    @flow(version="1.2")
    def versioned() -> str | None:
        return flow_run.flow_version

    assert versioned.version == "1.2"
    assert versioned() == "1.2"


def test_the_decorated_function_is_at_hand() -> None:
    @flow
    def add(a: int, b: int) -> int:
        return a + b

    assert add.fn(1, 2) == 3


def test_the_flow_keeps_the_function_s_name_and_docstring() -> None:
    @flow(name="other")
    def add() -> None:
        """Add."""

    assert (add.__name__, add.__doc__) == ("add", "Add.")


def test_run_name_is_made_up_unless_given() -> None:
    @flow
    def named() -> str:
        return str(runtime.flow_run.name)

    first, second = named(), named()

    assert "-" in first
    assert (first, second) != ("named", "named")


def test_run_name_may_be_a_template_of_the_parameters() -> None:
    @flow(flow_run_name="{name}-on-{day:%A}")
    def named(name: str, day: date) -> str:
        return str(runtime.flow_run.name)

    assert named("marvin", date(2022, 11, 23)) == "marvin-on-Wednesday"


def test_run_name_template_sees_defaults() -> None:
    @flow(flow_run_name="{name}")
    def named(name: str = "fallback") -> str:
        return str(runtime.flow_run.name)

    assert named() == "fallback"


def test_run_name_may_be_a_function_that_reads_the_runtime() -> None:
    def make_name() -> str:
        return f"{flow_run.flow_name}-with-{flow_run.parameters['x']}"

    @flow(flow_run_name=make_name)
    def my_flow(x: int) -> str:
        return str(runtime.flow_run.name)

    assert my_flow(3) == "my-flow-with-3"


def test_run_name_may_be_a_function_of_the_parameters() -> None:
    def make_name(parameters: dict[str, Any]) -> str:
        return f"run-{parameters['x']}"

    @flow(flow_run_name=make_name)
    def my_flow(x: int) -> str:
        return str(runtime.flow_run.name)

    assert my_flow(3) == "run-3"


def test_retries_are_none_by_default() -> None:
    @flow
    def plain() -> None: ...

    assert (plain.retries, plain.retry_delay_seconds) == (0, 0.0)


def test_retries_and_delay_can_be_read() -> None:
    @flow(retries=2, retry_delay_seconds=5)
    def plain() -> None: ...

    assert (plain.retries, plain.retry_delay_seconds) == (2, 5.0)


def test_timeout_can_be_read() -> None:
    @flow(timeout_seconds=10)
    def plain() -> None: ...

    assert plain.timeout_seconds == 10


def test_timeout_takes_a_timedelta() -> None:
    @flow(timeout_seconds=timedelta(minutes=1))
    def plain() -> None: ...

    assert plain.timeout_seconds == 60


def test_parameters_are_validated_by_default() -> None:
    @flow
    def plain() -> None: ...

    assert plain.should_validate_parameters


def test_validation_can_be_turned_off() -> None:
    @flow(validate_parameters=False)
    def plain(x: int) -> Any:
        return x

    assert plain("1") == "1"  # pyright: ignore[reportArgumentType] - what is tested
    assert not plain.should_validate_parameters


def test_task_runner_may_be_an_object() -> None:
    @flow(task_runner=ThreadPoolTaskRunner(max_workers=3))
    def plain() -> None: ...

    assert plain.task_runner == ThreadPoolTaskRunner(max_workers=3)


def test_task_runner_may_be_a_class() -> None:
    @task
    def one() -> int:
        return 1

    @flow(task_runner=ThreadPoolTaskRunner)
    def plain() -> int:
        return one.submit().result()

    assert plain() == 1


def test_concurrent_task_runner_is_the_thread_pool() -> None:
    assert ConcurrentTaskRunner is ThreadPoolTaskRunner


def test_async_functions_make_async_flows() -> None:
    @flow
    async def plain() -> int:
        return 1

    assert plain.isasync
    assert asyncio.run(plain()) == 1


def test_with_options_changes_a_copy() -> None:
    @flow(name="before", retries=1)
    def plain() -> None: ...

    changed = plain.with_options(name="after")

    assert (plain.name, changed.name, changed.retries) == ("before", "after", 1)


def test_with_options_takes_zero_for_a_value() -> None:
    @flow(retries=3)
    def plain() -> None: ...

    assert plain.with_options(retries=0).retries == 0


def test_with_options_may_change_the_run_name() -> None:
    @flow(flow_run_name="before")
    def plain() -> str:
        return str(runtime.flow_run.name)

    assert plain.with_options(flow_run_name="after")() == "after"


def test_a_flow_needs_a_function() -> None:
    with pytest.raises(TypeError, match="needs a function"):
        Flow("not a function")  # pyright: ignore[reportArgumentType] - what is tested


def test_a_flow_run_goes_through_running_to_completed(runs: Records) -> None:
    @flow
    def plain() -> None: ...

    plain()

    assert runs.flow_state_names() == [["Running", "Completed"]]


def test_each_call_is_a_run_of_its_own(runs: Records) -> None:
    @flow
    def plain() -> None: ...

    plain()
    plain()

    assert len(runs.flow_states) == 2
