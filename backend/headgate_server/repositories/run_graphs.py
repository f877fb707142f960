"""SQL of a run's graph: along the index of the run's task runs."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.run_graphs import GraphGroup
from headgate_server.domain.states import StateType
from headgate_server.domain.task_runs import TaskRun
from headgate_server.repositories.flow_runs.rows import COLUMNS, to_flow_run
from headgate_server.repositories.statements import named
from headgate_server.repositories.task_runs import to_task_run
from headgate_server.tables.flow_runs import flow_runs, task_runs


@dataclass(frozen=True, slots=True)
class Size:
    """How many task runs a run has, and the number of the latest change to them."""

    total: int
    sequence: int


async def measure_graph(work: UnitOfWork, flow_run_id: UUID) -> Size:
    """Return how large a run's graph is."""
    place = {"workspace_id": work.workspace_id, "flow_run_id": flow_run_id}
    row = (await work.execute(named("measure_graph"), place)).one()
    return Size(total=row.total, sequence=row.sequence)


async def list_nodes(
    work: UnitOfWork, flow_run_id: UUID, *, after: int, most: int
) -> list[TaskRun]:
    """Return the task runs of a run that changed after a sequence, in the order they were made."""
    rows = await work.execute(
        select(task_runs)
        .where(
            task_runs.c.workspace_id == work.workspace_id,
            task_runs.c.flow_run_id == flow_run_id,
            task_runs.c.update_sequence > after,
        )
        .order_by(task_runs.c.id)
        .limit(most)
    )
    return [to_task_run(row) for row in rows]


async def list_subflows(work: UnitOfWork, flow_run_id: UUID, *, most: int) -> list[FlowRun]:
    """Return the runs that task runs of a run stand for, in the order they were made."""
    of_run = select(task_runs.c.id).where(
        task_runs.c.workspace_id == work.workspace_id, task_runs.c.flow_run_id == flow_run_id
    )
    rows = await work.execute(
        select(*COLUMNS)
        .where(
            flow_runs.c.workspace_id == work.workspace_id,
            flow_runs.c.parent_task_run_id.in_(of_run),
        )
        .order_by(flow_runs.c.id)
        .limit(most)
    )
    return [to_flow_run(row) for row in rows]


async def group_nodes(work: UnitOfWork, flow_run_id: UUID) -> list[GraphGroup]:
    """Return the task runs of a run by task, in the order in which the tasks came first."""
    place = {"workspace_id": work.workspace_id, "flow_run_id": flow_run_id}
    return [
        GraphGroup(
            task_key=row.task_key,
            counts={StateType(state): size for state, size in row.counts.items()},
            parents=tuple(row.parents),
            subflow_count=row.subflow_count,
        )
        for row in await work.execute(named("group_graph"), place)
    ]
