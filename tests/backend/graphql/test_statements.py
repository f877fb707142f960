"""Lists cost the same SQL for one row and for twenty: nothing is read row by row."""

from typing import Any

import pytest

from headgate_server.domain import ids
from tests.factories.estates import Estate
from tests.factories.mutations import mutate
from tests.fixtures.api import ApiClient
from tests.fixtures.installations import shown

pytestmark = pytest.mark.anyio

WORKSPACE = "query ($id: ID!) { node(id: $id) { ... on Workspace { %s } } }"
RUNS = """flowRuns(first: 50) { nodes { id name tags parameters
  state { name actor { displayName } details } flow { name tags } deployment { name tags
    schedules { slug } upcomingRuns(first: 2) workPool { name } workQueue { name } }
  workPool { name status backlog { ready } queues { name backlog { ready } } }
  workQueue { name } createdBy { displayName } attempts { number agent { name } }
  lease { epoch agent { name } } parentTaskRun { name } } totalCount { value } }"""
DEPLOYMENTS = """deployments(first: 50) { nodes { name tags flow { name tags }
  workPool { name status } workQueue { name backlog { ready } } schedules { slug nextAt status }
  upcomingRuns } totalCount { value } }"""
FLOWS = "flows(first: 50) { nodes { name tags createdBy { displayName } } totalCount { value } }"
POOLS = """workPools(first: 50) { nodes { name status backlog { running }
  queues { name backlog { ready } } } }"""
EVENTS = 'events(filter: {occurred: {gte: "2020-01-01T00:00:00Z"}}) { nodes { event resource } }'
ARTIFACTS = """artifacts(first: 50, filter: {latestPerKey: true}) {
  nodes { key type data flowRun { name } } totalCount { value } }"""
ASSETS = """assets(first: 50) { nodes { key fresh upstream { key } downstream { key } }
  totalCount { value } }"""
TASK_RUNS = "taskRuns(first: 50) { nodes { name tags flowRun { name flow { name } } } }"


async def count(api: ApiClient, estate: Estate, selection: str, statements: list[str]) -> int:
    document = WORKSPACE % selection
    await api.execute(document, id=estate.ids[ids.Kind.WORKSPACE])
    statements.clear()
    answer = await api.execute(document, id=estate.ids[ids.Kind.WORKSPACE])
    assert answer.data["node"] is not None
    opening = ("set_config", "select now()")
    return sum(not any(word in statement for word in opening) for statement in statements)


async def grow(estate: Estate, number: int) -> None:
    """Add a flow, a deployment in a pool of its own, and a run of it."""
    workspace = estate.ids[ids.Kind.WORKSPACE]
    name = f"more-{number}"
    made: dict[str, Any] = {"workspaceId": workspace, "name": name, "type": "process"}
    await mutate(estate.bound, "workPoolUpsert", "workPool { id }", **made)
    deployed = await mutate(
        estate.bound,
        "deploymentUpsert",
        "deployment { id }",
        workspaceId=workspace,
        flowName=name,
        name=name,
        workPoolName=name,
        tags=["a", name],
        schedules=[{"slug": "hourly", "spec": {"interval": {"every": "PT1H"}}}],
    )
    run = await mutate(
        estate.bound,
        "flowRunCreate",
        "flowRun { id }",
        workspaceId=workspace,
        deploymentId=deployed["deployment"]["id"],
        tags=["b"],
    )
    of_run = {"flowRunId": run["flowRun"]["id"]}
    note = {"type": "markdown", "data": name, "key": name, **of_run}
    await mutate(estate.bound, "artifactCreate", "artifact { id }", **note)
    table = {"id": shown(ids.Kind.ASSET_MATERIALIZATION, ids.new_id()), "key": f"s3://b/{name}"}
    produced = {"assets": [table], "upstream": ["s3://b/raw"], **of_run}
    await mutate(estate.bound, "assetMaterialize", "assets { id }", **produced)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        pytest.param(RUNS, 24, id="flowRuns"),
        pytest.param(DEPLOYMENTS, 15, id="deployments"),
        pytest.param(FLOWS, 5, id="flows"),
        pytest.param(POOLS, 7, id="workPools"),
        pytest.param(TASK_RUNS, 5, id="taskRuns"),
        pytest.param(EVENTS, 3, id="events"),
        pytest.param(ARTIFACTS, 6, id="artifacts"),
        pytest.param(ASSETS, 6, id="assets"),
    ],
)
async def test_list_costs_the_same_statements_for_any_number_of_rows(
    estate: Estate, statements: list[str], selection: str, expected: int
) -> None:
    few = await count(estate.bound, estate, selection, statements)
    for number in range(19):
        await grow(estate, number)

    many = await count(estate.bound, estate, selection, statements)

    assert (few, many) == (expected, expected)


ANYTHING = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
CREATE = """mutation ($input: WorkspaceCreateInput!) {
  workspaceCreate(input: $input) { errors { message } } }"""
CREDENTIAL = 1
"""Statements that tell who calls."""
KINDS = (
    ids.Kind.FLOW,
    ids.Kind.DEPLOYMENT,
    ids.Kind.SCHEDULE,
    ids.Kind.FLOW_RUN,
    ids.Kind.TASK_RUN,
    ids.Kind.WORK_POOL,
    ids.Kind.WORK_QUEUE,
    ids.Kind.AGENT,
)


async def test_objects_are_found_among_many_workspaces_by_one_statement(
    estate: Estate, statements: list[str]
) -> None:
    for number in range(12):
        new = {"organizationId": estate.ids[ids.Kind.ORGANIZATION], "slug": f"more-{number}"}
        made = await estate.wide.execute(CREATE, input={**new, "name": "More"})
        assert made.data["workspaceCreate"]["errors"] == []
    wanted = [estate.ids[kind] for kind in KINDS]
    await estate.wide.execute(ANYTHING, ids=wanted)
    statements.clear()

    answer = await estate.wide.execute(ANYTHING, ids=wanted)

    found = [node["id"] for node in answer.data["nodes"]]
    looking = [statement for statement in statements if "any(" in statement.lower()]
    assert found == wanted
    assert len([statement for statement in looking if "union all" in statement]) == 1
    opening = ("set_config", "select now()", "union all")
    reading = [one for one in statements if not any(word in one for word in opening)]
    assert len(reading) == len(KINDS) + CREDENTIAL


async def test_count_is_read_only_when_it_is_selected(
    estate: Estate, statements: list[str]
) -> None:
    without = await count(estate.bound, estate, "flows { nodes { name } }", statements)
    counted = await count(
        estate.bound, estate, "flows { nodes { name } totalCount { value } }", statements
    )

    assert counted == without + 1
