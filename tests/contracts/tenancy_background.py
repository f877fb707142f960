"""The cells of mutations on background tasks."""

from typing import Any

from headgate_server.domain import ids
from headgate_server.domain.ids import Kind
from tests.contracts.tenancy_cells import change
from tests.factories.estates import Estate
from tests.fixtures.installations import shown


def new(workspace_id: str) -> dict[str, Any]:
    return {
        "workspaceId": workspace_id,
        "id": shown(Kind.BACKGROUND_TASK, ids.new_id()),
        "taskKey": "double",
        "name": "double-2",
        "parameters": {"value": {}},
    }


def place(estate: Estate, **more: Any) -> dict[str, Any]:
    return {"workspaceId": estate.ids[Kind.WORKSPACE], **more}


DONE = {"state": {"type": "COMPLETED"}}
LINES: dict[str, Any] = {
    "timestamp": [1_700_000_000_000_000],
    "level": [20],
    "logger": ["etl"],
    "message": ["hello"],
    "taskRunId": [None],
}

BACKGROUND = (
    change(
        "backgroundTaskCreate",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda _e, id_: new(id_),
        selection="task { epoch }",
        callers=("run", "bound", "wide"),
    ),
    change(
        "backgroundTaskStart",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda e, id_: {"workspaceId": id_, "lease": e.held_task},
        selection="task { name }",
    ),
    change(
        "backgroundTaskStart",
        "input.lease.id",
        Kind.BACKGROUND_TASK,
        lambda e, id_: place(e, lease={**e.held_task, "id": id_}),
        selection="task { name }",
    ),
    change(
        "backgroundTasksRenew",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda e, id_: {"workspaceId": id_, "leases": [e.held_task]},
        selection="verdicts",
    ),
    change(
        "backgroundTasksRenew",
        "input.leases.id",
        Kind.BACKGROUND_TASK,
        lambda e, id_: place(e, leases=[{**e.held_task, "id": id_}]),
        selection="verdicts",
    ),
    change(
        "backgroundTaskFinish",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda e, id_: {"workspaceId": id_, "lease": e.held_task, **DONE},
        selection="task { name }",
    ),
    change(
        "backgroundTaskFinish",
        "input.lease.id",
        Kind.BACKGROUND_TASK,
        lambda e, id_: place(e, lease={**e.held_task, "id": id_}, **DONE),
        selection="task { name }",
    ),
    change(
        "backgroundTaskCancel",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda e, id_: {"workspaceId": id_, "id": e.ids[Kind.BACKGROUND_TASK]},
        selection="task { name }",
    ),
    change(
        "backgroundTaskCancel",
        "input.id",
        Kind.BACKGROUND_TASK,
        lambda e, id_: place(e, id=id_),
        selection="task { name }",
    ),
    change(
        "backgroundTaskRetry",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda e, id_: {"workspaceId": id_, "id": e.ended_task},
        selection="task { name }",
    ),
    change(
        "backgroundTaskRetry",
        "input.id",
        Kind.BACKGROUND_TASK,
        lambda e, id_: place(e, id=id_),
        selection="task { name }",
        own_id=lambda e: e.ended_task,
    ),
    change(
        "backgroundTaskLogsAppend",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda e, id_: {"workspaceId": id_, "lease": e.held_task, "offset": 0, "batch": LINES},
        selection="dropped",
    ),
    change(
        "backgroundTaskLogsAppend",
        "input.lease.id",
        Kind.BACKGROUND_TASK,
        lambda e, id_: place(e, lease={**e.held_task, "id": id_}, offset=0, batch=LINES),
        selection="dropped",
    ),
)
