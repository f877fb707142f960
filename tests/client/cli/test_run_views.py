"""Graphs, differences, logs and reruns of runs, over a real server and an agent."""

import json
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headgate.api.flow_runs import Named
from headgate.api.logs import LogLine
from headgate.api.run_graphs import GraphAnswer, GraphGroup, RunGraph, StateCount, StateName
from headgate.api.states import StateAnswer
from headgate.api.task_runs import TaskRun
from headgate.cli.run_differences import (
    Difference,
    differences,
    log_difference,
    task_differences,
)
from headgate.cli.run_graphs import Step, mermaid, steps_of, tree_lines
from tests.e2e.dev_server import DevServer
from tests.fixtures.deadlines import eventually_sync
from tests.fixtures.leashed import Leashed

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def agent(cli_server: DevServer) -> Generator[Leashed]:
    """An agent of the default pool."""
    options = ("--pool", "default", "--name", "viewer")
    with cli_server.start("agent", "start", *options, name="viewer") as agent:
        eventually_sync(lambda: "Waiting for runs" in agent.log, within_seconds=30, what="An agent")
        yield agent


@pytest.fixture(scope="module")
def runs(cli_server: DevServer, agent: Leashed) -> tuple[str, str]:
    """The ids of two runs of one deployment: one completed, the other failed."""
    found: list[str] = []
    for name, sign in (("good", 1), ("bad", -1)):
        done = cli_server.headgate(
            *("deployments", "run", "pipeline/test", "--name", name, "-p", f"sign={sign}"),
            *("--watch", "-o", "json"),
        )
        found.append(json.loads(done.out)["id"])
    return found[0], found[1]


def step(name: str, *parents: str, state: str = "COMPLETED") -> Step:
    return Step(name, name, state, state.title(), parents)


def test_tree_puts_a_task_below_the_last_that_it_waited_for() -> None:
    steps = [
        step("a"),
        step("b", "a"),
        step("c", "a", state="FAILED"),
        step("d", "b", "c"),
        step("e", "d"),
        step("f"),
    ]

    assert tree_lines(steps) == [
        "a  ✓ Completed",
        "├─ b  ✓ Completed",
        "└─ c  ✗ Failed",
        "   ↓ d  ✓ Completed  (also after b)",
        "   ↓ e  ✓ Completed",
        "f  ✓ Completed",
    ]


def test_tree_shows_what_hangs_on_nothing_that_is_shown() -> None:
    assert tree_lines([step("a", "gone"), step("b", "b")]) == ["a  ✓ Completed", "b  ✓ Completed"]


def test_mermaid_names_every_edge() -> None:
    text = mermaid([step('say "a"'), step("b", 'say "a"', "gone")])

    assert text.splitlines() == [
        "graph TD",
        '  n0["say #quot;a#quot;: Completed"]',
        '  n1["b: Completed"]',
        "  n0 --> n1",
    ]


def test_many_task_runs_are_shown_by_task() -> None:
    counts = [StateCount("COMPLETED", 900), StateCount("FAILED", 2)]
    groups = [GraphGroup("load", [], 0, counts), GraphGroup("store", ["load"], 3, counts[:1])]
    graph = RunGraph(total=1805, grouped=True, nodes=[], groups=groups)
    found = GraphAnswer("run_1", "x", Named("flow_1", "f"), StateName("FAILED", "Failed"), graph)

    assert tree_lines(steps_of(found)) == [
        "load  ✗ 900 completed, 2 failed",
        "↓ store  ✓ 900 completed, 3 runs of flows",
    ]


def test_differences_are_told_by_the_names_that_lead_there() -> None:
    one = {"a": {"b": 1, "same": [1]}, "gone": True}
    other = {"a": {"b": 2, "same": [1]}, "new": None}

    assert differences(one, other) == [
        Difference("a.b", 1, 2),
        Difference("gone", True, None),
    ]


