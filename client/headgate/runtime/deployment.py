"""The deployment that the run around this code comes from; None, or empty, where it has none."""

from typing import Any

from headgate.engine.context import current_flow_run
from headgate.runtime.overrides import override

id: str | None  # noqa: A001 - Prefect's name
name: str | None
flow_run_id: str | None
parameters: dict[str, Any]

_EMPTY: dict[str, Any] = {"id": None, "name": None, "flow_run_id": None, "parameters": {}}


def __getattr__(attribute: str) -> Any:
    if attribute not in _EMPTY:
        message = f"headgate.runtime.deployment has no {attribute!r}"
        raise AttributeError(message)
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
    return run.deployment_id if attribute == "id" else run.deployment_name
