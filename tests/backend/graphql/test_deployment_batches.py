"""Deployments that are stored together or not at all."""

from typing import Any

import pytest

from headgate_server.domain.ids import Kind
from tests.factories.mutations import mutate
from tests.fixtures.api import ApiClient
from tests.fixtures.installations import Installation, shown

pytestmark = pytest.mark.anyio

BATCH = """mutation ($input: DeploymentUpsertBatchInput!) { deploymentUpsertBatch(input: $input) {
  results { created deployment { name entrypoint version } } errors { code message path } } }"""
DEPLOYMENTS = """query ($id: ID!) { node(id: $id) { ... on Workspace {
  deployments { nodes { name entrypoint } } flows { nodes { name } } } } }"""


async def start(installation: Installation) -> tuple[ApiClient, str]:
    tenant = await installation.tenant()
    api = await installation.client(tenant)
    workspace = shown(Kind.WORKSPACE, tenant.workspace_id)
    place = {"workspaceId": workspace, "flowName": "etl", "name": "old"}
    await mutate(api, "deploymentUpsert", "deployment { id }", **place, entrypoint="a.py:old")
    return api, workspace


async def store(
    api: ApiClient, workspace: str, *deployments: dict[str, Any]
) -> tuple[Any, list[dict[str, Any]]]:
    """Store a batch; return its results and errors."""
    wanted = [{"workspaceId": workspace, "flowName": "etl", **one} for one in deployments]
    given = {"workspaceId": workspace, "deployments": wanted}
    answer = (await api.execute(BATCH, input=given)).data["deploymentUpsertBatch"]
    return answer["results"], answer["errors"]


async def stored(api: ApiClient, workspace: str) -> tuple[dict[str, str], list[str]]:
    """Return the entrypoints of all deployments by name, and the names of the flows."""
    found = (await api.execute(DEPLOYMENTS, id=workspace)).data["node"]
    deployments = {one["name"]: one["entrypoint"] for one in found["deployments"]["nodes"]}
    return deployments, [flow["name"] for flow in found["flows"]["nodes"]]


async def test_batch_is_stored_and_told_in_its_order(installation: Installation) -> None:
    api, workspace = await start(installation)

    results, errors = await store(
        api,
        workspace,
        {"name": "new", "entrypoint": "a.py:new"},
        {"name": "old", "entrypoint": "a.py:changed"},
        {"flowName": "another", "name": "old", "entrypoint": "b.py:old"},
    )

    assert errors == []
    assert [(one["deployment"]["entrypoint"], one["created"]) for one in results] == [
        ("a.py:new", True),
        ("a.py:changed", False),
        ("b.py:old", True),
    ]


async def test_upsert_says_that_schedules_alone_changed(installation: Installation) -> None:
    api, workspace = await start(installation)
    place = {"workspaceId": workspace, "flowName": "etl", "name": "old"}

    async def put(*schedules: dict[str, Any]) -> tuple[bool, bool, int]:
        fields = "created changed deployment { version }"
        done = await mutate(api, "deploymentUpsert", fields, **place, schedules=list(schedules))
        return done["created"], done["changed"], done["deployment"]["version"]

    daily = {"slug": "daily", "spec": {"cron": {"cron": "0 6 * * *"}}}
    later = {"slug": "daily", "spec": {"cron": {"cron": "0 7 * * *"}}}
    told = [
        await put(*schedules)
        for schedules in ([daily], [daily], [later], [later | {"active": False}], [], [])
    ]

    assert {(created, version) for created, _, version in told} == {(False, 1)}
    assert [changed for _, changed, _ in told] == [True, False, True, True, True, False]


@pytest.mark.parametrize(
    ("wrong", "code", "path"),
    [
        ({"name": "new", "workPoolName": "nowhere"}, "NOT_FOUND", "workPoolName"),
        ({"name": "new", "infrastructureRetries": 99}, "INVALID", ""),
        ({"name": "old", "expectedVersion": 7}, "VERSION_CONFLICT", ""),
        ({"name": "first"}, "INVALID", "name"),
    ],
    ids=["no-pool", "out-of-range", "changed-meanwhile", "twice"],
)
async def test_one_that_is_refused_stores_none(
    installation: Installation, wrong: dict[str, Any], code: str, path: str
) -> None:
    api, workspace = await start(installation)

    results, (error,) = await store(
        api,
        workspace,
        {"flowName": "etl", "name": "first", "entrypoint": "a.py:first"},
        wrong,
        {"flowName": "unborn", "name": "third"},
    )

    assert results is None
    assert error["code"] == code
    assert error["path"][:2] == ["deployments", "1"]
    assert path in ("", error["path"][-1])
    assert await stored(api, workspace) == ({"old": "a.py:old"}, ["etl"])


async def test_batch_is_of_one_workspace_and_of_limited_size(installation: Installation) -> None:
    api, workspace = await start(installation)
    other = shown(Kind.WORKSPACE, (await installation.tenant()).workspace_id)

    _, (elsewhere,) = await store(api, workspace, {"workspaceId": other, "name": "new"})
    _, (many,) = await store(api, workspace, *[{"name": f"d{number}"} for number in range(101)])

    assert elsewhere["path"] == ["deployments", "0", "workspaceId"]
    assert many["message"] == "At most 100 deployments go together."
    assert await stored(api, workspace) == ({"old": "a.py:old"}, ["etl"])