def task(key: str, *, state: str = "Completed", seconds: float | None = 1.0) -> TaskRun:
    ended = None if seconds is None else NOON + timedelta(seconds=seconds)
    answer = StateAnswer(type=state.upper(), name=state, timestamp=NOON)
    return TaskRun("trun_1", f"{key}-x", key, answer, [], 1, None, NOON, ended)


def test_tasks_are_compared_turn_by_turn() -> None:
    one = [task("load"), task("load", seconds=2.0), task("store", seconds=10.0)]
    other = [task("load", seconds=1.05), task("load", state="Failed"), task("store", seconds=15.0)]

    assert task_differences(one, [*other, task("tell")]) == [
        Difference("task load 2", "Completed, 2.0 s", "Failed, 1.0 s"),
        Difference("task store 1", "Completed, 10 s", "Completed, 15 s"),
        Difference("task tell 1", None, "Completed, 1.0 s"),
    ]
    assert task_differences(one[:1], other[:1]) == []
    assert len(task_differences(one[:1], other[:1], every=True)) == 1


def test_first_line_that_differs_is_told() -> None:
    def lines(*messages: str) -> list[LogLine]:
        return [LogLine(n, NOON, 20, "x", message) for n, message in enumerate(messages)]

    assert log_difference(lines("a", "b\nmore"), lines("a", "b\nother")) == []
    assert log_difference(lines("a", "b"), lines("a")) == [Difference("log line 2", "b", None)]


@pytest.mark.e2e
def test_graph_of_a_run_shows_its_tasks_and_subflows(
    cli_server: DevServer, runs: tuple[str, str]
) -> None:
    tree = cli_server.here("flow-runs", "graph", "bad")
    page = cli_server.here("flow-runs", "graph", runs[0], "-o", "mermaid")
    document: dict[str, Any] = json.loads(
        cli_server.here("flow-runs", "graph", "good", "-o", "json").out
    )

    lines = tree.out.splitlines()
    assert lines[0].split() == ["pipeline", "/", "bad", "Failed"]
    assert sum("load" in line for line in lines) == 2
    assert sum(line.startswith("↓ double") for line in lines) == 2
    (store,) = [line for line in lines if "store" in line]
    assert ("✗ Failed" in store, "also after double" in store) == (True, True)
    assert any("inner / " in line for line in lines)
    assert page.out.startswith("graph TD\n")
    assert (document["graph"]["grouped"], document["graph"]["total"]) == (False, 6)


@pytest.mark.e2e
def test_diff_shows_where_two_runs_part(cli_server: DevServer, runs: tuple[str, str]) -> None:
    found = cli_server.read("flow-runs", "diff", *runs)
    table = cli_server.here("flow-runs", "diff", "good", "bad", "--tasks")
    same = cli_server.here("flow-runs", "diff", "good", "good")
    unknown = cli_server.here("flow-runs", "diff", "good", "gud")

    by_place = {one["what"]: (one["one"], one["other"]) for one in found}
    assert by_place["parameters.sign"] == (1, -1)
    assert by_place["state"] == ("Completed", "Failed")
    assert by_place["message"][1] == "ValueError: nothing to store"
    assert "parameters.count" not in by_place
    assert [value and value.partition(",")[0] for value in by_place["task store 1"]] == [
        "Completed",
        "Failed",
    ]
    assert table.out.splitlines()[0].split() == ["WHAT", "GOOD", "BAD"]
    assert "task double 2" in table.out
    assert (same.out, same.err) == ("", "good and good are alike.\n")
    assert (unknown.code, "Did you mean good?" in unknown.err) == (4, True)


