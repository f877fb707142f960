"""Reads flow runs and what hangs on them."""

from collections.abc import Sequence
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.errors import NotFound
from headgate_server.domain.filters import FlowRunFilter
from headgate_server.domain.flow_runs import FlowRun, FlowRunOrder
from headgate_server.domain.leases import WorkItem
from headgate_server.domain.pagination import COUNT_CAP, Page, PageRequest
from headgate_server.domain.states import State
from headgate_server.repositories.flow_runs import list as listing
from headgate_server.repositories.flow_runs import read as repository
from headgate_server.repositories.leases.read import get_many_work_items

get_many_flow_runs = repository.get_many_flow_runs
get_many_payloads = repository.get_many_payloads
get_many_tags = repository.get_many_tags
get_many_attempts = repository.get_many_attempts
get_many_states = repository.get_many_states
list_states = repository.list_states
list_states_behind = repository.list_states_behind

DEFAULT_ORDER = FlowRunOrder()


async def get_flow_run(work: UnitOfWork, run_id: UUID) -> FlowRun:
    """Return a run of the workspace.

    Raises:
        NotFound: it is in another workspace, or does not exist.
    """
    run = (await repository.get_many_flow_runs(work, [run_id])).get(run_id)
    if run is None:
        raise NotFound
    return run


async def list_flow_runs(
    work: UnitOfWork,
    *,
    page: PageRequest,
    filter: FlowRunFilter | None = None,
    order: FlowRunOrder = DEFAULT_ORDER,
) -> Page[FlowRun]:
    """Return a page of runs; the page key is the order's value and the id."""
    return await listing.list_flow_runs(work, page=page, filter=filter, order=order)


async def count_flow_runs(
    work: UnitOfWork, *, filter: FlowRunFilter | None = None, cap: int = COUNT_CAP
) -> int:
    """Return how many runs match; ``cap + 1`` stands for more than ``cap``."""
    return await listing.count_flow_runs(work, filter=filter, cap=cap)


async def page_states(work: UnitOfWork, *, flow_run_id: UUID, page: PageRequest) -> Page[State]:
    """Return a page of a run's history, oldest first: the page key is ``(sequence,)``."""
    return await repository.page_states(work, flow_run_id=flow_run_id, page=page)


async def get_many_leases(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, WorkItem]:
    """Return the work items of those runs that are live, by the run's id."""
    return await get_many_work_items(work, ids)
