"""The task run around this code; every name is None, or empty, outside of one."""

from functools import partial
from typing import Any

from headgate import elsewhere
from headgate.engine.context import current_task_run
from headgate.reporting.records import TaskRun
from headgate.runtime.overrides import override

id: str | None  # noqa: A001 - Prefect's name
name: str | None
task_name: str | None
parameters: dict[str, Any]
tags: list[str]
run_count: int
map_index: int | None
api_url: str | None
"""The server's: an API of GraphQL has one address for all."""
ui_url: str | None
"""The page of the task run in the browser."""

_EMPTY: dict[str, Any] = {
    "id": None,
    "name": None,
    "task_name": None,
    "parameters": {},
    "tags": [],
    "run_count": 0,
    "map_index": None,
    "api_url": None,
    "ui_url": None,
}
_GETTERS = {"get_task_run_api_url": "api_url", "get_task_run_ui_url": "ui_url"}

_elsewhere = elsewhere.lookup(__name__)


def get_run() -> TaskRun | None:
    """Return the task run around this code."""
    context = current_task_run.get()
    return context.run if context else None


def __getattr__(attribute: str) -> Any:
    if attribute in _GETTERS:
        return partial(__getattr__, _GETTERS[attribute])
    if attribute.startswith("get_") and attribute[4:] in _EMPTY:
        return partial(__getattr__, attribute[4:])
    if attribute not in _EMPTY:
        return _elsewhere(attribute)
    value = _real(attribute)
    found = override("TASK_RUN", attribute, like=value)
    return value if found is None else found


def __dir__() -> list[str]:
    return sorted([*_EMPTY, "get_run"])


def _real(attribute: str) -> Any:
    context = current_task_run.get()
    if context is None:
        return _EMPTY[attribute]
    if attribute == "task_name":
        return context.spec.name
    if attribute == "parameters":
        return context.parameters
    if attribute in ("api_url", "ui_url"):
        flow_run = context.flow_run
        if flow_run is None or not flow_run.recorder.is_reporting:
            return None
        settings = flow_run.settings
        if attribute == "api_url":
            return settings.api_url
        return settings.page("task-runs", context.run.id)
    value = getattr(context.run, attribute)
    return sorted(value) if attribute == "tags" else value
