"""The cells of versions of deployments, batches of runs, failure groups, backfills."""

from collections.abc import Callable

from headgate_server.domain.ids import Kind
from tests.contracts.tenancy_cells import Cell, begun, change
from tests.factories.estates import Estate

ONE_BY_ONE = "results { flowRun { name } errors { code message path } }"


def _own_run(verb: str) -> Callable[[Estate], str]:
    return begun if verb == "Cancel" else (lambda estate: estate.ended_run)


def _batch(verb: str) -> tuple[Cell, Cell]:
    own_id = _own_run(verb)
    field = f"flowRun{verb}Batch"
    return (
        change(
            field,
            "input.workspaceId",
            Kind.WORKSPACE,
            lambda e, id_: {"workspaceId": id_, "ids": [own_id(e)]},
            selection=ONE_BY_ONE,
        ),
        change(
            field,
            "input.ids",
            Kind.FLOW_RUN,
            lambda e, id_: {"workspaceId": e.ids[Kind.WORKSPACE], "ids": [id_]},
            selection=ONE_BY_ONE,
            own_id=own_id,
        ),
    )


DEPLOYED = (
    Cell(
        "DeploymentVersion.changes(since)",
        Kind.DEPLOYMENT_VERSION,
        lambda e, id_: (
            "query ($id: ID!, $since: ID) { node(id: $id) { ... on Deployment { currentVersion { "
            "changes(since: $since) { path } } } } }",
            {"id": e.ids[Kind.DEPLOYMENT], "since": id_},
        ),
    ),
    change(
        "deploymentPromote",
        "input.id",
        Kind.DEPLOYMENT_VERSION,
        lambda _e, id_: {"id": id_},
        selection="deployment { name }",
    ),
    change(
        "deploymentRollback",
        "input.id",
        Kind.DEPLOYMENT,
        lambda _e, id_: {"id": id_},
        selection="deployment { name }",
    ),
    Cell(
        "FailureGroupFilter.flowId",
        Kind.FLOW,
        lambda e, id_: (
            "query ($id: ID!, $filter: FailureGroupFilter) { node(id: $id) { ... on Workspace { "
            "failureGroups(filter: $filter) { nodes { __typename } } } } }",
            {"id": e.ids[Kind.WORKSPACE], "filter": {"flowId": id_}},
        ),
    ),
    change(
        "failureGroupUpdate",
        "input.id",
        Kind.FAILURE_GROUP,
        lambda _e, id_: {"id": id_, "status": "RESOLVED"},
        selection="failureGroup { status }",
    ),
    change(
        "failureGroupRetry",
        "input.id",
        Kind.FAILURE_GROUP,
        lambda _e, id_: {"id": id_},
        selection=ONE_BY_ONE,
    ),
    change(
        "backfillCreate",
        "input.deploymentId",
        Kind.DEPLOYMENT,
        lambda _e, id_: {"deploymentId": id_, "name": "a", "parameterSets": [{"size": 1}]},
        selection="backfill { name }",
    ),
    change(
        "backfillPause",
        "input.id",
        Kind.BACKFILL,
        lambda _e, id_: {"id": id_, "paused": True},
        selection="backfill { status }",
        input_type="PauseInput",
    ),
    change(
        "backfillCancel",
        "input.id",
        Kind.BACKFILL,
        lambda _e, id_: {"id": id_},
        selection="backfill { status }",
    ),
    change(
        "backfillRetry",
        "input.id",
        Kind.BACKFILL,
        lambda _e, id_: {"id": id_},
        selection="backfill { status }",
    ),
    *_batch("Cancel"),
    *_batch("Retry"),
)
