"""Configuration through the API: upserts, versions, pauses, keys; and who may change what."""

from typing import Any

import pytest

from headgate_server.domain import ids
from headgate_server.domain.permissions import READ_SCOPES, BuiltinRole
from headgate_server.domain.roles import builtin_role
from headgate_server.services import organizations
from tests.factories.estates import Estate
from tests.factories.mutations import mutate
from tests.fixtures.api import ApiClient
from tests.fixtures.installations import Installation, shown

pytestmark = pytest.mark.anyio

DEPLOYMENT = """deployment { id name version paused tags entrypoint parameters flow { name }
  workPool { name } workQueue { name } onAgentLost abandonAfter fence infrastructureRetries
  lateThreshold pullSteps enforceParameterSchema
  schedules { slug active timezone spec { __typename ... on CronSpec { cron dayOr }
    ... on IntervalSpec { every } } catchUp { policy max window } nextAt missedCount } } created"""


async def try_mutation(api: ApiClient, field: str, input_type: str, **given: Any) -> list[Any]:
    document = (
        f"mutation ($input: {input_type}!) {{ {field}(input: $input) "
        "{ errors { __typename code path ... on VersionConflictError { currentVersion } } } }"
    )
    errors: list[Any] = (await api.execute(document, input=given)).data[field]["errors"]
    return errors


@pytest.mark.parametrize(
    ("field", "kind", "shape", "given"),
    [
        ("variableSet", "VariableSetInput", "variable", {"value": 1}),
        (
            "blockDocumentUpsert",
            "BlockDocumentUpsertInput",
            "blockDocument",
            {"typeSlug": "login", "data": {"password": "S3cret-of-a-lock"}},
        ),
    ],
)
async def test_what_is_to_be_new_is_made_once_however_often_it_is_sent(
    estate: Estate, field: str, kind: str, shape: str, given: dict[str, Any]
) -> None:
    wanted = {
        "workspaceId": estate.ids[ids.Kind.WORKSPACE],
        "name": "lock",
        "expectedVersion": 0,
        **given,
    }

    first, again = [
        await mutate(
            estate.bound, field, f"{shape} {{ id }} created", **wanted, idempotencyKey="mine"
        )
        for _ in range(2)
    ]
    (other,) = await try_mutation(estate.bound, field, kind, **wanted, idempotencyKey="yours")

    assert first == again
    assert first["created"] is True
    assert other["code"] == "CONFLICT"


async def test_redeploy_keeps_what_it_does_not_say(estate: Estate) -> None:
    workspace = estate.ids[ids.Kind.WORKSPACE]
    made = await mutate(
        estate.bound,
        "deploymentUpsert",
        DEPLOYMENT,
        workspaceId=workspace,
        flowName="report",
        name="nightly",
        entrypoint="report.py:main",
        parameters={"day": 1},
        pullSteps=[{"step": {}}],
        workPoolName="pool",
        tags=["b", "a"],
        onAgentLost="RETRY",
        abandonAfter="PT20M",
        schedules=[
            {"slug": "cron", "spec": {"cron": {"cron": "0 3 * * *", "timezone": "Europe/Rome"}}},
            {"slug": "often", "spec": {"interval": {"every": "PT5M"}}, "active": False},
        ],
    )
    again = await mutate(
        estate.bound,
        "deploymentUpsert",
        DEPLOYMENT,
        workspaceId=workspace,
        flowName="report",
        name="nightly",
        paused=True,
        expectedVersion=made["deployment"]["version"],
    )

    first, second = made["deployment"], again["deployment"]
    assert (made["created"], again["created"]) == (True, False)
    assert first["tags"] == ["a", "b"]
    assert (first["workPool"], first["workQueue"]) == ({"name": "pool"}, {"name": "default"})
    assert (first["onAgentLost"], first["abandonAfter"], first["fence"]) == (
        "RETRY",
        "PT1200S",
        "PT600S",
    )
    cron, often = first["schedules"]
    assert cron["spec"] == {"__typename": "CronSpec", "cron": "0 3 * * *", "dayOr": True}
    assert cron["timezone"] == "Europe/Rome"
    assert cron["catchUp"] == {"policy": "SKIP", "max": 100, "window": "P1D"}
    assert often["spec"] == {"__typename": "IntervalSpec", "every": "PT300S"}
    assert (often["active"], often["nextAt"]) == (False, None)
    changed = {key for key in first if first[key] != second[key]}
    assert changed == {"version", "paused", "schedules"}
    assert second["schedules"][0]["nextAt"] is None


async def test_stale_version_is_refused_with_the_current_one(estate: Estate) -> None:
    given = {"workspaceId": estate.ids[ids.Kind.WORKSPACE], "name": "pool", "type": "process"}
    await mutate(estate.bound, "workPoolUpsert", "workPool { id }", **given, concurrencyLimit=3)

    errors = await try_mutation(
        estate.bound, "workPoolUpsert", "WorkPoolUpsertInput", **given, expectedVersion=1
    )

    assert errors == [
        {
            "__typename": "VersionConflictError",
            "code": "VERSION_CONFLICT",
            "path": ["expectedVersion"],
            "currentVersion": 2,
        }
    ]


