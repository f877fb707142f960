"""The flow run around this code; every name is None, or empty, outside of one."""

from datetime import datetime
from functools import partial
from typing import Any

from headgate import elsewhere
from headgate.engine.context import current_flow_run, named_run
from headgate.engine.own_run import FlowRun
from headgate.runtime.overrides import override

id: str | None  # noqa: A001 - Prefect's name
name: str | None
flow_name: str | None
flow_version: str | None
parameters: dict[str, Any]
tags: list[str]
run_count: int
scheduled_start_time: datetime | None
parent_task_run_id: str | None
parent_flow_run_id: str | None
root_flow_run_id: str | None
deployment_id: str | None
deployment_name: str | None
job_variables: dict[str, Any]
parent_deployment_id: str | None
api_url: str | None
"""The server's: an API of GraphQL has one address for all."""
ui_url: str | None
"""The page of the run in the browser."""

_EMPTY: dict[str, Any] = {
    "id": None,
    "name": None,
    "flow_name": None,
    "flow_version": None,
    "parameters": {},
    "tags": [],
    "run_count": 0,
    "scheduled_start_time": None,
    "parent_task_run_id": None,
    "parent_flow_run_id": None,
    "root_flow_run_id": None,
    "deployment_id": None,
    "deployment_name": None,
    "job_variables": {},
    "parent_deployment_id": None,
    "api_url": None,
    "ui_url": None,
}
_GETTERS = {"get_flow_run_api_url": "api_url", "get_flow_run_ui_url": "ui_url"}

_elsewhere = elsewhere.lookup(__name__)


def get_run() -> FlowRun | None:
    """Return the flow run around this code, or the one that is being named."""
    named = named_run.get()
    if named is not None:
        return named
    context = current_flow_run.get()
    return context.run if context else None


def __getattr__(attribute: str) -> Any:
    if attribute in _GETTERS:
        return partial(__getattr__, _GETTERS[attribute])
    if attribute.startswith("get_") and attribute[4:] in _EMPTY:
        return partial(__getattr__, attribute[4:])
    if attribute not in _EMPTY:
        return _elsewhere(attribute)
    value = _real(attribute)
    found = override("FLOW_RUN", attribute, like=value)
    return value if found is None else found


def __dir__() -> list[str]:
    return sorted([*_EMPTY, "get_run"])


def _real(attribute: str) -> Any:
    run = get_run()
    if run is None:
        return _EMPTY[attribute]
    if attribute in ("api_url", "ui_url"):
        context = current_flow_run.get()
        if context is None or not context.recorder.is_reporting:
            return None
        settings = context.settings
        return settings.api_url if attribute == "api_url" else settings.page("runs", run.id)
    value = getattr(run, attribute)
    return sorted(value) if attribute == "tags" else value
