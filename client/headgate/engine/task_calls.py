"""How a task's function is called: here, or where its runner has it called."""

from typing import Any

from headgate.engine.context import FlowRunContext, TaskRunContext
from headgate.engine.effects import Steps
from headgate.engine.iteration import call_function
from headgate.engine.remote import call_remotely
from headgate.engine.timeouts import Deadline
from headgate.settings import load_settings


def call_task(
    context: TaskRunContext, args: list[Any], kwargs: dict[str, Any], *, deadline: Deadline | None
) -> Steps[Any]:
    """Call the function here, or where the task's runner has it called."""
    if context.remote is not None:
        return (
            yield from call_remotely(
                context,
                context.remote,
                args=args,
                kwargs=kwargs,
                deadline=deadline,
                is_print_captured=has_captured_prints(context),
            )
        )
    return (
        yield from call_function(
            context.spec,
            args=args,
            kwargs=kwargs,
            deadline=deadline,
            interrupter=context.flow_run.interrupter if context.flow_run else None,
            is_lazy=context.is_lazy,
        )
    )


def has_captured_prints(context: TaskRunContext) -> bool:
    """Whether what the task prints is logged: by its own word, its flow's, or the settings'."""
    if context.spec.log_prints is not None:
        return context.spec.log_prints
    flow_run: FlowRunContext | None = context.flow_run
    if flow_run is None:
        return load_settings().log_prints
    if flow_run.spec.log_prints is not None:
        return flow_run.spec.log_prints
    return flow_run.settings.log_prints
