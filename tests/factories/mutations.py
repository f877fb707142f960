"""Mutations as clients send them, and what runs report."""

from typing import Any
from uuid import uuid4

from tests.fixtures.api import ApiClient
from tests.fixtures.browsers import Browser

Json = dict[str, Any]


async def mutate(api: ApiClient | Browser, field: str, selection: str, **given: Any) -> Json:
    """Run one mutation and return its payload, which has no errors."""
    name = f"{field[0].upper()}{field[1:]}Input"
    name = _INPUTS.get(field, name)
    document = (
        f"mutation ($input: {name}!) {{ {field}(input: $input) "
        f"{{ {selection} errors {{ message path }} }} }}"
    )
    payload = (await api.execute(document, input=given)).data[field]
    assert payload["errors"] == [], payload["errors"]
    return payload


_INPUTS = {
    "flowRunSetState": "RunSetStateInput",
    "agentDeregister": "AgentSessionInput",
    "apiKeyRevoke": "IdInput",
    "memberRemove": "IdInput",
    "blockDocumentReveal": "IdInput",
    "blockDocumentDelete": "DeleteInput",
    "serviceAccountDelete": "IdInput",
    "flowRunCancel": "RunCancelInput",
    "deploymentPause": "PauseInput",
}


def log_report(run_id: str, task_id: str | None) -> Json:
    """Return the report of one line, the first of its stream."""
    lines: dict[str, list[Any]] = {
        "timestamp": [1_700_000_000_000_000],
        "level": [20],
        "logger": ["etl"],
        "message": ["hello"],
        "taskRunId": [task_id],
    }
    return {"flowRunId": run_id, "streamId": str(uuid4()), "offset": 0, "batch": lines}


def task_report(lease: Json, task_id: str) -> Json:
    """Return the report of one task run that has completed."""
    states = [["COMPLETED", "Completed", 1_700_000_000_000_000, None]]
    columns: dict[str, list[Any]] = {
        "id": [task_id],
        "taskKey": ["extract"],
        "name": ["extract-0"],
        "mapIndex": [None],
        "tags": [[]],
        "cacheKey": [None],
        "attempt": [1],
        "parents": [[]],
        "states": [states],
    }
    return {
        "flowRunId": lease["runId"],
        "lease": lease,
        "batchId": str(uuid4()),
        "batch": columns,
    }
