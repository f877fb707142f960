"""What surrounds user code, under Prefect's names."""

from headgate.engine.context import (
    FlowRunContext,
    TaskRunContext,
    current_flow_run,
    current_task_run,
    tags,
)
from headgate.errors import MissingContextError


def get_run_context() -> FlowRunContext | TaskRunContext:
    """Return what surrounds this call: its task run, or else its flow run.

    Raises:
        MissingContextError: there is no run around it.
    """
    found = current_task_run.get() or current_flow_run.get()
    if found is None:
        message = "No run context: get_run_context() needs a flow or task run around it"
        raise MissingContextError(message)
    return found


__all__ = ["FlowRunContext", "TaskRunContext", "get_run_context", "tags"]
