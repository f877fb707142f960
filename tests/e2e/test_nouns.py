"""Variables, artifacts, assets and events through every floor: user code and the command line."""

import asyncio
import json
from collections.abc import Generator

import pytest

from headgate.api import variables, workspaces
from headgate.api.transport import Transport
from tests.e2e.dev_server import DevServer, dev_server
from tests.fixtures.journeys import Journey

pytestmark = pytest.mark.e2e

SCRIPT = """
import asyncio, json, sys
from headgate import flow, task
from headgate.errors import ConflictError
from headgate.variables import Variable

@task
def read():
    return Variable.get("limits")

@flow
def report():
    first = [read(), Variable.get("gone"), Variable.get("gone", default=7)]
    made = Variable.set("mark", 3, tags=["b"])
    try:
        Variable.set("mark", 4)
    except ConflictError as error:
        first.append("overwrite=True" in str(error))
    return [*first, made.tags, Variable.unset("limits"), Variable.unset("limits")]

@flow
async def report_async():
    await Variable.set("mark", 4, overwrite=True)
    await Variable.aset("mark", 5, overwrite=True)
    return [await Variable.get("mark"), await Variable.aget("mark"), await Variable.aunset("no")]

Variable.set("limits", {"most": 5})
found = [report(), asyncio.run(report_async()), Variable.get("mark")]
sys.stdout.write(json.dumps(found))
"""


LEAVING = """
import sys
from headgate import flow
from headgate.artifacts import (
    Artifact, create_markdown_artifact, create_progress_artifact, create_table_artifact,
    update_progress_artifact,
)
from headgate.assets import add_asset_metadata, materialize
from headgate.events import emit_event

@materialize("s3://bucket/orders", asset_deps=["s3://bucket/raw"])
def load():
    made = create_progress_artifact(0, key="load")
    add_asset_metadata("s3://bucket/orders", {"rows": 3})
    update_progress_artifact(made, 100)
    return 3

@flow
def leave():
    create_markdown_artifact("# Of the run", key="report")
    create_table_artifact([{"rows": load()}])
    emit_event("acme.shipped", {"id": "order-1"})

leave()
create_markdown_artifact("# Outside", key="report")
sys.stdout.write(Artifact.get("report").data)
"""