@pytest.mark.e2e
def test_log_is_narrowed_by_text_level_and_task(
    cli_server: DevServer, runs: tuple[str, str]
) -> None:
    by_text = cli_server.here("flow-runs", "logs", "good", "--grep", "DOUBLING 1")
    by_level = cli_server.read("flow-runs", "logs", "good", "--level", "warning")
    (task_run,) = [
        one
        for one in cli_server.read("task-runs", "list", "good")
        if one["taskKey"] == "double" and one["name"].endswith("1")
    ][:1] or cli_server.read("task-runs", "list", "good")[:1]
    shown = cli_server.read("task-runs", "get", task_run["id"])
    lines = cli_server.read("task-runs", "logs", task_run["id"])
    unknown = cli_server.here("task-runs", "get", f"trun_{'0' * 26}")

    assert [line.rpartition(" | ")[2] for line in by_text.out.splitlines()] == ["doubling 1"]
    assert [line["message"] for line in by_level] == ["counting to 2"]
    assert shown["flowRun"]["id"] == runs[0]
    assert [state["name"] for state in shown["states"]][-1] == "Completed"
    assert {line["taskRunId"] for line in lines} <= {task_run["id"]}
    assert unknown.code == 4


@pytest.mark.e2e
def test_rerun_and_retry_take_other_parameters(
    cli_server: DevServer, runs: tuple[str, str]
) -> None:
    again = cli_server.headgate(
        "flow-runs", "rerun", "bad", "-p", "sign=1", "--watch", "-o", "json"
    )
    retried = cli_server.headgate(
        "flow-runs", "retry", "bad", "--from-failed", "-p", "sign=2", "--watch", "-o", "json"
    )
    local = cli_server.headgate("run", "flows.py:inner", "-o", "json")
    refused = cli_server.here("flow-runs", "rerun", json.loads(local.out)["id"])

    new, old = json.loads(again.out), json.loads(retried.out)
    assert (again.code, retried.code) == (0, 0), again.err + retried.err
    assert (new["parameters"], new["tags"]) == ({"sign": 1}, ["t"])
    assert new["id"] not in runs
    assert (old["id"], old["attempt"], old["parameters"]["sign"]) == (runs[1], 2, 2)
    assert (refused.code, "is of no deployment" in refused.err) == (5, True)


@pytest.mark.e2e
def test_flow_agent_and_pages_have_verbs(cli_server: DevServer, agent: Leashed) -> None:
    flow = cli_server.read("flows", "get", "pipeline")
    unknown = cli_server.here("flows", "get", "pipelin")
    agents = cli_server.read("agent", "list", "--online")
    page = cli_server.here("open", "good")
    listed = cli_server.here("open", "flow-runs")
    schema = cli_server.here("schema")

    assert ("test" in flow["deployments"], flow["durations"]["failed"] >= 0) == (True, True)
    assert (unknown.code, "Did you mean pipeline?" in unknown.err) == (4, True)
    assert [(one["name"], one["capacity"]) for one in agents] == [("viewer", 10)]
    assert page.out.startswith(f"{cli_server.url}/default/default/runs/run_")
    assert listed.out == f"{cli_server.url}/default/default/runs\n"
    assert "type Query {" in schema.out


@pytest.mark.e2e
def test_agent_is_drained_by_its_name(cli_server: DevServer) -> None:
    options = ("--pool", "default", "--name", "leaving")
    with cli_server.start("agent", "start", *options, name="leaving") as leaving:
        eventually_sync(lambda: "Waiting for runs" in leaving.log, within_seconds=30, what="It")
        unknown = cli_server.here("agent", "drain", "leavin")
        drained = cli_server.read(
            "agent", "drain", "leaving", "--within", "1h", "--reason", "a new disk"
        )
        ended = leaving.wait()
    again = cli_server.here("agent", "drain", "leaving")
    by_id = cli_server.here("agent", "drain", drained["id"])

    assert (drained["name"], drained["state"], ended) == ("leaving", "DRAINING", 0)
    assert drained["stateReason"].endswith("a new disk")
    assert (unknown.code, "Did you mean leaving?" in unknown.err) == (4, True)
    assert (again.code, by_id.code) == (4, 5), again.err + by_id.err
