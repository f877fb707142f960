"""What Prefect's users import beside flows and tasks does what they know."""

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from headgate import Flow, flow, get_run_logger, task
from headgate.context import get_run_context, with_context
from headgate.deployments.runner import RunnerDeployment
from headgate.flows import load_flow_from_entrypoint
from headgate.futures import (
    PrefectFuture,
    PrefectFutureList,
    resolve_futures_to_results,
    resolve_futures_to_states,
)
from headgate.logging import LogEavesdropper
from headgate.logging.loggers import disable_logger, flow_run_logger
from headgate.settings import PREFECT_API_URL, get_current_settings, temporary_settings
from headgate.states import Completed, Failed, Submitting, is_state_iterable
from headgate.utilities.annotations import allow_failure, opaque
from headgate.utilities.callables import parameter_schema


@task
def double(number: int) -> int:
    return 2 * number


def test_futures_have_prefect_s_classes() -> None:
    seen: list[type[Any]] = []

    @flow
    def parent() -> None:
        mapped = double.map([1, 2])
        seen.extend((type(mapped), type(mapped[0])))

    parent()

    assert seen == [PrefectFutureList, PrefectFuture]


def test_futures_inside_of_containers_become_results_or_states() -> None:
    seen: list[Any] = []

    @flow
    def parent() -> None:
        nested = {"a": [double.submit(1)], "b": (double.submit(2), 5)}
        seen.append(resolve_futures_to_results(nested))
        states = resolve_futures_to_states(nested)
        seen.append((states["a"][0].name, states["b"][1]))

    parent()

    assert seen == [{"a": [2], "b": (4, 5)}, ("Completed", 5)]


@task
def given(value: Any) -> Any:
    return value


def test_opaque_waits_for_a_future_and_leaves_the_rest_alone() -> None:
    seen: list[Any] = []

    @flow
    def parent() -> None:
        future = double.submit(4)
        seen.append(given(opaque(future)))
        held = [future]
        seen.append(given(opaque(held)) is held)
        seen.append(given(held))

    parent()

    assert seen == [8, True, [8]]


def test_opaque_passes_a_failure_on_where_it_is_allowed() -> None:
    seen: list[Any] = []

    @task
    def fail() -> None:
        raise ValueError("no")

    @flow
    def parent() -> None:
        seen.append(type(given(opaque(allow_failure(fail.submit())))))
        seen.append(type(given(allow_failure(opaque(fail.submit())))))
        return Completed()  # type: ignore[return-value]

    parent()

    assert seen == [ValueError, ValueError]


def test_with_context_takes_the_run_along_to_a_thread() -> None:
    names: list[str] = []

    def work(number: int) -> str:
        get_run_logger().info("working on %d", number)
        return get_run_context().run.name

    @flow(flow_run_name="around")
    def parent() -> None:
        with ThreadPoolExecutor(2) as pool:
            names.extend(pool.map(with_context(work), range(4)))

    parent()

    assert names == ["around"] * 4


def test_a_hook_logs_for_its_run(caplog: pytest.LogCaptureFixture) -> None:
    def tell(flow_: Any, flow_run: Any, state: Any) -> None:
        flow_run_logger(flow_run, flow_).info("ended in %s", state.name)

    @flow(on_completion=[tell])
    def parent() -> None: ...

    with LogEavesdropper("headgate.flow_runs", level=logging.INFO) as heard:
        parent()

    assert "[INFO]: ended in Completed" in heard.text().splitlines()


def test_a_logger_is_silent_for_a_while() -> None:
    with LogEavesdropper("acme") as heard:
        with disable_logger("acme"):
            logging.getLogger("acme").error("not heard")
        logging.getLogger("acme").error("heard")

    assert heard.text() == "[ERROR]: heard"


def test_settings_change_for_a_while() -> None:
    before = PREFECT_API_URL.value()
    with temporary_settings({PREFECT_API_URL: "https://hg.example.com"}):
        inside = (PREFECT_API_URL.value(), get_current_settings().api_url)
        with temporary_settings(restore_defaults=[PREFECT_API_URL]):
            assert PREFECT_API_URL.value() is None

    assert (before, inside) == (None, ("https://hg.example.com",) * 2)
    assert "HEADGATE_API_URL" not in os.environ


def test_what_a_flow_takes_is_its_parameters() -> None:
    @flow
    def load(count: int, name: str = "x") -> None: ...

    found = load.parameters

    assert (found.type, list(found.properties), found.required) == (
        "object",
        ["count", "name"],
        ["count"],
    )


def test_a_schema_is_of_a_function_or_a_flow() -> None:
    def load(count: int, name: str = "x") -> None: ...

    schema = parameter_schema(load).model_dump_for_openapi()

    assert schema == parameter_schema(flow(load)).model_dump_for_openapi()
    assert (schema["required"], list(schema["properties"])) == (["count"], ["count", "name"])
    assert "$defs" not in schema


def test_a_mermaid_graph_is_a_text() -> None:
    @flow
    def parent() -> None:
        given(double.submit(1))

    assert parent.generate_mermaid_graph() == (
        'graph TD\n  n0["double"]\n  n1["given"]\n  n0 --> n1\n'
    )


async def test_a_mermaid_graph_of_a_coroutine_is_awaited() -> None:
    @flow
    async def parent() -> None:
        double.submit(1)

    drawn = 'graph TD\n  n0["double"]\n'
    assert await parent.generate_mermaid_graph() == drawn
    assert await parent.agenerate_mermaid_graph() == drawn
    assert (await parent.avisualize()).mermaid() == drawn


async def test_a_flow_is_had_from_elsewhere_in_a_coroutine(tmp_path: Any) -> None:
    (tmp_path / "of_a_folder.py").write_text(
        "from headgate import flow\n\n@flow\ndef one():\n    return 1\n"
    )

    found: Any = await flow.from_source(tmp_path, "of_a_folder.py:one")
    again: Any = await Flow.afrom_source(tmp_path, "of_a_folder.py:one")
    served = await again.ato_deployment("daily", work_pool_name="pool")

    assert (found.name, again.name, served.full_name) == ("one", "one", "one/daily")


def test_states_of_agents_have_names() -> None:
    assert (Submitting().name, Submitting().is_pending()) == ("Submitting", True)
    assert (is_state_iterable([Completed(), Failed()]), is_state_iterable([])) == (True, False)


def test_a_flow_is_loaded_by_its_entrypoint(tmp_path: Any, monkeypatch: Any) -> None:
    file = tmp_path / "entry_of_a_test.py"
    file.write_text("from headgate import flow\n\n@flow\ndef one():\n    return 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)

    assert load_flow_from_entrypoint("entry_of_a_test.py:one")() == 1
    served = RunnerDeployment.from_entrypoint(
        "entry_of_a_test.py:one", "daily", work_pool_name="pool"
    )
    assert (served.full_name, served.spec.work_pool) == ("one/daily", "pool")
