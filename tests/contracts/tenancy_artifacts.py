"""The cells of mutations on artifacts."""

from headgate_server.domain.ids import Kind
from tests.contracts.tenancy_cells import begun, change

MADE = "artifact { key type }"
NOTE = {"type": "markdown", "data": "# Note"}

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
)
