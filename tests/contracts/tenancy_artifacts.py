"""The cells of mutations on artifacts, assets and events."""

from typing import Any

from headgate_server.domain.clock import SystemClock
from headgate_server.domain.ids import Kind, new_id, show
from tests.contracts.tenancy_cells import begun, change

MADE = "artifact { key type }"
NOTE = {"type": "markdown", "data": "# Note"}


def told(**more: Any) -> dict[str, Any]:
    now = SystemClock().now().isoformat()
    event = {"id": show(Kind.EVENT, new_id()), "occurred": now, "event": "acme.tested"}
    return {**event, "resource": {"id": "acme"}, **more}


def produced(**more: Any) -> dict[str, Any]:
    made = {"id": show(Kind.ASSET_MATERIALIZATION, new_id()), "key": "s3://bucket/second"}
    return {"assets": [made], **more}


ARTIFACTS = (
    change(
        "artifactCreate",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda _e, id_: {"workspaceId": id_, **NOTE},
        selection=MADE,
    ),
    change(
        "artifactCreate",
        "input.flowRunId",
        Kind.FLOW_RUN,
        lambda _e, id_: {"flowRunId": id_, **NOTE},
        selection=MADE,
        callers=("run", "bound", "wide"),
        own_id=begun,
    ),
    change(
        "artifactCreate",
        "input.taskRunId",
        Kind.TASK_RUN,
        lambda _e, id_: {"taskRunId": id_, **NOTE},
        selection=MADE,
        callers=("run", "bound", "wide"),
    ),
    change(
        "artifactUpdate",
        "input.id",
        Kind.ARTIFACT,
        lambda _e, id_: {"id": id_, "description": "changed"},
        selection=MADE,
        callers=("run", "bound", "wide"),
    ),
    change(
        "artifactDelete",
        "input.id",
        Kind.ARTIFACT,
        lambda _e, id_: {"id": id_},
        selection="deletedId",
        input_type="DeleteInput",
    ),
    change(
        "eventsEmit",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda _e, id_: {"workspaceId": id_, "events": [told()]},
        selection="accepted",
    ),
    change(
        "assetMaterialize",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda _e, id_: produced(workspaceId=id_),
        selection="assets { key }",
    ),
    change(
        "assetMaterialize",
        "input.flowRunId",
        Kind.FLOW_RUN,
        lambda _e, id_: produced(flowRunId=id_),
        selection="assets { key }",
        callers=("run", "bound", "wide"),
        own_id=begun,
    ),
    change(
        "assetMaterialize",
        "input.taskRunId",
        Kind.TASK_RUN,
        lambda _e, id_: produced(taskRunId=id_),
        selection="assets { key }",
        callers=("run", "bound", "wide"),
    ),
    change(
        "assetUpsert",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda _e, id_: {
            "workspaceId": id_,
            "key": "s3://bucket/second",
            "properties": {"name": "Second"},
        },
        selection="asset { key }",
    ),
    change(
        "assetDelete",
        "input.id",
        Kind.ASSET,
        lambda _e, id_: {"id": id_},
        selection="deletedId",
        input_type="DeleteInput",
    ),
)
