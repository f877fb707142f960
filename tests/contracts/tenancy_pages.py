"""The cells of what pages read and keep: log searches, SLA rules, saved views."""

from headgate_server.domain.ids import Kind
from tests.contracts.tenancy_cells import Cell, Request, begun, change
from tests.factories.estates import Estate

BOUND = ("bound",)


def _search(estate: Estate, **sought: str) -> Request:
    document = (
        "query ($id: ID!, $filter: LogSearchFilter) { node(id: $id) { ... on Workspace { "
        "logs(filter: $filter) { nodes { line { message } } } } } }"
    )
    return document, {"id": estate.ids[Kind.WORKSPACE], "filter": sought}


PROMISES = (
    change(
        "slaRuleCreate",
        "input.deploymentId",
        Kind.DEPLOYMENT,
        lambda _e, id_: {"name": "a", "kind": "DURATION", "within": "PT1M", "deploymentId": id_},
        selection="slaRule { name }",
        callers=BOUND,
    ),
    change(
        "slaRuleCreate",
        "input.flowId",
        Kind.FLOW,
        lambda _e, id_: {"name": "b", "kind": "FRESHNESS", "within": "P1D", "flowId": id_},
        selection="slaRule { name }",
        callers=BOUND,
    ),
    change(
        "slaRuleUpdate",
        "input.id",
        Kind.SLA_RULE,
        lambda _e, id_: {"id": id_, "within": "PT10M"},
        selection="slaRule { within }",
        callers=BOUND,
    ),
    change(
        "slaRuleDelete",
        "input.id",
        Kind.SLA_RULE,
        lambda _e, id_: {"id": id_},
        selection="deletedId",
        input_type="DeleteInput",
        callers=BOUND,
    ),
)
VIEWS = (
    Cell(
        "LogSearchFilter.flowId",
        Kind.FLOW,
        lambda e, id_: _search(e, flowId=id_),
        callers=BOUND,
        own_id=lambda e: e.own_run["flowId"],
    ),
    Cell(
        "LogSearchFilter.flowRunId",
        Kind.FLOW_RUN,
        lambda e, id_: _search(e, flowRunId=id_),
        callers=BOUND,
        own_id=begun,
    ),
    change(
        "savedViewCreate",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda _e, id_: {"workspaceId": id_, "name": "a", "page": "logs", "filter": {}},
        selection="savedView { name }",
        callers=BOUND,
    ),
    change(
        "savedViewUpdate",
        "input.id",
        Kind.SAVED_VIEW,
        lambda _e, id_: {"id": id_, "name": "b"},
        selection="savedView { name }",
        callers=BOUND,
    ),
    change(
        "savedViewDelete",
        "input.id",
        Kind.SAVED_VIEW,
        lambda _e, id_: {"id": id_},
        selection="deletedId",
        input_type="DeleteInput",
        callers=BOUND,
    ),
)
"""Who changes a shared view needs more than the field says: roles are not tried on these."""
