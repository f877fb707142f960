"""Edges of the graph: which task made what another was given, with and without futures."""

import asyncio
import gc
from collections.abc import Generator
from typing import Any

import pytest

from headgate import flow, task
from headgate.engine.makers import Makers
from headgate.reporting.records import TaskRun
from headgate.testing import Records, record_runs

Edges = set[tuple[str, str]]


@pytest.fixture
def records() -> Generator[Records]:
    """What the runs of this test would have told a server."""
    with record_runs() as found:
        yield found


def edges(records: Records) -> Edges:
    """Return who made what whom was given, by the names of the tasks."""
    runs: dict[str, TaskRun] = {run.id: run for run in records.task_runs}
    names = {id_: run.name.rpartition("-")[0] for id_, run in runs.items()}
    return {(names[parent], names[id_]) for id_, run in runs.items() for parent in run.parents}


@task
def extract() -> dict[str, int]:
    return {"x": 1}


@task
def transform(data: dict[str, int]) -> dict[str, int]:
    return {**data, "y": 2}


@task
def load(data: Any) -> str:
    return "ok"


def test_values_that_are_handed_on_make_edges(records: Records) -> None:
    @flow
    def etl() -> None:
        load(transform(extract()))

    etl()

    assert edges(records) == {("extract", "transform"), ("transform", "load")}


def test_results_of_futures_make_edges(records: Records) -> None:
    @flow
    def etl() -> None:
        load.submit(transform.submit(extract()).result()).wait()

    etl()

    assert edges(records) == {("extract", "transform"), ("transform", "load")}


def test_items_of_a_result_make_edges(records: Records) -> None:
    @task
    def split() -> tuple[dict[str, int], dict[str, int]]:
        return {"a": 1}, {"b": 1}

    @flow
    def etl() -> None:
        left, right = split()
        load([left])
        transform(right)

    etl()

    assert edges(records) == {("split", "load"), ("split", "transform")}


def test_subflows_have_edges(records: Records) -> None:
    @flow
    def inner(data: dict[str, int]) -> dict[str, int]:
        return dict(data, z=3)

    @flow
    def outer() -> None:
        load(inner(extract()))

    outer()

    assert edges(records) == {("extract", "inner"), ("inner", "load")}


def test_coroutines_make_edges(records: Records) -> None:
    @task
    async def fetch() -> list[int]:
        return [1000, 2000]

    @flow
    async def etl() -> None:
        load(await fetch())

    asyncio.run(etl())

    assert edges(records) == {("fetch", "load")}


def test_what_any_code_could_have_made_makes_none(records: Records) -> None:
    @task
    def make(value: Any) -> Any:
        return value

    @flow
    def parent() -> None:
        shared: list[Any] = [None, True, 3, "ok", []]
        for value in shared:
            make(value)
        for value in shared:
            load(value)

    parent()

    assert edges(records) == set()


def test_a_value_in_the_place_of_one_that_is_gone_is_another() -> None:
    makers = Makers()
    hits = 0
    for number in range(1000):
        made = [object(), number]
        assert makers.of([made]) == []
        makers.note(made, f"run-{number}")
        hits += makers.of([made]) == [f"run-{number}"]
        del made

    assert hits == 1000


class Large:
    """A value that says when it is gone."""

    alive = 0

    def __init__(self) -> None:
        Large.alive += 1

    def __del__(self) -> None:
        Large.alive -= 1


def test_nothing_is_kept_alive() -> None:
    makers = Makers()
    made = [Large()]
    makers.note(made, "run")
    assert makers.of(made) == ["run"]

    del made
    gc.collect()

    assert Large.alive == 0


@pytest.mark.parametrize("count", [10, 30_000])
def test_the_oldest_are_forgotten(count: int) -> None:
    makers = Makers()
    values = [Large() for _ in range(count)]
    for number, value in enumerate(values):
        makers.note(value, str(number))

    assert makers.of(values[-1:]) == [str(count - 1)]
    assert makers.of(values[:1]) == (["0"] if count == 10 else [])
