"""The cells of mutations on runs."""

from uuid import uuid4

from headgate_server.domain.ids import Kind
from tests.contracts.tenancy_cells import begun, change, child, parent
from tests.factories.mutations import log_report, task_report

STATE = "accepted state { type }"
RUN = "flowRun { name }"

RUNS = (
    change(
        "flowRunCreate",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda e, id_: child(e, workspaceId=id_, name="a"),
        selection=RUN,
    ),
    change(
        "flowRunCreate",
        "input.deploymentId",
        Kind.DEPLOYMENT,
        lambda e, id_: child(e, deploymentId=id_, name="a"),
        selection=RUN,
    ),
    change(
        "flowRunCreate",
        "input.parentTaskRunId",
        Kind.TASK_RUN,
        lambda e, id_: child(e, parentTaskRunId=id_, name="a"),
        selection=RUN,
    ),
    change(
        "flowRunCreateBatch",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda e, id_: {"workspaceId": id_, "runs": [child(e, workspaceId=id_, name="a")]},
        selection=f"results {{ {RUN} errors {{ code message path }} }}",
    ),
    change(
        "flowRunCreateBatch",
        "input.runs.workspaceId",
        Kind.WORKSPACE,
        lambda e, id_: {
            "workspaceId": e.ids[Kind.WORKSPACE],
            "runs": [child(e, workspaceId=id_, name="a")],
        },
        selection=f"results {{ {RUN} errors {{ code message path }} }}",
    ),
    change(
        "flowRunCreateBatch",
        "input.runs.deploymentId",
        Kind.DEPLOYMENT,
        lambda e, id_: {
            "workspaceId": e.ids[Kind.WORKSPACE],
            "runs": [child(e, deploymentId=id_, name="a")],
        },
        selection=f"results {{ {RUN} errors {{ code message path }} }}",
    ),
    change(
        "flowRunCreateBatch",
        "input.runs.parentTaskRunId",
        Kind.TASK_RUN,
        lambda e, id_: {
            "workspaceId": e.ids[Kind.WORKSPACE],
            "runs": [child(e, parentTaskRunId=id_, name="a")],
        },
        selection=f"results {{ {RUN} errors {{ code message path }} }}",
    ),
    change(
        "flowRunBegin",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda _e, id_: {
            "workspaceId": id_,
            "flowName": "etl",
            "name": "a",
            "clientId": str(uuid4()),
        },
        selection=RUN,
    ),
    change(
        "flowRunBegin",
        "input.parentTaskRunId",
        Kind.TASK_RUN,
        parent,
        selection="flowRun { flow { name } }",
        callers=("bound", "wide"),
    ),
    change(
        "flowRunStart",
        "input.deploymentId",
        Kind.DEPLOYMENT,
        lambda _e, id_: {"deploymentId": id_},
        selection="run { name }",
        callers=("run",),
    ),
    change(
        "flowRunStart",
        "input.parentTaskRunId",
        Kind.TASK_RUN,
        lambda _e, id_: {"deploymentName": "etl/daily", "parentTaskRunId": id_},
        selection="run { name }",
        callers=("run",),
    ),
    change(
        "flowRunSetState",
        "input.id",
        Kind.FLOW_RUN,
        lambda _e, id_: {"id": id_, "state": {"type": "CANCELLED"}, "force": True},
        selection=STATE,
        input_type="RunSetStateInput",
    ),
    change(
        "flowRunSetState",
        "input.lease.runId",
        Kind.FLOW_RUN,
        lambda e, id_: {
            "id": begun(e),
            "state": {"type": "RUNNING"},
            "lease": {**e.own_run["lease"], "runId": id_},
        },
        selection=STATE,
        input_type="RunSetStateInput",
        callers=("run", "bound"),
        own_id=begun,
    ),
    change(
        "flowRunCancel",
        "input.id",
        Kind.FLOW_RUN,
        lambda _e, id_: {"id": id_},
        selection=RUN,
        input_type="RunCancelInput",
    ),
    change(
        "flowRunRetry",
        "input.id",
        Kind.FLOW_RUN,
        lambda _e, id_: {"id": id_},
        selection=RUN,
        own_id=lambda e: e.ended_run,
    ),
    change(
        "taskRunSync",
        "input.flowRunId",
        Kind.FLOW_RUN,
        lambda e, id_: {
            **task_report(e.own_run["lease"], e.ids[Kind.TASK_RUN]),
            "flowRunId": id_,
        },
        selection="accepted",
        callers=("run", "bound", "wide"),
        own_id=begun,
    ),
    change(
        "taskRunSync",
        "input.lease.runId",
        Kind.FLOW_RUN,
        lambda e, id_: {
            **task_report({**e.own_run["lease"], "runId": id_}, e.ids[Kind.TASK_RUN]),
            "flowRunId": begun(e),
        },
        selection="accepted",
        callers=("run", "bound"),
        own_id=begun,
    ),
    change(
        "logsAppend",
        "input.flowRunId",
        Kind.FLOW_RUN,
        lambda _e, id_: log_report(id_, None),
        selection="nextOffset",
        callers=("run", "bound", "wide"),
        own_id=begun,
    ),
    change(
        "runRenew",
        "input.lease.runId",
        Kind.FLOW_RUN,
        lambda e, id_: {"lease": {**e.own_run["lease"], "runId": id_}},
        selection="verdict { outcome }",
        callers=("run", "bound"),
        own_id=begun,
    ),
    change(
        "flowRunDelete",
        "input.id",
        Kind.FLOW_RUN,
        lambda _e, id_: {"id": id_},
        selection="deletedId",
        input_type="DeleteInput",
        own_id=lambda e: e.ended_run,
    ),
    change(
        "flowRunDeleteBatch",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda e, id_: {"workspaceId": id_, "ids": [e.ended_run]},
        selection="results { deletedId errors { code message path } }",
    ),
    change(
        "flowRunDeleteBatch",
        "input.ids",
        Kind.FLOW_RUN,
        lambda e, id_: {"workspaceId": e.ids[Kind.WORKSPACE], "ids": [id_]},
        selection="results { deletedId errors { code message path } }",
        own_id=lambda e: e.ended_run,
    ),
)
