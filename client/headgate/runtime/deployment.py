"""The deployment that the run around this code comes from; None, or empty, where it has none."""

from functools import partial
from typing import Any

from headgate import elsewhere
from headgate.engine.context import current_flow_run
from headgate.runtime.overrides import override

id: str | None  # noqa: A001 - Prefect's name
name: str | None
version: str | None
"""Its label or, where nobody gave it one, its number."""
flow_run_id: str | None
parameters: dict[str, Any]

_EMPTY: dict[str, Any] = {
    "id": None,
    "name": None,
    "version": None,
    "flow_run_id": None,
    "parameters": {},
}


_elsewhere = elsewhere.lookup(__name__)


def __getattr__(attribute: str) -> Any:
    if attribute.startswith("get_") and attribute[4:] in _EMPTY:
        return partial(__getattr__, attribute[4:])
    if attribute not in _EMPTY:
        return _elsewhere(attribute)
    value = _real(attribute)
    found = override("DEPLOYMENT", attribute, like=value)
    return value if found is None else found


def __dir__() -> list[str]:
    return sorted(_EMPTY)


def _real(attribute: str) -> Any:
    context = current_flow_run.get()
    run = context.run if context else None
    if run is None or run.deployment_id is None:
        return _EMPTY[attribute]
    if attribute == "flow_run_id":
        return run.id
    if attribute == "parameters":
        return run.parameters
    if attribute == "version":
        return run.deployment_version
    return run.deployment_id if attribute == "id" else run.deployment_name
