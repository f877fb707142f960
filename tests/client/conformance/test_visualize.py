"""Drawings of flows."""

import asyncio
from typing import Any

import pytest

from headgate import flow, task
from headgate.engine.sketches import VisualizationError


@task
def extract() -> int:
    raise AssertionError("tasks do not run in a drawing")


@task
def transform(x: int, y: Any = None) -> int:
    raise AssertionError("tasks do not run in a drawing")


@task
def load(x: Any) -> None:
    raise AssertionError("tasks do not run in a drawing")


def test_calls_become_nodes_and_results_edges() -> None:
    @flow
    def parent() -> None:
        load(transform(extract()))

    drawing = parent.visualize()

    assert [node.name for node in drawing.nodes] == ["extract", "transform", "load"]
    assert drawing.edges == [("extract", "transform"), ("transform", "load")]


def test_submitted_tasks_and_their_results_are_drawn() -> None:
    @flow
    def parent() -> None:
        first = extract.submit()
        load.submit([first, transform.submit(first.result())]).wait()

    assert parent.visualize().edges == [
        ("extract", "transform"),
        ("extract", "load"),
        ("transform", "load"),
    ]


def test_wait_for_is_drawn() -> None:
    @flow
    def parent() -> None:
        load.submit(1, wait_for=[extract.submit()])

    assert parent.visualize().edges == [("extract", "load")]


def test_a_map_is_one_node() -> None:
    @flow
    def parent() -> None:
        load(transform.map([1, 2, 3]))

    drawing = parent.visualize()

    assert [node.label for node in drawing.nodes] == ["transform (mapped)", "load"]
    assert drawing.edges == [("transform", "load")]


def test_a_subflow_is_one_node() -> None:
    @flow
    def inner(x: int) -> int:
        raise AssertionError("subflows do not run in a drawing")

    @flow
    def parent() -> None:
        load(inner(extract()))

    assert parent.visualize().edges == [("extract", "inner"), ("inner", "load")]


def test_a_flow_that_looks_into_a_result_cannot_be_drawn() -> None:
    @flow
    def parent() -> None:
        if extract() > 3:
            load(1)

    with pytest.raises(VisualizationError, match="viz_return_value"):
        parent.visualize()


def test_viz_return_value_stands_for_the_result() -> None:
    numbers = extract.with_options(viz_return_value=[4, 5])

    @flow
    def parent() -> None:
        found: Any = numbers()
        if found[0] > 3:
            load(found)

    assert parent.visualize().edges == [("extract", "load")]


def test_async_flows_are_drawn() -> None:
    @task
    async def fetch() -> int:
        raise AssertionError("tasks do not run in a drawing")

    @flow
    async def parent() -> None:
        load(await fetch())

    assert parent.visualize().edges == [("fetch", "load")]


def test_inside_of_an_event_loop_a_drawing_is_awaited() -> None:
    @flow
    async def parent() -> None:
        load(1)

    async def draw() -> Any:
        return await parent.visualize()

    assert [node.name for node in asyncio.run(draw()).nodes] == ["load"]


def test_parameters_are_the_caller_s() -> None:
    @flow
    def parent(count: int = 1) -> None:
        for number in range(count):
            load(number)

    assert len(parent.visualize(3).nodes) == 3


def test_a_drawing_is_a_graph_of_mermaid_or_graphviz() -> None:
    @flow(name="My flow")
    def parent() -> None:
        load(extract())

    drawing = parent.visualize()

    assert str(drawing) == 'graph TD\n  n0["extract"]\n  n1["load"]\n  n0 --> n1\n'
    assert drawing.dot().startswith('digraph "My flow" {\n  n0 [label="extract"];')


def test_afterwards_tasks_run_as_ever() -> None:
    @task
    def real() -> int:
        return 1

    @flow
    def parent() -> int:
        return real()

    parent.visualize()

    assert parent() == 1
