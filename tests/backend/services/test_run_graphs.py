"""The graph of a run: node by node, what changed, and by task where there are many."""

from uuid import UUID

import pytest
from sqlalchemy import func, update

from headgate_server.domain.run_graphs import GraphGroup, parents_of
from headgate_server.domain.states import StateType
from headgate_server.services.run_graphs import read_graph
from headgate_server.tables.flow_runs import flow_runs, task_runs
from tests.factories.histories import make_past_tasks
from tests.fixtures.plans import forbid_scans, reading
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

TASKS = 1_200


async def set_stage(world: World, *, count: int) -> UUID:
    """Have a run with tasks of three kinds: those of task-2 follow all of task-1, a subflow task-0.

    Another run has as many.
    """
    run, child, other = await world.create(3)
    async with world.system() as work:
        await make_past_tasks(work, run.id, count=count, keys=3)
        await make_past_tasks(work, other.id, count=count, keys=3)
        own = (task_runs.c.workspace_id == work.workspace_id, task_runs.c.flow_run_id == run.id)
        first = func.array(
            task_runs.select()
            .with_only_columns(task_runs.c.id)
            .where(*own, task_runs.c.task_key == "task-1")
            .scalar_subquery()
        )
        await work.execute(
            update(task_runs).where(*own, task_runs.c.task_key == "task-2").values(parents=first)
        )
        standing = (
            task_runs.select()
            .with_only_columns(task_runs.c.id)
            .where(*own, task_runs.c.name == "task-0")
            .scalar_subquery()
        )
        await work.execute(
            update(flow_runs).where(flow_runs.c.id == child.id).values(parent_task_run_id=standing)
        )
    return run.id


async def test_small_graph_is_shown_node_by_node_and_then_what_changed(
    world: World, statements: list[str]
) -> None:
    run_id = await set_stage(world, count=6)
    statements.clear()

    async with world.work() as work:
        before = await forbid_scans(work)
        graph = await read_graph(work, run_id, most=10)
        read = await reading(work, before)
    async with world.work() as work:
        changed = await read_graph(work, run_id, since=5, most=10)

    by_name = {run.name: run for run in graph.task_runs}
    assert (graph.total, graph.groups, len(graph.task_runs)) == (6, None, 6)
    assert set(parents_of(by_name["task-2"])) == {by_name["task-1"].id, by_name["task-4"].id}
    assert parents_of(by_name["task-0"]) == ()
    (subflow,) = graph.subflows
    assert parents_of(subflow) == (by_name["task-0"].id,)
    assert [run.name for run in changed.task_runs] == ["task-5"]
    assert read.scanned == ()
    assert len([one for one in statements if "task_runs" in one]) == 6


async def test_large_graph_is_grouped_by_task(world: World) -> None:
    run_id = await set_stage(world, count=TASKS)

    async with world.work() as work:
        before = await forbid_scans(work)
        graph = await read_graph(work, run_id, most=500)
        read = await reading(work, before)

    assert graph.groups is not None
    assert sorted(graph.groups, key=lambda group: group.task_key) == [
        GraphGroup("task-0", _states(), (), 1),
        GraphGroup("task-1", _states(), (), 0),
        GraphGroup("task-2", _states(), ("task-1",), 0),
    ]
    assert (graph.total, list(graph.task_runs)) == (TASKS, [])
    assert read.scanned == ()
    assert read.rows <= 4 * TASKS


def _states() -> dict[StateType, int]:
    third = TASKS // 3
    return {StateType.COMPLETED: third - third // 10, StateType.FAILED: third // 10}
