"""Rows of any table, many at once: for installations that are filled, not used."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select

from headgate_server.database.work import UnitOfWork
from headgate_server.repositories.statements import named
from headgate_server.tables.flow_runs import flow_runs
from headgate_server.tables.flows import flows
from headgate_server.tables.organizations import organizations, workspaces
from headgate_server.tables.registry import metadata

BATCH = 5_000
"""So many rows of a table go to the server at once."""
_LINES_AT_ONCE = 100_000


async def insert_rows(work: UnitOfWork, rows: Mapping[str, Sequence[dict[str, Any]]]) -> int:
    """Insert rows of any tables, those that others refer to first; how many there were."""
    total = 0
    for table in metadata.sorted_tables:
        given = sorted(rows.get(table.name, ()), key=sorted)
        for _, alike in groupby(given, key=sorted):
            some = list(alike)
            for start in range(0, len(some), BATCH):
                await work.execute(insert(table), some[start : start + BATCH])
            total += len(some)
    return total


async def fill_log(
    work: UnitOfWork, *, workspace_id: UUID, run_id: UUID, since: datetime, count: int
) -> None:
    """Give a run a log of so many lines, one each five milliseconds."""
    for first in range(1, count + 1, _LINES_AT_ONCE):
        await work.execute(
            named("fill_log"),
            {
                "workspace_id": workspace_id,
                "run_id": run_id,
                "since": since,
                "first": first,
                "last": min(count, first + _LINES_AT_ONCE - 1),
            },
        )


async def mark_uncounted_hours(work: UnitOfWork) -> None:
    """Have the runs of every hour counted that has some and no counts."""
    await work.execute(named("mark_uncounted_hours"))


async def take_event_numbers(work: UnitOfWork, count: int) -> list[int]:
    """Return so many numbers of events, in their order."""
    statement = select(func.nextval("event_sequence")).select_from(func.generate_series(1, count))
    return sorted((await work.execute(statement)).scalars())


async def find_used_workspaces(work: UnitOfWork, *, beside: Sequence[str]) -> list[str]:
    """Return ``organization/workspace`` of those that have flows or runs.

    Args:
        work: a unit of work of the system.
        beside: slugs of organizations that do not count.
    """
    has_flows = select(flows.c.id).where(flows.c.workspace_id == workspaces.c.id).exists()
    has_runs = select(flow_runs.c.id).where(flow_runs.c.workspace_id == workspaces.c.id).exists()
    rows = await work.execute(
        select(organizations.c.slug, workspaces.c.slug.label("workspace"))
        .join(workspaces, workspaces.c.organization_id == organizations.c.id)
        .where(organizations.c.slug.not_in(beside), has_flows | has_runs)
        .order_by(organizations.c.slug, workspaces.c.slug)
    )
    return [f"{row.slug}/{row.workspace}" for row in rows]
