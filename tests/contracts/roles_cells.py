"""A request for every field that declares scopes, and what its answer says of them.

Fields that take an id of a tenant have their requests in the tenancy cells; here are the others,
by the objects of an estate that they are fields of.
"""

from collections.abc import Callable
from typing import Any, cast

from headgate_server.domain.ids import Kind
from tests.contracts.tenancy_cells import Request, mutation
from tests.factories.estates import Estate
from tests.factories.mutations import Json

OF_NODES = {
    "Agent": Kind.AGENT,
    "ApiKey": Kind.API_KEY,
    "Artifact": Kind.ARTIFACT,
    "Asset": Kind.ASSET,
    "AuditEntry": Kind.AUDIT_ENTRY,
    "BlockDocument": Kind.BLOCK_DOCUMENT,
    "BlockType": Kind.BLOCK_TYPE,
    "Deployment": Kind.DEPLOYMENT,
    "FailureGroup": Kind.FAILURE_GROUP,
    "Flow": Kind.FLOW,
    "FlowRun": Kind.FLOW_RUN,
    "Invitation": Kind.INVITATION,
    "Membership": Kind.MEMBERSHIP,
    "Organization": Kind.ORGANIZATION,
    "Schedule": Kind.SCHEDULE,
    "ServiceAccount": Kind.SERVICE_ACCOUNT,
    "SlaRule": Kind.SLA_RULE,
    "TaskRun": Kind.TASK_RUN,
    "Team": Kind.TEAM,
    "Variable": Kind.VARIABLE,
    "WorkPool": Kind.WORK_POOL,
    "Workspace": Kind.WORKSPACE,
}
WITHIN: dict[str, tuple[str, str]] = {
    "AssetMaterialization": ("Asset", "materializations { nodes { %s } }"),
    "Attempt": ("FlowRun", "attempts { %s }"),
    "BackfillItem": ("Backfill", "items { nodes { %s } }"),
    "BackgroundTask": ("Workspace", "backgroundTasks { nodes { %s } }"),
    "ConcurrencyHolder": ("ConcurrencyLimit", "holders { %s }"),
    "ConcurrencyWaiter": ("ConcurrencyLimit", "waiters { %s }"),
    "LogMatch": (
        "Workspace",
        'logs(filter: { at: { gte: "2020-01-01T00:00:00Z" } }) { nodes { %s } }',
    ),
    "Pause": ("FlowRun", "pauses { %s }"),
    "RoleBinding": ("Membership", "bindings { %s }"),
    "RunLease": ("FlowRun", "lease { %s }"),
    "SlaViolation": ("Workspace", "slaViolations { nodes { %s } }"),
    "SupportGrant": ("Organization", "supportGrants(first: 1) { nodes { %s } }"),
    "WorkspaceCounts": ("Workspace", "counts { %s }"),
}
"""Where objects are that no id leads to."""
_SPAN = '(from: "2026-01-01T00:00:00Z", to: "2026-01-02T00:00:00Z", bucket: "PT1H")'
GIVEN = {
    "Deployment.durationTrend": _SPAN,
    "Flow.durationTrend": _SPAN,
    "Workspace.asset": '(key: "s3://bucket/table")',
    "Workspace.backgroundTask": '(id: "btask_01k8000000e008000000000001")',
    "Workspace.blockDocument": '(reference: "login/main")',
    "Workspace.blockType": '(slug: "login")',
    "Workspace.cacheRecord": '(key: "cached")',
    "Workspace.concurrencyLimit": '(name: "database")',
    "Workspace.deployment": '(name: "etl/daily")',
    "Workspace.events": '(filter: { occurred: { gte: "2020-01-01T00:00:00Z" } })',
    "Workspace.flow": '(name: "etl")',
    "Workspace.runHistogram": _SPAN,
    "Workspace.variable": '(name: "region")',
    "Workspace.workPool": '(name: "pool")',
}
"""What fields must be given."""
_LOCAL = "the run is one in its caller's own process"
EMPTY = {
    "Artifact.taskRun": "no task left it",
    "AssetMaterialization.taskRun": "no task did it",
    "Attempt.agent": _LOCAL,
    "FailureGroup.firstVersion": _LOCAL,
    "FailureGroup.lastVersion": _LOCAL,
    "FlowRun.deployment": _LOCAL,
    "FlowRun.deploymentVersion": _LOCAL,
    "FlowRun.failureGroup": "the run never failed",
    "FlowRun.parentTaskRun": _LOCAL,
    "FlowRun.workPool": _LOCAL,
    "FlowRun.workQueue": _LOCAL,
    "Invitation.workspace": "it is to the whole organization",
    "Pause.run": "the run asks nothing",
    "RoleBinding.workspace": "the member holds nothing",
    "RunLease.agent": _LOCAL,
    "SlaRule.deployment": "the rule is of a flow",
    "SlaRule.flow": "the rule is of a deployment",
    "BackfillItem.flowRun": "the first items have no run yet",
    "ConcurrencyHolder.run": "what holds the slot is no run",
    "ConcurrencyHolder.backgroundTask": "what holds the slot is no background task",
    "ConcurrencyWaiter.run": "nobody waits for a slot",
    "ConcurrencyWaiter.backgroundTask": "nobody waits for a slot",
    "ApiKey.workPool": "the key is of no pool",
    "AuditEntry.workspace": "the entry is of the organization",
    "SlaViolation.flowRun": "no promise is broken",
    "Workspace.backgroundTask": "no call has this id",
    "LogMatch.flowRun": "the run wrote nothing that the search finds",
}
"""An estate has nothing to show there: what it answers says nothing of scopes."""
_KINDS = {**OF_NODES, "Backfill": Kind.BACKFILL, "ConcurrencyLimit": Kind.CONCURRENCY_LIMIT}
MISSING = "errors { __typename code message path ... on ForbiddenError { missingScopes } }"


