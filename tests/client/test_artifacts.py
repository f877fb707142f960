"""Artifacts from user code: in order with what else a run reports, through outages, redacted."""

import math
from pathlib import Path
from typing import Any

import pytest

from headgate import flow, task
from headgate.artifacts import (
    Artifact,
    TableArtifact,
    acreate_markdown_artifact,
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from headgate.errors import ArtifactError
from headgate.redaction import MASK, redactor
from tests.client.recording_server import RecordingServer
from tests.fixtures.deadlines import eventually_sync


def sent(server: RecordingServer) -> list[dict[str, Any]]:
    return [
        call.variables["input"]
        for call in server.calls
        if call.operation in {"ArtifactCreate", "ArtifactUpdate"}
    ]


def test_each_kind_reaches_the_server_in_order_under_the_run_s_token(
    server: RecordingServer,
) -> None:
    @task
    def load() -> str:
        made: str = create_progress_artifact(0, key="load", description="rows")
        update_progress_artifact(made, 50)
        return made

    @flow
    def work() -> str:
        create_markdown_artifact("# Hi", key="hi")
        create_table_artifact([{"a": 1, "b": math.nan}])
        create_link_artifact("https://example.com", "there")
        create_image_artifact("https://example.com/a.png")
        return load()

    progress = work()

    run = server.only_run()
    (task_id,) = run.tasks
    inputs = sent(server)
    assert [(one.get("type"), one.get("data")) for one in inputs] == [
        ("markdown", "# Hi"),
        ("table", [{"a": 1, "b": None}]),
        ("link", {"url": "https://example.com", "text": "there"}),
        ("image", {"url": "https://example.com/a.png"}),
        ("progress", 0.0),
        (None, 50.0),
    ]
    assert {one.get("flowRunId") for one in inputs[:5]} == {run.id}
    assert [one.get("taskRunId") for one in inputs[3:5]] == [None, task_id]
    assert inputs[4]["id"] == inputs[5]["id"] == progress
    assert {call.token for call in server.calls if "Artifact" in call.operation} == {run.token}
    operations = server.operations()
    assert operations.index("TaskRunSync") < len(operations) - operations[::-1].index(
        "ArtifactUpdate"
    )
    assert operations[-1] == "FlowRunSetState"


def test_artifacts_outlive_an_outage_in_order_and_once(server: RecordingServer, home: Path) -> None:
    @flow
    def work() -> None:
        server.is_away = True
        for number in range(20):
            create_markdown_artifact(str(number), key="counted")
        eventually_sync(lambda: list((home / "spool").glob("*/*.jsonl")), what="a spool file")
        server.is_away = False

    work()

    inputs = sent(server)
    assert [one["data"] for one in inputs] == [str(number) for number in range(20)]
    assert len({one["id"] for one in inputs}) == 20


def test_secrets_are_masked_in_data_and_description(server: RecordingServer) -> None:
    redactor.add("hunter2-of-artifacts")

    @flow
    def work() -> None:
        create_table_artifact(
            [{"key hunter2-of-artifacts": "is hunter2-of-artifacts"}],
            description="hunter2-of-artifacts",
        )

    work()

    (one,) = sent(server)
    assert one["data"] == [{f"key {MASK}": f"is {MASK}"}]
    assert one["description"] == MASK


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: create_markdown_artifact("x", key="No Key"), "is no key"),
        (lambda: create_markdown_artifact("x" * 1024 * 1024), "may have 1,048,576"),
        (lambda: create_progress_artifact(101), "from 0 to 100"),
        (lambda: create_markdown_artifact("x", description="x" * 10_001), "10,000 characters"),
        (
            lambda: create_link_artifact("javascript:alert(1)"),
            "javascript.* is no address",
        ),
        (lambda: create_link_artifact("data:image/png;base64,AAAA"), "is no address of a link"),
        (lambda: create_link_artifact(""), "'' is no address of a link"),
        (lambda: create_image_artifact("data:image/svg+xml;base64,AAAA"), "of an image"),
        (lambda: create_table_artifact([None]), r"A table is a list of rows.* not \[None\]"),  # pyright: ignore[reportArgumentType]
        (lambda: create_table_artifact("notjson{"), "A table is a list of rows"),
        (lambda: create_markdown_artifact(3), "Markdown is a text, not 3"),  # pyright: ignore[reportArgumentType]
    ],
)
def test_what_cannot_be_stored_fails_where_it_is_made(
    server: RecordingServer, make: Any, words: str
) -> None:
    @flow
    def work() -> None:
        with pytest.raises(ArtifactError, match=words):
            make()

    work()

    assert sent(server) == []


async def test_coroutines_await_the_same_functions(server: RecordingServer) -> None:
    ids: list[str] = []

    @flow
    async def work() -> None:
        made: Any = create_markdown_artifact("one")
        ids.append(await made)
        ids.append(await acreate_markdown_artifact("two"))

    await work()

    assert [one["id"] for one in sent(server)] == ids


@pytest.mark.parametrize("is_in_task", [False, True])
def test_outside_of_a_run_the_key_creates_at_once(
    server: RecordingServer, *, is_in_task: bool
) -> None:
    create: Any = task(create_markdown_artifact) if is_in_task else create_markdown_artifact

    made = create("# Hi", key="hi")

    (one,) = sent(server)
    assert (one["id"], one["workspaceId"]) == (made, "ws_1")
    assert {"flowRunId", "taskRunId"}.isdisjoint(one)
    assert server.calls[-1].token == "key"


def test_a_flow_without_a_server_takes_its_artifacts_for_granted() -> None:
    @flow
    def work() -> str:
        made: str = TableArtifact({"a": [1]}, key="local").create()
        return made

    assert work().startswith("art_")
    assert Artifact(key="x").type == "result"
