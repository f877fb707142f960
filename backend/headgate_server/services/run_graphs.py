"""The graph of a run."""

from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.run_graphs import RunGraph, check_most
from headgate_server.repositories import run_graphs


async def read_graph(work: UnitOfWork, flow_run_id: UUID, *, since: int = 0, most: int) -> RunGraph:
    """Return a run's graph: its task runs and subflows, or groups where there are more than most.

    Args:
        work: the unit of work.
        flow_run_id: whose graph.
        since: only task runs that changed after this sequence; groups and subflows are whole.
        most: up to so many task runs are shown one by one.

    Raises:
        InvalidInput: ``most`` is out of range.
    """
    check_most(most)
    size = await run_graphs.measure_graph(work, flow_run_id)
    if size.total > most:
        groups = await run_graphs.group_nodes(work, flow_run_id)
        return RunGraph(size.sequence, size.total, task_runs=(), subflows=(), groups=groups)
    nodes = await run_graphs.list_nodes(work, flow_run_id, after=since, most=most)
    subflows = await run_graphs.list_subflows(work, flow_run_id, most=most)
    return RunGraph(size.sequence, size.total, task_runs=nodes, subflows=subflows, groups=None)
