"""Lists and counts runs by filter and order."""

from typing import Any

from sqlalchemy import Select, select

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.filters import FlowRunFilter
from headgate_server.domain.flow_runs import FlowRun, FlowRunOrder, FlowRunOrderField
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.repositories import filters, pages
from headgate_server.repositories.flow_runs.rows import COLUMNS, to_flow_run
from headgate_server.tables.flow_runs import flow_runs

_SORTS = {
    FlowRunOrderField.EXPECTED_START: flow_runs.c.expected_start,
    FlowRunOrderField.STARTED_AT: flow_runs.c.started_at,
    FlowRunOrderField.ENDED_AT: flow_runs.c.ended_at,
    FlowRunOrderField.NAME: flow_runs.c.name,
}


async def list_flow_runs(
    work: UnitOfWork, *, page: PageRequest, filter: FlowRunFilter | None, order: FlowRunOrder
) -> Page[FlowRun]:
    """Return a page of runs; its key is the order's value and the id."""
    column = _SORTS[order.field]
    sort = pages.Sort(
        (column, flow_runs.c.id),
        is_descending=order.is_descending,
        has_nulls=bool(column.nullable),
    )
    return await pages.read(work, _matching(work, filter), sort=sort, page=page, make=to_flow_run)


async def count_flow_runs(work: UnitOfWork, *, filter: FlowRunFilter | None, cap: int) -> int:
    """Return how many runs match, up to ``cap + 1``."""
    return await pages.count(work, _matching(work, filter), cap=cap)


def _matching(work: UnitOfWork, filter: FlowRunFilter | None) -> Select[Any]:
    return select(*COLUMNS).where(
        flow_runs.c.workspace_id == work.workspace_id,
        *filters.flow_runs(filter, workspace_id=work.workspace_id),
    )
