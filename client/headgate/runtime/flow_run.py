"""The flow run around this code; every name is None, or empty, outside of one."""

from datetime import datetime
from functools import partial
from typing import Any

from headgate import elsewhere
from headgate.engine.context import FlowRun, current_flow_run, named_run
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
api_url: str | None

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
    "api_url": None,
}

_elsewhere = elsewhere.lookup(__name__)


def get_run() -> FlowRun | None:
    """Return the flow run around this code, or the one that is being named."""
    named = named_run.get()
    if named is not None:
        return named
    context = current_flow_run.get()
    return context.run if context else None


def __getattr__(attribute: str) -> Any:
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
    if attribute == "api_url":
        context = current_flow_run.get()
        return context.settings.api_url if context else None
    value = getattr(run, attribute)
    return sorted(value) if attribute == "tags" else value
