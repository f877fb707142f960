"""Headgate: write flows and tasks in Python, run them anywhere, watch them live.

Names are imported when they are first used, so that ``import headgate`` costs next to nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headgate import runtime
    from headgate.annotations import allow_failure, quote, unmapped
    from headgate.engine.context import tags
    from headgate.flow_runs import pause_flow_run, resume_flow_run, suspend_flow_run
    from headgate.flows import Flow, flow
    from headgate.futures import Future, FutureList, as_completed, wait
    from headgate.logs import get_run_logger
    from headgate.serving import aserve, serve
    from headgate.states import State
    from headgate.tasks import Task, exponential_backoff, task
    from headgate.transactions import Transaction, transaction

import headgate.version

__version__ = headgate.version.VERSION

__all__ = [
    "Flow",
    "Future",
    "FutureList",
    "State",
    "Task",
    "Transaction",
    "allow_failure",
    "as_completed",
    "aserve",
    "exponential_backoff",
    "flow",
    "get_run_logger",
    "pause_flow_run",
    "quote",
    "resume_flow_run",
    "runtime",
    "serve",
    "suspend_flow_run",
    "tags",
    "task",
    "transaction",
    "unmapped",
    "wait",
]

_PLACES = {
    "Flow": "headgate.flows",
    "flow": "headgate.flows",
    "Task": "headgate.tasks",
    "task": "headgate.tasks",
    "exponential_backoff": "headgate.tasks",
    "Future": "headgate.futures",
    "FutureList": "headgate.futures",
    "as_completed": "headgate.futures",
    "wait": "headgate.futures",
    "State": "headgate.states",
    "allow_failure": "headgate.annotations",
    "quote": "headgate.annotations",
    "unmapped": "headgate.annotations",
    "get_run_logger": "headgate.logs",
    "aserve": "headgate.serving",
    "serve": "headgate.serving",
    "tags": "headgate.engine.context",
    "Transaction": "headgate.transactions",
    "transaction": "headgate.transactions",
    "pause_flow_run": "headgate.flow_runs",
    "resume_flow_run": "headgate.flow_runs",
    "suspend_flow_run": "headgate.flow_runs",
}


def __getattr__(name: str) -> Any:
    if name == "runtime":
        return importlib.import_module("headgate.runtime")
    if name not in _PLACES:
        message = f"module 'headgate' has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(importlib.import_module(_PLACES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
