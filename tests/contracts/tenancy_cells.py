"""A request for every id that the API takes: how it is sent, by whom, and what kind of id it is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from headgate_server.domain.ids import Kind
from tests.factories.estates import Estate, Json, task_report

Request = tuple[str, Json]

CLIENT_MADE = frozenset(
    {
        "Mutation.flowRunBegin(input.clientId)",
        "Mutation.taskRunSync(input.batchId)",
        "Mutation.logsAppend(input.streamId)",
        "Mutation.agentRegister(input.instanceId)",
    }
)
"""UUIDs that clients make up: they name nothing that anyone owns."""

PEOPLE = ("bound", "wide")
NODE_KINDS = (
    Kind.ORGANIZATION,
    Kind.WORKSPACE,
    Kind.USER,
    Kind.SERVICE_ACCOUNT,
    Kind.API_KEY,
    Kind.FLOW,
    Kind.DEPLOYMENT,
    Kind.SCHEDULE,
    Kind.FLOW_RUN,
    Kind.TASK_RUN,
    Kind.WORK_POOL,
    Kind.WORK_QUEUE,
    Kind.AGENT,
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One place for an id.

    Args:
        name: Type.field(path.to.the.id), as the schema spells it.
        kind: what the id names.
        build: makes the request from the caller's estate and the id that is tried.
        callers: which of the estate's clients ask.
        own_id: returns the caller's own id where it is not the estate's one of the kind.
        variant: tells cells of one place apart.
    """

    name: str
    kind: Kind
    build: Callable[[Estate, str], Request]
    callers: tuple[str, ...] = PEOPLE
    own_id: Callable[[Estate], str] | None = None
    variant: str = ""

    def own(self, estate: Estate) -> str:
        """Return the id with which the request succeeds."""
        return self.own_id(estate) if self.own_id else estate.ids[self.kind]


def _mutation(field: str, selection: str, given: Json, *, input_type: str | None = None) -> Request:
    name = input_type or f"{field[0].upper()}{field[1:]}Input"
    document = (
        f"mutation ($input: {name}!) {{ {field}(input: $input) {{ {selection} "
        f"errors {{ __typename code message path }} }} }}"
    )
    return document, {"input": given}


def _change(
    field: str,
    path: str,
    kind: Kind,
    given: Callable[[Estate, str], Json],
    *,
    selection: str,
    input_type: str | None = None,
    callers: tuple[str, ...] = PEOPLE,
    own_id: Callable[[Estate], str] | None = None,
) -> Cell:
    return Cell(
        f"Mutation.{field}({path})",
        kind,
        lambda estate, id_: _mutation(field, selection, given(estate, id_), input_type=input_type),
        callers,
        own_id,
    )


def _workspace_query(field: str) -> Callable[[str, Json], Request]:
    def build(filter_type: str, filter_: Json) -> Request:
        document = (
            f"query ($id: ID!, $filter: {filter_type}) {{ node(id: $id) {{ ... on Workspace {{ "
            f"{field}(filter: $filter) {{ nodes {{ __typename }} }} }} }} }}"
        )
        return document, {"filter": filter_}

    return build


def _filter(field: str, filter_type: str, name: str, kind: Kind) -> Cell:
    def build(estate: Estate, id_: str) -> Request:
        document, variables = _workspace_query(field)(filter_type, {name: {"eq": id_}})
        return document, {**variables, "id": estate.ids[Kind.WORKSPACE]}

    own = _offered if name in {"workPoolId", "workQueueId"} else None
    return Cell(
        f"{filter_type}.{name}", kind, build, own_id=None if own is None else _own_place(kind)
    )


def _offered(estate: Estate) -> str:
    return estate.offer["runId"]


def _begun(estate: Estate) -> str:
    return estate.own_run["lease"]["runId"]


def _own_place(kind: Kind) -> Callable[[Estate], str]:
    return lambda estate: estate.ids[kind]


def _child(estate: Estate, **more: Any) -> Json:
    return {
        "workspaceId": estate.ids[Kind.WORKSPACE],
        "deploymentId": estate.ids[Kind.DEPLOYMENT],
        **more,
    }


def _log(id_: str) -> Json:
    lines: dict[str, list[Any]] = {
        "timestamp": [1_700_000_000_000_000],
        "level": [20],
        "logger": ["etl"],
        "message": ["hello"],
        "taskRunId": [None],
    }
    stream = "0192f000-0000-7000-8000-000000000001"
    return {"flowRunId": id_, "streamId": stream, "offset": 0, "batch": lines}


def _session(estate: Estate, **more: Any) -> Json:
    return {"sessionId": estate.ids[Kind.AGENT_SESSION], **more}


def _parent(estate: Estate, id_: str) -> Json:
    return {
        "workspaceId": estate.ids[Kind.WORKSPACE],
        "flowName": "child",
        "clientId": str(uuid4()),
        "parentTaskRunId": id_,
    }


