"""Where the pages of a run are in the browser, as its own code and its hooks tell others."""

from typing import Any

import pytest

from headgate import State, flow, runtime, task
from headgate.settings import PREFECT_UI_URL, load_settings
from tests.client.recording_server import RecordingServer


@task
def look() -> tuple[Any, ...]:
    run = runtime.task_run
    return run.id, run.ui_url, run.api_url, run.get_task_run_ui_url()


def test_a_run_knows_its_page(server: RecordingServer) -> None:
    @flow
    def parent() -> Any:
        run = runtime.flow_run
        return run.id, run.ui_url, run.api_url, run.get_flow_run_ui_url(), look()

    id_, page, address, again, (task_id, task_page, task_address, task_again) = parent()

    workspace = f"{server.url}/acme/prod"
    assert page == again == f"{workspace}/runs/{id_}"
    assert task_page == task_again == f"{workspace}/task-runs/{task_id}"
    assert address == task_address == server.url


def test_the_pages_may_be_at_another_address(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_UI_URL", "https://pages.example/")

    @flow
    def parent() -> Any:
        return runtime.flow_run.id, runtime.flow_run.ui_url

    id_, page = parent()

    assert page == f"https://pages.example/acme/prod/runs/{id_}"
    assert PREFECT_UI_URL.value() == "https://pages.example"


def test_without_a_server_there_are_no_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADGATE_UI_URL", "https://pages.example/")

    assert load_settings().page("runs", "run_1") is None


def test_a_hook_can_tell_the_page_the_flow_and_whose_state_it_is(server: RecordingServer) -> None:
    seen: list[Any] = []

    def note(flow_: Any, run: Any, state: State[Any]) -> None:
        details = state.state_details
        seen.append((run.flow_id, details.flow_run_id == run.id, details.task_run_id))
        seen.append(runtime.flow_run.ui_url)
        seen.append([run.work_pool_name, run.created <= run.end_time])

    @flow(on_completion=[note])
    def parent() -> str | None:
        return runtime.flow_run.ui_url

    page = parent()

    assert seen == [("flow_1", True, None), page, [None, True]]


def test_a_hook_of_a_task_can_tell_whose_state_it_is(server: RecordingServer) -> None:
    seen: list[Any] = []

    def note(task_: Any, run: Any, state: State[Any]) -> None:
        details = state.state_details
        seen.append((details.task_run_id, details.flow_run_id) == (run.id, run.flow_run_id))

    @flow
    def parent() -> None:
        look.with_options(on_completion=[note])()

    parent()

    assert seen == [True]
