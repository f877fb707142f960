"""The flow run around this code; every name is None, or empty, outside of one."""

from typing import Any

from headgate.engine.context import FlowRun, current_flow_run

id: str | None  # noqa: A001 - Prefect's name
name: str | None
flow_name: str | None
parameters: dict[str, Any]
tags: list[str]
run_count: int
parent_task_run_id: str | None
deployment_id: str | None
deployment_name: str | None

_EMPTY: dict[str, Any] = {
    "id": None,
    "name": None,
    "flow_name": None,
    "parameters": {},
    "tags": [],
    "run_count": 0,
    "parent_task_run_id": None,
    "deployment_id": None,
    "deployment_name": None,
}


def get_run() -> FlowRun | None:
    """Return the flow run around this code."""
    context = current_flow_run.get()
    return context.run if context else None


def __getattr__(attribute: str) -> Any:
    if attribute not in _EMPTY:
        message = f"headgate.runtime.flow_run has no {attribute!r}"
        raise AttributeError(message)
    run = get_run()
    if run is None:
        return _EMPTY[attribute]
    value = getattr(run, attribute)
    return sorted(value) if attribute == "tags" else value