SPEC = {"interval": {"every": "PT1H"}}
STATE = "accepted state { type }"
RUN = "flowRun { name }"

QUERIES = (
    *(
        Cell(
            "Query.node(id)",
            kind,
            lambda _estate, id_: ("query ($id: ID!) { node(id: $id) { id } }", {"id": id_}),
            callers=("wide",) if kind is Kind.API_KEY else PEOPLE,
            variant=kind.value,
        )
        for kind in NODE_KINDS
    ),
    *(
        Cell(
            "Query.nodes(ids)",
            kind,
            lambda _estate, id_: (
                "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }",
                {"ids": [id_]},
            ),
            callers=("wide",) if kind is Kind.API_KEY else PEOPLE,
            variant=kind.value,
        )
        for kind in NODE_KINDS
    ),
    Cell(
        "Query.flowRun(id)",
        Kind.FLOW_RUN,
        lambda _estate, id_: (
            "query ($id: ID!) { flowRun(id: $id) { name logs { nodes { message } } } }",
            {"id": id_},
        ),
    ),
    Cell(
        "Viewer.scopes(workspaceId)",
        Kind.WORKSPACE,
        lambda _estate, id_: (
            "query ($id: ID) { viewer { scopes(workspaceId: $id) } }",
            {"id": id_},
        ),
    ),
    _filter("flows", "FlowFilter", "id", Kind.FLOW),
    _filter("deployments", "DeploymentFilter", "id", Kind.DEPLOYMENT),
    _filter("flowRuns", "FlowRunFilter", "id", Kind.FLOW_RUN),
    _filter("flowRuns", "FlowRunFilter", "workPoolId", Kind.WORK_POOL),
    _filter("flowRuns", "FlowRunFilter", "workQueueId", Kind.WORK_QUEUE),
    _filter("flowRuns", "FlowRunFilter", "parentTaskRunId", Kind.TASK_RUN),
    _filter("taskRuns", "TaskRunFilter", "id", Kind.TASK_RUN),
    _filter("taskRuns", "TaskRunFilter", "flowRunId", Kind.FLOW_RUN),
    Cell(
        "LogFilter.taskRunId",
        Kind.TASK_RUN,
        lambda estate, id_: (
            "query ($run: ID!, $filter: LogFilter) { flowRun(id: $run) { "
            "logs(filter: $filter) { nodes { message } } } }",
            {"run": _begun(estate), "filter": {"taskRunId": {"eq": id_}}},
        ),
    ),
)

CONFIGURATION = (
    _change(
        "workspaceCreate",
        "input.organizationId",
        Kind.ORGANIZATION,
        lambda _e, id_: {"organizationId": id_, "slug": "second", "name": "Second"},
        selection="workspace { slug }",
        callers=("wide",),
    ),
    _change(
        "workspaceUpdate",
        "input.id",
        Kind.WORKSPACE,
        lambda _e, id_: {"id": id_, "name": "Renamed"},
        selection="workspace { name }",
    ),
    _change(
        "serviceAccountCreate",
        "input.organizationId",
        Kind.ORGANIZATION,
        lambda _e, id_: {"organizationId": id_, "name": "Second"},
        selection="serviceAccount { displayName }",
    ),
    _change(
        "apiKeyCreate",
        "input.ownerId",
        Kind.SERVICE_ACCOUNT,
        lambda e, id_: {
            "ownerId": id_,
            "name": "key",
            "scopes": ["RUNS_READ"],
            "workspaceId": e.ids[Kind.WORKSPACE],
        },
        selection="apiKey { name }",
    ),
    _change(
        "apiKeyCreate",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda e, id_: {
            "ownerId": e.ids[Kind.USER],
            "name": "key",
            "scopes": ["RUNS_READ"],
            "workspaceId": id_,
        },
        selection="apiKey { name }",
    ),
    _change(
        "apiKeyRotate",
        "input.id",
        Kind.API_KEY,
        lambda _e, id_: {"id": id_},
        selection="apiKey { name }",
        input_type="IdInput",
        callers=("wide",),
    ),
    _change(
        "apiKeyRevoke",
        "input.id",
        Kind.API_KEY,
        lambda _e, id_: {"id": id_},
        selection="deletedId",
        input_type="IdInput",
        callers=("wide",),
    ),
    _change(
        "flowUpsert",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda _e, id_: {"workspaceId": id_, "name": "other"},
        selection="flow { name }",
    ),
    _change(
        "deploymentUpsert",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda _e, id_: {"workspaceId": id_, "flowName": "etl", "name": "hourly"},
        selection="deployment { name }",
    ),
    _change(
        "deploymentPause",
        "input.id",
        Kind.DEPLOYMENT,
        lambda _e, id_: {"id": id_, "paused": True},
        selection="deployment { name }",
        input_type="PauseInput",
    ),
    _change(
        "scheduleUpsert",
        "input.deploymentId",
        Kind.DEPLOYMENT,
        lambda _e, id_: {"deploymentId": id_, "slug": "hourly", "spec": SPEC},
        selection="schedule { slug }",
    ),
    _change(
        "scheduleDelete",
        "input.id",
        Kind.SCHEDULE,
        lambda _e, id_: {"id": id_},
        selection="deletedId",
        input_type="DeleteInput",
    ),
    _change(
        "workPoolUpsert",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda _e, id_: {"workspaceId": id_, "name": "second", "type": "process"},
        selection="workPool { name }",
    ),
    _change(
        "workQueueUpsert",
        "input.workPoolId",
        Kind.WORK_POOL,
        lambda _e, id_: {"workPoolId": id_, "name": "second"},
        selection="workQueue { name }",
    ),
)

