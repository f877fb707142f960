"""Versions, failure groups and backfills through the API, as pages read them."""

from typing import Any

import pytest

from headgate_server.domain.ids import Kind
from tests.factories.failures import make_failed_run, make_failure_group
from tests.factories.mutations import mutate
from tests.fixtures.api import ApiClient
from tests.fixtures.installations import Installation, shown

pytestmark = pytest.mark.anyio

VERSIONS = """query ($id: ID!) { node(id: $id) { ... on Deployment {
  entrypoint currentVersion { number label }
  versions { nodes { id number label git isCurrent createdBy { __typename }
    content changes { path before after } } totalCount { value } } } } }"""
GROUPS = """query ($id: ID!) { node(id: $id) { ... on Workspace { failureGroups(first: 5) {
  nodes { message status failureCount runCount flow { name } firstVersion { number }
    runs(first: 5) { nodes { id deploymentVersion { number } failureGroup { message } }
  } } } } } }"""
ITEMS = """query ($id: ID!) { node(id: $id) { ... on Backfill { status counts { status count }
  deployment { name backfills { totalCount { value } } }
  items { nodes { position status parameters flowRun { id } } } } } }"""


async def deploy(api: ApiClient, found: dict[Kind, str], **more: Any) -> None:
    place = {"workspaceId": found[Kind.WORKSPACE], "flowName": "etl", "name": "daily"}
    done = await mutate(api, "deploymentUpsert", "deployment { id }", **place, **more)
    found[Kind.DEPLOYMENT] = done["deployment"]["id"]


async def start(installation: Installation) -> tuple[ApiClient, dict[Kind, str]]:
    tenant = await installation.tenant()
    api = await installation.client(tenant)
    found = {Kind.WORKSPACE: shown(Kind.WORKSPACE, tenant.workspace_id)}
    pool = {"workspaceId": found[Kind.WORKSPACE], "name": "pool", "type": "process"}
    await mutate(api, "workPoolUpsert", "workPool { id }", **pool)
    await deploy(api, found, entrypoint="a.py:one", workPoolName="pool", versionLabel="1.0")
    return api, found


async def test_versions_are_read_compared_and_rolled_back(installation: Installation) -> None:
    api, found = await start(installation)
    await deploy(api, found, entrypoint="a.py:two", git={"commit": "abc"})

    read = (await api.execute(VERSIONS, id=found[Kind.DEPLOYMENT])).data["node"]
    await mutate(api, "deploymentRollback", "deployment { entrypoint }", id=found[Kind.DEPLOYMENT])
    back = (await api.execute(VERSIONS, id=found[Kind.DEPLOYMENT])).data["node"]

    new, old = read["versions"]["nodes"]
    assert (new["number"], new["git"], new["isCurrent"]) == (2, {"commit": "abc"}, True)
    assert (old["label"], old["changes"], old["isCurrent"]) == ("1.0", [], False)
    assert new["changes"] == [{"path": ["entrypoint"], "before": "a.py:one", "after": "a.py:two"}]
    assert new["content"]["workPoolId"].startswith("pool_")
    assert (back["entrypoint"], back["currentVersion"]["number"]) == ("a.py:one", 1)


async def test_failures_are_read_by_group(installation: Installation) -> None:
    api, found = await start(installation)
    await make_failed_run(api, found)
    await make_failure_group(installation.database, api, found)

    (group,) = (await api.execute(GROUPS, id=found[Kind.WORKSPACE])).data["node"]["failureGroups"][
        "nodes"
    ]

    assert (group["message"], group["status"]) == ("row <number> is bad", "OPEN")
    assert (group["failureCount"], group["runCount"]) == (2, 2)
    assert (group["flow"], group["firstVersion"]) == ({"name": "etl"}, {"number": 1})
    assert [run["deploymentVersion"] for run in group["runs"]["nodes"]] == [{"number": 1}] * 2


async def test_backfill_is_planned_without_running_and_then_made(
    installation: Installation,
) -> None:
    api, found = await start(installation)
    instants = {
        "spec": {"cron": {"cron": "0 6 * * *"}},
        "since": "2026-03-01T00:00:00Z",
        "until": "2026-03-03T00:00:00Z",
    }
    asked = {"deploymentId": found[Kind.DEPLOYMENT], "range": instants, "instantParameter": "day"}
    selection = "itemCount items { instant parameters status } backfill { id }"

    dry = await mutate(api, "backfillCreate", selection, **asked, dryRun=True)
    made = await mutate(api, "backfillCreate", selection, **asked, parallelism=2)
    read = (await api.execute(ITEMS, id=made["backfill"]["id"])).data["node"]

    days = ["2026-03-01T06:00:00+00:00", "2026-03-02T06:00:00+00:00"]
    assert [item["parameters"]["day"] for item in dry["items"]] == days
    assert (dry["itemCount"], dry["backfill"], made["itemCount"]) == (2, None, 2)
    assert (read["status"], read["counts"]) == ("RUNNING", [{"status": "WAITING", "count": 2}])
    assert read["deployment"]["backfills"]["totalCount"]["value"] == 1
    assert [item["flowRun"] for item in read["items"]["nodes"]] == [None, None]
