"""What surrounds user code: the runtime, contexts and tags."""

import asyncio
import threading
from typing import Any

import pytest

from headgate import flow, runtime, tags, task
from headgate.context import FlowRunContext, TaskRunContext, get_run_context
from headgate.exceptions import MissingContextError
from headgate.testing import Records


@task
def look() -> dict[str, Any]:
    return {
        "tags": runtime.task_run.tags,
        "flow": runtime.flow_run.name,
        "name": runtime.task_run.name,
        "task": runtime.task_run.task_name,
    }


def test_outside_of_runs_the_runtime_is_empty() -> None:
    assert runtime.flow_run.id is None
    assert runtime.flow_run.name is None
    assert runtime.flow_run.tags == []
    assert runtime.flow_run.parameters == {}
    assert runtime.flow_run.run_count == 0
    assert runtime.flow_run.scheduled_start_time is None
    assert runtime.task_run.id is None
    assert runtime.task_run.tags == []
    assert runtime.task_run.parameters == {}
    assert runtime.deployment.id is None


def test_an_unknown_attribute_is_an_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        runtime.flow_run.nothing  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue] - what is tested


def test_a_flow_knows_its_run() -> None:
    @flow(name="Named", version="3")
    def parent(x: int) -> list[Any]:
        run = runtime.flow_run
        return [run.flow_name, run.flow_version, run.parameters, run.run_count]

    assert parent(1) == ["Named", "3", {"x": 1}, 1]


def test_a_flow_has_an_id_and_a_start() -> None:
    @flow
    def parent() -> Any:
        return runtime.flow_run.id, runtime.flow_run.scheduled_start_time

    id_, start = parent()

    assert id_.startswith("run_")
    assert str(start.tzinfo) == "UTC"


def test_a_root_run_is_its_own_root() -> None:
    @flow
    def parent() -> Any:
        run = runtime.flow_run
        return run.id == run.root_flow_run_id, run.parent_flow_run_id

    assert parent() == (True, None)


def test_a_flow_that_is_not_deployed_has_no_deployment() -> None:
    @flow
    def parent() -> Any:
        return runtime.deployment.id, runtime.deployment.name, runtime.deployment.parameters

    assert parent() == (None, None, {})


def test_a_task_knows_its_run_and_the_flow_s() -> None:
    @flow(flow_run_name="around")
    def parent() -> Any:
        return look.submit().result()

    seen = parent()

    assert (seen["flow"], seen["task"]) == ("around", "look")
    assert seen["name"].startswith("look-")


def test_a_task_knows_its_parameters() -> None:
    @task
    def child(x: int, y: int = 2) -> Any:
        return runtime.task_run.parameters

    @flow
    def parent() -> Any:
        return child(1)

    assert parent() == {"x": 1, "y": 2}


def test_the_environment_stands_in_for_the_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADGATE__RUNTIME__FLOW_RUN__NAME", "stand-in")
    monkeypatch.setenv("HEADGATE__RUNTIME__FLOW_RUN__RUN_COUNT", "4")
    monkeypatch.setenv("HEADGATE__RUNTIME__TASK_RUN__TASK_NAME", "other")
    monkeypatch.setenv("HEADGATE__RUNTIME__DEPLOYMENT__ID", "dep")

    assert runtime.flow_run.name == "stand-in"
    assert runtime.flow_run.run_count == 4
    assert runtime.task_run.task_name == "other"
    assert runtime.deployment.id == "dep"


def test_get_run_context_of_a_flow() -> None:
    @flow(flow_run_name="around")
    def parent() -> Any:
        context = get_run_context()
        assert isinstance(context, FlowRunContext)
        return context.flow_run.name, context.flow.name, context.parameters

    assert parent() == ("around", "parent", {})


def test_get_run_context_of_a_task() -> None:
    @task(task_run_name="inside")
    def child(x: int) -> Any:
        context = get_run_context()
        assert isinstance(context, TaskRunContext)
        return context.task_run.name, context.task.name, context.parameters

    @flow
    def parent() -> Any:
        return child(1)

    assert parent() == ("inside", "child", {"x": 1})


def test_contexts_are_had_by_their_class() -> None:
    @task
    def child() -> Any:
        return FlowRunContext.get() is not None, TaskRunContext.get() is not None

    @flow
    def parent() -> Any:
        return child(), TaskRunContext.get()

    assert parent() == ((True, True), None)
    assert FlowRunContext.get() is None


def test_get_run_context_needs_a_run() -> None:
    with pytest.raises(MissingContextError):
        get_run_context()


def test_tags_reach_flows_and_tasks(runs: Records) -> None:
    @flow
    def parent() -> Any:
        return runtime.flow_run.tags, look()["tags"]

    with tags("a", "b"):
        assert parent() == (["a", "b"], ["a", "b"])


def test_tags_are_over_after_the_block() -> None:
    @flow
    def parent() -> list[str]:
        return runtime.flow_run.tags

    with tags("a"):
        pass

    assert parent() == []


def test_tags_add_up() -> None:
    @flow
    def parent() -> Any:
        with tags("b"):
            return look()["tags"]

    with tags("a"):
        assert parent() == ["a", "b"]


def test_tags_inside_of_a_flow_reach_its_tasks_only() -> None:
    @flow
    def parent() -> Any:
        with tags("inner"):
            return runtime.flow_run.tags, look.submit().result()["tags"]

    assert parent() == ([], ["inner"])


def test_tags_join_those_of_the_task() -> None:
    @flow
    def parent() -> Any:
        with tags("a"):
            return look.with_options(tags=["own"])()["tags"]

    assert parent() == ["a", "own"]


def test_tags_reach_subflows() -> None:
    @flow
    def inner() -> list[str]:
        return runtime.flow_run.tags

    @flow
    def parent() -> list[str]:
        with tags("a"):
            return inner()

    assert parent() == ["a"]


def test_tags_give_what_they_set() -> None:
    with tags("a"), tags("b") as current:
        assert current == {"a", "b"}


def test_contexts_do_not_leak_between_threads() -> None:
    seen: list[Any] = []

    @flow
    def parent() -> None:
        thread = threading.Thread(target=lambda: seen.append(runtime.flow_run.id))
        thread.start()
        thread.join()

    parent()

    assert seen == [None]


def test_contexts_do_not_leak_between_coroutines() -> None:
    @flow
    async def named(name: str) -> Any:
        await asyncio.sleep(0)
        return runtime.flow_run.parameters["name"]

    async def both() -> list[Any]:
        return list(await asyncio.gather(named("a"), named("b")))

    assert asyncio.run(both()) == ["a", "b"]


def test_without_a_server_no_run_has_a_page() -> None:
    @task
    def inner() -> Any:
        return runtime.task_run.ui_url, runtime.task_run.api_url

    @flow
    def parent() -> Any:
        run = runtime.flow_run
        return run.ui_url, run.api_url, run.get_flow_run_ui_url(), run.parent_deployment_id, inner()

    assert parent() == (None, None, None, None, (None, None))
    assert runtime.flow_run.ui_url is None
    assert runtime.deployment.version is None


def test_a_context_tells_what_was_declared() -> None:
    @task(persist_result=True)
    def inner() -> Any:
        context = TaskRunContext.get()
        assert context is not None
        assert context.start_time is not None
        return context.log_prints, context.persist_result

    @flow(log_prints=True)
    def parent() -> Any:
        context = FlowRunContext.get()
        assert context is not None
        return context.log_prints, context.persist_result, inner()

    assert parent() == (True, None, (None, True))