RUNS = (
    _change(
        "flowRunCreate",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda e, id_: _child(e, workspaceId=id_, name="a"),
        selection=RUN,
    ),
    _change(
        "flowRunCreate",
        "input.deploymentId",
        Kind.DEPLOYMENT,
        lambda e, id_: _child(e, deploymentId=id_, name="a"),
        selection=RUN,
    ),
    _change(
        "flowRunCreate",
        "input.parentTaskRunId",
        Kind.TASK_RUN,
        lambda e, id_: _child(e, parentTaskRunId=id_, name="a"),
        selection=RUN,
    ),
    _change(
        "flowRunCreateBatch",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda e, id_: {"workspaceId": id_, "runs": [_child(e, workspaceId=id_, name="a")]},
        selection=f"results {{ {RUN} errors {{ code message path }} }}",
    ),
    _change(
        "flowRunCreateBatch",
        "input.runs.workspaceId",
        Kind.WORKSPACE,
        lambda e, id_: {
            "workspaceId": e.ids[Kind.WORKSPACE],
            "runs": [_child(e, workspaceId=id_, name="a")],
        },
        selection=f"results {{ {RUN} errors {{ code message path }} }}",
    ),
    _change(
        "flowRunCreateBatch",
        "input.runs.deploymentId",
        Kind.DEPLOYMENT,
        lambda e, id_: {
            "workspaceId": e.ids[Kind.WORKSPACE],
            "runs": [_child(e, deploymentId=id_, name="a")],
        },
        selection=f"results {{ {RUN} errors {{ code message path }} }}",
    ),
    _change(
        "flowRunCreateBatch",
        "input.runs.parentTaskRunId",
        Kind.TASK_RUN,
        lambda e, id_: {
            "workspaceId": e.ids[Kind.WORKSPACE],
            "runs": [_child(e, parentTaskRunId=id_, name="a")],
        },
        selection=f"results {{ {RUN} errors {{ code message path }} }}",
    ),
    _change(
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
    _change(
        "flowRunBegin",
        "input.parentTaskRunId",
        Kind.TASK_RUN,
        _parent,
        selection="flowRun { flow { name } }",
        callers=("bound", "wide"),
    ),
    _change(
        "flowRunSetState",
        "input.id",
        Kind.FLOW_RUN,
        lambda _e, id_: {"id": id_, "state": {"type": "CANCELLED"}, "force": True},
        selection=STATE,
        input_type="RunSetStateInput",
    ),
    _change(
        "flowRunSetState",
        "input.lease.runId",
        Kind.FLOW_RUN,
        lambda e, id_: {
            "id": _begun(e),
            "state": {"type": "RUNNING"},
            "lease": {**e.own_run["lease"], "runId": id_},
        },
        selection=STATE,
        input_type="RunSetStateInput",
        callers=("run", "bound"),
        own_id=_begun,
    ),
    _change(
        "flowRunCancel",
        "input.id",
        Kind.FLOW_RUN,
        lambda _e, id_: {"id": id_},
        selection=RUN,
        input_type="RunCancelInput",
    ),
    _change(
        "flowRunRetry",
        "input.id",
        Kind.FLOW_RUN,
        lambda _e, id_: {"id": id_},
        selection=RUN,
        own_id=lambda e: e.ended_run,
    ),
    _change(
        "taskRunSync",
        "input.flowRunId",
        Kind.FLOW_RUN,
        lambda e, id_: {
            **task_report(e.own_run["lease"], e.ids[Kind.TASK_RUN]),
            "flowRunId": id_,
        },
        selection="accepted",
        callers=("run", "bound", "wide"),
        own_id=_begun,
    ),
    _change(
        "taskRunSync",
        "input.lease.runId",
        Kind.FLOW_RUN,
        lambda e, id_: {
            **task_report({**e.own_run["lease"], "runId": id_}, e.ids[Kind.TASK_RUN]),
            "flowRunId": _begun(e),
        },
        selection="accepted",
        callers=("run", "bound"),
        own_id=_begun,
    ),
    _change(
        "logsAppend",
        "input.flowRunId",
        Kind.FLOW_RUN,
        lambda _e, id_: _log(id_),
        selection="nextOffset",
        callers=("run", "bound", "wide"),
        own_id=_begun,
    ),
    _change(
        "runRenew",
        "input.lease.runId",
        Kind.FLOW_RUN,
        lambda e, id_: {"lease": {**e.own_run["lease"], "runId": id_}},
        selection="verdict { outcome }",
        callers=("run", "bound"),
        own_id=_begun,
    ),
)

AGENTS = (
    _change(
        "agentHeartbeat",
        "input.sessionId",
        Kind.AGENT_SESSION,
        lambda _e, id_: {"sessionId": id_, "held": [], "capacity": 1},
        selection="directives { kind }",
        callers=("agent",),
    ),
    _change(
        "agentHeartbeat",
        "input.held.runId",
        Kind.FLOW_RUN,
        lambda e, id_: _session(e, held=[{**e.offer, "runId": id_}], capacity=1),
        selection="leases { outcome }",
        callers=("agent",),
        own_id=_offered,
    ),
    _change(
        "agentDrain",
        "input.sessionId",
        Kind.AGENT_SESSION,
        lambda _e, id_: {"sessionId": id_},
        selection="agent { name }",
        callers=("agent",),
    ),
    _change(
        "agentDeregister",
        "input.sessionId",
        Kind.AGENT_SESSION,
        lambda _e, id_: {"sessionId": id_},
        selection="deletedId",
        input_type="AgentSessionInput",
        callers=("agent",),
    ),
    _change(
        "runClaim",
        "input.sessionId",
        Kind.AGENT_SESSION,
        lambda e, id_: {"sessionId": id_, "lease": e.offer},
        selection="run { name }",
        callers=("agent",),
    ),
    _change(
        "runClaim",
        "input.lease.runId",
        Kind.FLOW_RUN,
        lambda e, id_: _session(e, lease={**e.offer, "runId": id_}),
        selection="run { name }",
        callers=("agent",),
        own_id=_offered,
    ),
    _change(
        "runDecline",
        "input.sessionId",
        Kind.AGENT_SESSION,
        lambda e, id_: {"sessionId": id_, "lease": e.offer, "reason": "busy"},
        selection="deletedId",
        callers=("agent",),
    ),
    _change(
        "runDecline",
        "input.lease.runId",
        Kind.FLOW_RUN,
        lambda e, id_: _session(e, lease={**e.offer, "runId": id_}, reason="busy"),
        selection="deletedId",
        callers=("agent",),
        own_id=_offered,
    ),
    _change(
        "runRelease",
        "input.sessionId",
        Kind.AGENT_SESSION,
        lambda e, id_: {"sessionId": id_, "lease": e.offer, "finalState": {"type": "CRASHED"}},
        selection=STATE,
        callers=("agent",),
    ),
    _change(
        "runRelease",
        "input.lease.runId",
        Kind.FLOW_RUN,
        lambda e, id_: _session(e, lease={**e.offer, "runId": id_}, finalState={"type": "CRASHED"}),
        selection=STATE,
        callers=("agent",),
        own_id=_offered,
    ),
)

FOLLOWED = (
    Cell(
        "Subscription.agentWork(input.sessionId)",
        Kind.AGENT_SESSION,
        lambda _e, id_: (
            "subscription ($input: AgentWorkInput!) { agentWork(input: $input) { __typename } }",
            {"input": {"sessionId": id_, "held": []}},
        ),
        callers=("agent",),
    ),
    Cell(
        "Subscription.agentWork(input.held.runId)",
        Kind.FLOW_RUN,
        lambda e, id_: (
            "subscription ($input: AgentWorkInput!) { agentWork(input: $input) { "
            "... on StreamOpened { held { epoch } } } }",
            {"input": _session(e, held=[{**e.offer, "runId": id_}])},
        ),
        callers=("agent",),
        own_id=_offered,
    ),
    Cell(
        "Subscription.flowRunUpdates(flowRunId)",
        Kind.FLOW_RUN,
        lambda _e, id_: (
            "subscription ($id: ID!) { flowRunUpdates(flowRunId: $id) { run { name } } }",
            {"id": id_},
        ),
    ),
    Cell(
        "Subscription.logTail(flowRunId)",
        Kind.FLOW_RUN,
        lambda _e, id_: (
            "subscription ($id: ID!) { logTail(flowRunId: $id) { lines { message } cursor } }",
            {"id": id_},
        ),
    ),
)

REQUESTED = (*QUERIES, *CONFIGURATION, *RUNS, *AGENTS)
