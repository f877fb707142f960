"""Names are where they are in Prefect: an import changes by one word."""

import importlib

import pytest

PLACES = {
    "headgate": [
        "Flow",
        "State",
        "Task",
        "Transaction",
        "allow_failure",
        "flow",
        "get_run_logger",
        "pause_flow_run",
        "resume_flow_run",
        "runtime",
        "suspend_flow_run",
        "tags",
        "task",
        "unmapped",
    ],
    "headgate.artifacts": ["create_link_artifact", "create_markdown_artifact"],
    "headgate.assets": ["Asset", "materialize"],
    "headgate.blocks.system": ["Secret"],
    "headgate.concurrency.asyncio": ["concurrency", "rate_limit"],
    "headgate.concurrency.sync": ["concurrency", "rate_limit"],
    "headgate.context": ["FlowRunContext", "TaskRunContext", "get_run_context", "tags"],
    "headgate.deployments": ["run_deployment"],
    "headgate.events": ["emit_event"],
    "headgate.exceptions": ["FailedRun", "MissingContextError", "UnfinishedRun"],
    "headgate.flow_runs": ["pause_flow_run", "suspend_flow_run"],
    "headgate.flows": ["Flow", "flow"],
    "headgate.futures": ["as_completed", "wait"],
    "headgate.input": ["RunInput"],
    "headgate.logging": ["disable_run_logger", "get_logger", "get_run_logger"],
    "headgate.logging.loggers": ["get_logger", "get_run_logger"],
    "headgate.runtime": ["deployment", "flow_run", "task_run"],
    "headgate.states": ["Cancelled", "Completed", "Crashed", "Failed", "State", "StateType"],
    "headgate.task_runners": [
        "ConcurrentTaskRunner",
        "ProcessPoolTaskRunner",
        "ThreadPoolTaskRunner",
    ],
    "headgate.tasks": ["Task", "exponential_backoff", "task"],
    "headgate.testing.utilities": ["prefect_test_harness"],
    "headgate.transactions": ["CommitMode", "IsolationLevel", "get_transaction", "transaction"],
    "headgate.utilities.annotations": ["allow_failure", "quote", "unmapped"],
    "headgate.variables": ["Variable"],
}


@pytest.mark.parametrize(
    ("place", "name"), [(place, name) for place, names in PLACES.items() for name in names]
)
def test_a_name_is_where_it_is_looked_for(place: str, name: str) -> None:
    assert hasattr(importlib.import_module(place), name)