KEEP_VIEW = """
mutation Keep($input: SavedViewCreateInput!) { savedViewCreate(input: $input) {
  savedView { id } errors { message } } }
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[DevServer]:
    """A server without an agent."""
    folder = tmp_path_factory.mktemp("variables")
    (folder / "script.py").write_text(SCRIPT)
    (folder / "leaving.py").write_text(LEAVING)
    with dev_server(folder) as server:
        yield server


def test_variables_are_set_read_listed_and_deleted(server: DevServer) -> None:
    made = server.here("variables", "set", "region", "north", "--tag", "place")
    again = server.here("variables", "set", "region", "south")
    number = server.here("variables", "set", "region", "[1, 2]", "--overwrite")
    shown = server.here("variables", "get", "region")
    listed = server.read("variables", "list", "--tag", "place")
    bad = server.here("variables", "set", "No Key", "1")
    unsure = server.here("variables", "delete", "region")
    deleted = server.here("variables", "delete", "region", "--yes")
    gone = server.here("variables", "get", "region")

    assert (made.code, again.code, number.code, bad.code) == (0, 5, 0, 2)
    assert "lower-case letters" in bad.err
    assert shown.out == "[1, 2]\n"
    assert [(one["name"], one["value"], one["tags"]) for one in listed] == [
        ("region", [1, 2], ["place"])
    ]
    assert (unsure.code, deleted.code, gone.code) == (2, 0, 4)


def test_user_code_reads_and_sets_variables_in_and_outside_of_runs(server: DevServer) -> None:
    done = server.script("script.py")

    assert done.code == 0, done.err
    assert json.loads(done.out) == [
        [{"most": 5}, None, 7, True, ["b"], True, False],
        [5, 5, False],
        5,
    ]


def test_what_a_run_leaves_is_listed_shown_and_deleted(server: DevServer) -> None:
    done = server.script("leaving.py")
    latest = server.read("artifacts", "list")
    history = server.read("artifacts", "list", "--key", "report")
    every = server.read("artifacts", "list", "--all")
    progress = server.read("artifacts", "inspect", "load")
    asset = server.read("assets", "inspect", "s3://bucket/orders")
    told = server.read("events", "list", "--event", "acme.*")
    deleted = server.here("artifacts", "delete", "report", "--yes")
    before = server.here("artifacts", "inspect", "report")
    unknown = server.here("artifacts", "inspect", "reprot")

    assert (done.code, done.out) == (0, "# Outside"), done.err
    assert [one["key"] for one in latest] == ["report", "load"]
    assert [one["flowRun"] is None for one in history] == [True, False]
    assert sorted(one["type"] for one in every) == ["markdown", "markdown", "progress", "table"]
    assert (progress["data"], progress["taskRun"]["name"][:4]) == (100, "load")
    assert (asset["upstream"], asset["latest"]["metadata"]) == (["s3://bucket/raw"], {"rows": 3})
    assert [(one["resource"], one["related"][0]["kind"]) for one in told] == [
        ({"id": "order-1"}, "flow_run")
    ]
    assert (deleted.code, unknown.code) == (0, 4)
    assert before.out.endswith("# Of the run\n")
    assert "report" in unknown.err


async def test_a_run_gets_what_variables_are_as_it_starts(journey: Journey) -> None:
    for name, value in (("gate", "open"), ("lines", 2)):
        await variables.set_variable(
            journey.transport, workspace_id=journey.workspace_id, name=name, value=value
        )
    journey.open("open")

    run_id = await journey.run(
        "held", parameters={"gate": "{{ variables.gate }}", "lines": "{{ variables.lines }}"}
    )

    assert await journey.records.ended(run_id) == "Completed"


async def test_a_run_that_names_a_missing_variable_fails_and_says_which(journey: Journey) -> None:
    run_id = await journey.run("quick", parameters={"folder": "{{ variables.nowhere }}"})

    assert await journey.records.ended(run_id) == "Failed"
    assert "variables.nowhere" in await journey.records.message(run_id)
    assert journey.executions(run_id) == []


async def keep_view(server: DevServer, name: str) -> None:
    """Keep a view as a page does."""
    organization, _, workspace = server.workspace.partition("/")
    transport = Transport(server.url, server.api_key)
    try:
        id_ = await workspaces.get_id(transport, organization=organization, workspace=workspace)
        kept = {"workspaceId": id_, "name": name, "page": "flow-runs", "filter": {"late": True}}
        await transport.execute(KEEP_VIEW, {"input": kept}, operation="Keep")
    finally:
        await transport.close()


def test_saved_views_are_listed_shown_and_deleted(server: DevServer) -> None:
    for name in ("late", "late", "mine"):
        asyncio.run(keep_view(server, name))

    listed = server.read("views", "list", "--page", "flow-runs")
    shown = server.here("views", "show", "mine")
    doubtful = server.here("views", "show", "late")
    by_id = server.here("views", "delete", listed[0]["id"], "--yes")
    single = server.read("views", "show", "late")
    deleted = server.here("views", "delete", "mine", "--yes")
    unknown = server.here("views", "show", "lat")

    assert [(one["name"], one["page"]) for one in listed] == [
        ("late", "flow-runs"),
        ("late", "flow-runs"),
        ("mine", "flow-runs"),
    ]
    assert '"late": true' in shown.out
    assert (doubtful.code, by_id.code, deleted.code, unknown.code) == (5, 0, 0, 4)
    assert single["id"] == listed[1]["id"]
    assert "late" in unknown.err
    assert [one["name"] for one in server.read("views", "list")] == ["late"]
