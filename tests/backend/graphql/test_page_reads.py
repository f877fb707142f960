"""What pages read besides lists, through the API, of a whole estate."""

from typing import Any

import pytest

from headgate_server.domain.ids import Kind
from headgate_server.domain.permissions import Scope
from tests.factories.estates import Estate
from tests.fixtures.installations import Installation

pytestmark = pytest.mark.anyio

READ = """query ($id: ID!, $run: ID!, $from: DateTime!, $to: DateTime!) {
  node(id: $id) { ... on Workspace {
    counts(window: "PT2H") { since running { value precision } waiting { value } late { value }
      questions { value } inWindow { state count } before { state count }
      pools { pools agentsOnline capacity } }
    logs(first: 1, filter: {text: "hello"}) {
      nodes { line { message } cursor flowRunId flowRun { name flow { name } } }
      pageInfo { hasNextPage } totalCount { value } }
    flow(name: "local") { durations { completed p50 }
      durationTrend(from: $from, to: $to, bucket: "PT30M") { at completed p95 } } } }
  flowRun(id: $run) { timeline { total shown detail taskRuns counts } } }"""
VIEWS = """query ($id: ID!) { node(id: $id) { ... on Workspace {
  savedViews(page: "flow-runs") { nodes { name shared filter createdBy { displayName } } }
  slaRules { nodes { name kind within deployment { name } flow { name }
    violations { nodes { id } } } }
  slaViolations(open: true) { nodes { id rule { name } flowRun { name } } }
  deployment(name: "etl/daily") { slaRules { nodes { name } } } } } }"""
CREATE = """mutation ($input: SavedViewCreateInput!) { savedViewCreate(input: $input) {
  savedView { id shared } errors { code } } }"""
UPDATE = """mutation ($input: SavedViewUpdateInput!) { savedViewUpdate(input: $input) {
  savedView { id shared } errors { code } } }"""
AROUND = """query ($run: ID!, $after: Cursor) { flowRun(id: $run) {
  logs(first: 1, after: $after) { nodes { message } } } }"""


async def test_pages_read_an_estate(estate: Estate) -> None:
    run_id = estate.own_run["lease"]["runId"]
    given: dict[str, Any] = {
        "id": estate.ids[Kind.WORKSPACE],
        "run": run_id,
        "from": "2026-01-01T00:00:00Z",
        "to": "2026-01-01T02:00:00Z",
    }

    read = (await estate.bound.execute(READ, **given)).data

    counts = read["node"]["counts"]
    assert counts["questions"] == {"value": 1}
    assert counts["pools"] == {"pools": 2, "agentsOnline": 1, "capacity": 5}
    assert counts["running"]["precision"] == "EXACT"
    (match,) = read["node"]["logs"]["nodes"]
    assert match["line"] == {"message": "hello"}
    assert match["flowRunId"] == run_id
    assert match["flowRun"]["flow"] == {"name": "local"}
    assert read["node"]["logs"]["totalCount"] == {"value": 1}
    assert read["node"]["flow"]["durations"] == {"completed": 0, "p50": None}
    assert [bucket["completed"] for bucket in read["node"]["flow"]["durationTrend"]] == [0] * 4
    timeline = read["flowRun"]["timeline"]
    assert (timeline["total"], timeline["detail"], timeline["counts"]) == (1, "TASK_RUNS", None)
    assert timeline["taskRuns"]["id"] == [estate.ids[Kind.TASK_RUN]]
    around = await estate.bound.execute(AROUND, run=run_id, after=match["cursor"])
    assert around.data["flowRun"]["logs"]["nodes"] == []


async def test_what_pages_keep_is_read_and_sharing_takes_a_right(
    installation: Installation, estate: Estate
) -> None:
    workspace = estate.ids[Kind.WORKSPACE]
    reader = await installation.client(estate.tenant, scopes=[Scope.RUNS_READ])

    kept = (await estate.bound.execute(VIEWS, id=workspace)).data["node"]
    new: dict[str, Any] = {"workspaceId": workspace, "name": "a", "page": "logs", "filter": {}}
    personal = await reader.execute(CREATE, input=new)
    shared = await reader.execute(CREATE, input={**new, "shared": True})
    own = personal.data["savedViewCreate"]["savedView"]
    published = await reader.execute(UPDATE, input={"id": own["id"], "shared": True})
    others = await reader.execute(
        UPDATE, input={"id": estate.ids[Kind.SAVED_VIEW], "name": "mine now"}
    )

    (view,) = kept["savedViews"]["nodes"]
    assert (view["name"], view["shared"]) == ("failed", True)
    (rule,) = kept["slaRules"]["nodes"]
    assert (rule["kind"], rule["within"], rule["deployment"]) == (
        "LATENESS", "PT300S", {"name": "daily"},
    )  # fmt: skip
    assert kept["slaViolations"]["nodes"] == []
    assert kept["deployment"]["slaRules"]["nodes"] == [{"name": "in time"}]
    assert own["shared"] is False
    for refused, field in (
        (shared, "savedViewCreate"),
        (published, "savedViewUpdate"),
        (others, "savedViewUpdate"),
    ):
        assert [error["code"] for error in refused.data[field]["errors"]] == ["FORBIDDEN"]