def read(field: str, *, is_leaf: bool) -> Callable[[Estate, str], Request] | None:
    """Return what makes the request of a field of an object; None where it is of no object."""
    type_, _, name = field.partition(".")
    parent, template = WITHIN.get(type_, (type_, "%s"))
    if parent not in _KINDS:
        return None
    asked = f"{name}{GIVEN.get(field, '')}{'' if is_leaf else ' { __typename }'}"

    def build(estate: Estate, _slug: str) -> Request:
        within = template % asked
        document = f"query ($id: ID!) {{ node(id: $id) {{ ... on {parent} {{ {within} }} }} }}"
        return document, {"id": estate.ids[_KINDS[parent]]}

    return build


def _organization(_estate: Estate, slug: str) -> Request:
    return "query ($slug: String!) { organization(slug: $slug) { __typename } }", {"slug": slug}


def _preview(_estate: Estate, _slug: str) -> Request:
    given = '{ cron: { cron: "0 6 * * *" } }'
    return f"{{ schedulePreview(spec: {given}) {{ __typename }} }}", {}


def _delete_organization(estate: Estate, _slug: str) -> Request:
    given: Json = {"id": estate.ids[Kind.ORGANIZATION]}
    return mutation("organizationDelete", "deletedId", given, input_type="DeleteInput")


ROOTS: dict[str, Callable[[Estate, str], Request]] = {
    "Mutation.organizationDelete": _delete_organization,
    "Query.organization": _organization,
    "Query.schedulePreview": _preview,
}


def telling(document: str) -> str:
    """Return a document of the cells that asks which scopes are missing, too."""
    return document.replace("errors { __typename code message path }", MISSING)


def is_denied(answer: Json) -> bool:
    """Whether an answer says that a scope is missing, or shows nothing of what may be null."""
    if any(error["extensions"].get("missingScopes") for error in answer.get("errors", ())):
        return True
    data: dict[str, Any] = answer.get("data") or {}
    return any(_is_denied(value) for value in data.values())


def _is_denied(value: object) -> bool:
    if value is None:
        return True
    if isinstance(value, list):
        found = cast("list[object]", value)
        return bool(found) and all(_is_denied(one) for one in found)
    if not isinstance(value, dict):
        return False
    held = cast("Json", value)
    errors: list[Json] = held.get("errors") or []
    if "errors" in held:
        return any(error.get("missingScopes") for error in errors)
    return any(_is_denied(one) for one in held.values())
