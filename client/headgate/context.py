"""What surrounds user code, under Prefect's names."""

import contextvars
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from headgate import elsewhere
from headgate.engine.context import (
    FlowRunContext,
    TaskRunContext,
    current_flow_run,
    current_task_run,
    tags,
)
from headgate.errors import MissingContextError

P = ParamSpec("P")
R = TypeVar("R")

EngineContext = FlowRunContext


def with_context(fn: Callable[P, R]) -> Callable[P, R]:
    """Return a function that another thread calls as if it were here: in this run, with its tags.

    For executors of one's own: ``executor.map(with_context(work), items)``. What it wraps may be
    called several times, and at once.
    """
    around = contextvars.copy_context()

    @wraps(fn)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        # A context runs in one thread at a time.
        return around.copy().run(fn, *args, **kwargs)

    return call


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


__all__ = [
    "EngineContext",
    "FlowRunContext",
    "TaskRunContext",
    "get_run_context",
    "tags",
    "with_context",
]

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
