"""A request for every id that the API takes: how it is sent, by whom, and what kind of id it is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from headgate_server.domain.ids import Kind
from tests.factories.estates import Estate
from tests.factories.mutations import Json

Request = tuple[str, Json]

CLIENT_MADE = frozenset(
    {
        "Mutation.flowRunBegin(input.clientId)",
        "Mutation.flowRunBegin(input.id)",
        "Mutation.taskRunSync(input.batchId)",
        "Mutation.logsAppend(input.streamId)",
        "Mutation.artifactCreate(input.id)",
        "Mutation.cacheRecordClaim(input.lockToken)",
        "Mutation.cacheRecordWrite(input.lockToken)",
        "Mutation.cacheRecordWrite(input.taskRunId)",
        "Mutation.cacheRecordRelease(input.lockToken)",
        "Mutation.assetMaterialize(input.assets.id)",
        "Mutation.backgroundTaskCreate(input.id)",
        "Subscription.backgroundTaskWork(workerId)",
        "Mutation.eventsEmit(input.events.id)",
        "Mutation.eventsEmit(input.events.follows)",
        "Mutation.agentRegister(input.instanceId)",
    }
)
"""UUIDs and ids that clients make up: they name nothing that anyone owns."""

TRIED_APART = frozenset(
    {
        "Mutation.organizationDelete(input.id)",
        "Mutation.organizationSuspend(input.id)",
        "Mutation.organizationQuotasUpdate(input.id)",
        "Mutation.supportGrantRequest(input.organizationId)",
        "Mutation.supportGrantWithdraw(input.id)",
        "Mutation.organizationResume(input.id)",
        "Mutation.flowRunRetry(input.fromTaskRunIds)",
    }
)
"""The first needs every workspace archived, the last a run that ended with tasks
(backend/graphql/test_reruns.py), the others an operator, to whom no id is foreign."""

PEOPLE = ("bound", "wide")
NODE_KINDS = (
    Kind.ORGANIZATION,
    Kind.WORKSPACE,
    Kind.USER,
    Kind.SERVICE_ACCOUNT,
    Kind.API_KEY,
    Kind.FLOW,
    Kind.DEPLOYMENT,
    Kind.DEPLOYMENT_VERSION,
    Kind.SCHEDULE,
    Kind.BACKFILL,
    Kind.FAILURE_GROUP,
    Kind.SLA_RULE,
    Kind.SAVED_VIEW,
    Kind.FLOW_RUN,
    Kind.TASK_RUN,
    Kind.BACKGROUND_TASK,
    Kind.WORK_POOL,
    Kind.WORK_QUEUE,
    Kind.AGENT,
    Kind.VARIABLE,
    Kind.ARTIFACT,
    Kind.CONCURRENCY_LIMIT,
    Kind.ASSET,
    Kind.BLOCK_TYPE,
    Kind.BLOCK_SCHEMA,
    Kind.BLOCK_DOCUMENT,
    Kind.MEMBERSHIP,
    Kind.TEAM,
    Kind.ROLE,
    Kind.AUDIT_ENTRY,
    Kind.INVITATION,
)
OF_ORGANIZATIONS = frozenset({Kind.API_KEY, Kind.AUDIT_ENTRY, Kind.INVITATION})
"""What a key that is bound to a workspace does not read."""


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


def mutation(field: str, selection: str, given: Json, *, input_type: str | None = None) -> Request:
    name = input_type or f"{field[0].upper()}{field[1:]}Input"
    document = (
        f"mutation ($input: {name}!) {{ {field}(input: $input) {{ {selection} "
        f"errors {{ __typename code message path }} }} }}"
    )
    return document, {"input": given}


def change(
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
        lambda estate, id_: mutation(field, selection, given(estate, id_), input_type=input_type),
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

    return Cell(f"{filter_type}.{name}", kind, build)


def offered(estate: Estate) -> str:
    return estate.offer["runId"]


def begun(estate: Estate) -> str:
    return estate.own_run["lease"]["runId"]


def child(estate: Estate, **more: Any) -> Json:
    return {
        "workspaceId": estate.ids[Kind.WORKSPACE],
        "deploymentId": estate.ids[Kind.DEPLOYMENT],
        **more,
    }


def session(estate: Estate, **more: Any) -> Json:
    return {"sessionId": estate.ids[Kind.AGENT_SESSION], **more}


def parent(estate: Estate, id_: str) -> Json:
    return {
        "workspaceId": estate.ids[Kind.WORKSPACE],
        "flowName": "child",
        "clientId": str(uuid4()),
        "parentTaskRunId": id_,
    }


QUERIES = (
    *(
        Cell(
            "Query.node(id)",
            kind,
            lambda _estate, id_: ("query ($id: ID!) { node(id: $id) { id } }", {"id": id_}),
            callers=("wide",) if kind in OF_ORGANIZATIONS else PEOPLE,
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
            callers=("wide",) if kind in OF_ORGANIZATIONS else PEOPLE,
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
        "Query.flowRunStarted(id)",
        Kind.FLOW_RUN,
        lambda _estate, id_: (
            "query ($id: ID!) { flowRunStarted(id: $id) { name } }",
            {"id": id_},
        ),
        callers=("run",),
        own_id=lambda estate: estate.started_run,
    ),
    Cell(
        "FlowRun.retryPreview(fromTaskRunIds)",
        Kind.TASK_RUN,
        lambda e, id_: (
            "query ($run: ID!, $ids: [ID!]) { flowRun(id: $run) { "
            "retryPreview(fromTaskRunIds: $ids) { againCount } } }",
            {"run": e.ids[Kind.FLOW_RUN], "ids": [id_]},
        ),
    ),
    Cell(
        "Workspace.backgroundTask(id)",
        Kind.BACKGROUND_TASK,
        lambda e, id_: (
            "query ($id: ID!, $task: ID!) { node(id: $id) { ... on Workspace { "
            "backgroundTask(id: $task) { name } } } }",
            {"id": e.ids[Kind.WORKSPACE], "task": id_},
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
            {"run": begun(estate), "filter": {"taskRunId": {"eq": id_}}},
        ),
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
            {"input": session(e, held=[{**e.own_run["lease"], "runId": id_}])},
        ),
        callers=("agent",),
        own_id=begun,
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
        "Subscription.pauseUpdates(flowRunId)",
        Kind.FLOW_RUN,
        lambda _e, id_: (
            'subscription ($id: ID!) { pauseUpdates(flowRunId: $id, key: "1") { status } }',
            {"id": id_},
        ),
        own_id=lambda e: e.paused_run,
    ),
    Cell(
        "Subscription.runInputs(flowRunId)",
        Kind.FLOW_RUN,
        lambda _e, id_: (
            "subscription ($id: ID!) { runInputs(flowRunId: $id) { payload } }",
            {"id": id_},
        ),
        own_id=lambda e: e.paused_run,
    ),
    Cell(
        "Subscription.backgroundTaskWork(workspaceId)",
        Kind.WORKSPACE,
        lambda _e, id_: (
            "subscription ($id: ID!, $worker: ID!) { backgroundTaskWork("
            'workspaceId: $id, workerId: $worker, taskKeys: ["t"]) { heartbeatInterval } }',
            {"id": id_, "worker": str(uuid4())},
        ),
    ),
    Cell(
        "Subscription.backgroundTaskUpdates(workspaceId)",
        Kind.WORKSPACE,
        lambda e, id_: (
            "subscription ($id: ID!, $task: ID!) { "
            "backgroundTaskUpdates(workspaceId: $id, id: $task) { name } }",
            {"id": id_, "task": e.ids[Kind.BACKGROUND_TASK]},
        ),
    ),
    Cell(
        "Subscription.backgroundTaskUpdates(id)",
        Kind.BACKGROUND_TASK,
        lambda e, id_: (
            "subscription ($id: ID!, $task: ID!) { "
            "backgroundTaskUpdates(workspaceId: $id, id: $task) { name } }",
            {"id": e.ids[Kind.WORKSPACE], "task": id_},
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
    Cell(
        "Subscription.workspaceEvents(workspaceId)",
        Kind.WORKSPACE,
        lambda _e, id_: (
            "subscription ($id: ID!) { workspaceEvents(workspaceId: $id) { cursor } }",
            {"id": id_},
        ),
    ),
    Cell(
        "EventStreamFilter.resourceIds",
        Kind.FLOW,
        lambda e, id_: (
            "subscription ($id: ID!, $filter: EventStreamFilter) { "
            "workspaceEvents(workspaceId: $id, filter: $filter, start: OLDEST) { "
            "events { event } } }",
            {"id": e.ids[Kind.WORKSPACE], "filter": {"resourceIds": [id_]}},
        ),
    ),
)
