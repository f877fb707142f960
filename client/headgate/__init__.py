"""Headgate: write flows and tasks in Python, run them anywhere, watch them live.

Names are imported when they are first used, so that ``import headgate`` costs next to nothing.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headgate import runtime
    from headgate.annotations import allow_failure, opaque, quote, unmapped
    from headgate.client import get_client
    from headgate.deployments import adeploy, deploy
    from headgate.engine.context import tags
    from headgate.flow_runs import (
        apause_flow_run,
        aresume_flow_run,
        asuspend_flow_run,
        pause_flow_run,
        resume_flow_run,
        suspend_flow_run,
    )
    from headgate.flows import Flow, flow
    from headgate.futures import Future, FutureList, as_completed, wait
    from headgate.logs import get_run_logger
    from headgate.serving import Runner, aserve, serve
    from headgate.states import State
    from headgate.tasks import Task, exponential_backoff, task
    from headgate.transactions import Transaction, transaction

import headgate.version

__version__ = headgate.version.VERSION

_PLACES = {
    "headgate.annotations": ("allow_failure", "opaque", "quote", "unmapped"),
    "headgate.client": ("get_client",),
    "headgate.deployments": ("adeploy", "deploy"),
    "headgate.engine.context": ("tags",),
    "headgate.flow_runs": (
        "apause_flow_run",
        "aresume_flow_run",
        "asuspend_flow_run",
        "pause_flow_run",
        "resume_flow_run",
        "suspend_flow_run",
    ),
    "headgate.flows": ("Flow", "flow"),
    "headgate.futures": ("Future", "FutureList", "as_completed", "wait"),
    "headgate.logs": ("get_run_logger",),
    "headgate.serving": ("Runner", "aserve", "serve"),
    "headgate.states": ("State",),
    "headgate.tasks": ("Task", "exponential_backoff", "task"),
    "headgate.transactions": ("Transaction", "transaction"),
}
_MODULES = {name: module for module, names in _PLACES.items() for name in names}

__all__ = [
    "Flow",
    "Future",
    "FutureList",
    "Runner",
    "State",
    "Task",
    "Transaction",
    "adeploy",
    "allow_failure",
    "apause_flow_run",
    "aresume_flow_run",
    "as_completed",
    "aserve",
    "asuspend_flow_run",
    "deploy",
    "exponential_backoff",
    "flow",
    "get_client",
    "get_run_logger",
    "opaque",
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

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name == "runtime":
            return importlib.import_module("headgate.runtime")
        if name not in _MODULES:
            return importlib.import_module("headgate.elsewhere").lookup(__name__)(name)
        value = getattr(importlib.import_module(_MODULES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


class _Elsewhere:
    """Asked last for modules: says what to use instead of one of Prefect's that is not here."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:
        """Raise where a module is elsewhere; find none anyway."""
        if name.startswith("headgate."):
            importlib.import_module("headgate.elsewhere").refuse_module(name)


sys.meta_path.append(_Elsewhere)