async def test_null_limit_lifts_it_and_silence_keeps_it(estate: Estate) -> None:
    given = {"workspaceId": estate.ids[ids.Kind.WORKSPACE], "name": "pool", "type": "process"}
    selection = "workPool { concurrencyLimit paused }"

    limited = await mutate(estate.bound, "workPoolUpsert", selection, **given, concurrencyLimit=3)
    kept = await mutate(estate.bound, "workPoolUpsert", selection, **given, paused=True)
    lifted = await mutate(estate.bound, "workPoolUpsert", selection, **given, concurrencyLimit=None)

    assert limited["workPool"] == {"concurrencyLimit": 3, "paused": False}
    assert kept["workPool"] == {"concurrencyLimit": 3, "paused": True}
    assert lifted["workPool"] == {"concurrencyLimit": None, "paused": True}


async def test_new_key_works_with_its_scopes_until_it_is_revoked(
    installation: Installation, estate: Estate
) -> None:
    await mutate(
        estate.wide,
        "serviceAccountRoleBind",
        "serviceAccount { roles { role { name } } }",
        serviceAccountId=estate.ids[ids.Kind.SERVICE_ACCOUNT],
        roleId=shown(ids.Kind.ROLE, builtin_role(BuiltinRole.VIEWER).id),
    )
    made = await mutate(
        estate.bound,
        "apiKeyCreate",
        "apiKey { id prefix scopes owner { __typename } } secret",
        ownerId=estate.ids[ids.Kind.SERVICE_ACCOUNT],
        name="robot",
        scopes=["RUNS_READ", "FLOWS_READ"],
        workspaceId=estate.ids[ids.Kind.WORKSPACE],
    )
    robot = installation.holding(made["secret"])
    me = "{ viewer { actor { __typename displayName } user { id } apiKey { id } scopes } }"

    before = await robot.execute(me)
    await mutate(estate.bound, "apiKeyRevoke", "deletedId", id=made["apiKey"]["id"])
    after = await robot.execute(me)

    assert made["apiKey"]["scopes"] == ["FLOWS_READ", "RUNS_READ"]
    assert made["secret"].startswith(made["apiKey"]["prefix"])
    assert before.data["viewer"]["actor"] == {
        "__typename": "ServiceAccount",
        "displayName": "Robot",
    }
    assert before.data["viewer"]["apiKey"] == {"id": made["apiKey"]["id"]}
    assert before.data["viewer"]["user"] is None
    assert before.data["viewer"]["scopes"] == ["FLOWS_READ", "RUNS_READ"]
    assert (after.status, after.code) == (401, "UNAUTHENTICATED")


async def test_reader_changes_nothing(installation: Installation, estate: Estate) -> None:
    reader = await installation.client(estate.tenant, scopes=READ_SCOPES)
    workspace = estate.ids[ids.Kind.WORKSPACE]
    attempts = {
        "flowUpsert": ("FlowUpsertInput", {"workspaceId": workspace, "name": "x"}),
        "workPoolUpsert": (
            "WorkPoolUpsertInput",
            {"workspaceId": workspace, "name": "x", "type": "process"},
        ),
        "deploymentPause": (
            "PauseInput",
            {"id": estate.ids[ids.Kind.DEPLOYMENT], "paused": True},
        ),
        "flowRunCancel": ("RunCancelInput", {"id": estate.ids[ids.Kind.FLOW_RUN]}),
        "workspaceUpdate": ("WorkspaceUpdateInput", {"id": workspace, "name": "x"}),
    }

    for field, (input_type, given) in attempts.items():
        errors = await try_mutation(reader, field, input_type, **given)
        assert [error["code"] for error in errors] == ["FORBIDDEN"], field

    seen = await reader.execute(
        """query ($id: ID!) { node(id: $id) { ... on Workspace { name flow(name: "x") { id }
        workPool(name: "x") { id } deployment(name: "etl/daily") { paused } } } }""",
        id=workspace,
    )
    assert seen.data["node"] == {
        "name": "Main",
        "flow": None,
        "workPool": None,
        "deployment": {"paused": False},
    }


async def test_organization_is_renamed_unless_its_slug_is_taken(
    installation: Installation, estate: Estate
) -> None:
    other = await installation.tenant()
    async with installation.database.system() as work:
        taken = await organizations.get_organization(work, id_=other.organization_id)
    document = """mutation ($input: OrganizationUpdateInput!) { organizationUpdate(input: $input) {
      organization { slug name version } errors { __typename code path } } }"""
    id_ = estate.ids[ids.Kind.ORGANIZATION]

    async def update(**given: Any) -> Any:
        answer = await estate.wide.execute(document, input={"id": id_, **given})
        return answer.data["organizationUpdate"]

    renamed = await update(slug="renamed", name="Renamed", expectedVersion=1)
    stale = await update(name="Again", expectedVersion=1)
    refused = await update(slug=taken.slug)
    bad = await update(slug="Not A Slug")

    assert renamed["organization"] == {"slug": "renamed", "name": "Renamed", "version": 2}
    assert [error["code"] for error in stale["errors"]] == ["VERSION_CONFLICT"]
    assert refused["errors"] == [
        {"__typename": "ConflictError", "code": "CONFLICT", "path": ["slug"]}
    ]
    assert [error["code"] for error in bad["errors"]] == ["INVALID"]


async def test_machine_that_is_deleted_takes_its_keys_along(
    installation: Installation, estate: Estate
) -> None:
    account = estate.ids[ids.Kind.SERVICE_ACCOUNT]
    made = await mutate(
        estate.wide, "apiKeyCreate", "secret", ownerId=account, name="robot", scopes=["RUNS_READ"]
    )
    robot = installation.holding(made["secret"])
    before = await robot.execute("{ viewer { scopes } }")

    await mutate(estate.wide, "serviceAccountDelete", "deletedId", id=account)

    assert before.status == 200
    assert (await robot.execute("{ viewer { scopes } }")).status == 401
