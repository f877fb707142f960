"""Counts runs by time and state: from the counted hours where that will do, else from the runs."""

from datetime import timedelta

from sqlalchemy import BigInteger, cast, func, literal, select

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.filters import FlowRunFilter
from headgate_server.domain.run_counts import Buckets, CountedScope
from headgate_server.domain.states import StateType
from headgate_server.repositories import filters
from headgate_server.repositories.statements import named
from headgate_server.tables.flow_runs import flow_runs

Counts = dict[tuple[int, StateType], int]
"""How many runs are in a state, by the place of the bucket and the state; no zeros."""


async def refresh(work: UnitOfWork, *, marked_for: timedelta, most: int) -> int:
    """Count the hours anew that were marked so long ago, the longest first; how many there were.

    Two may do so at once: each hour is taken by one of them.
    """
    taken = (
        await work.execute(
            named("take_stale_hours"), {"marked_before": work.now - marked_for, "most": most}
        )
    ).all()
    if taken:
        await work.execute(
            named("count_run_hours"),
            {
                "workspace_ids": [row.workspace_id for row in taken],
                "hours": [row.hour for row in taken],
            },
        )
    return len(taken)


async def count_by_hours(
    work: UnitOfWork, *, scope: CountedScope, buckets: Buckets, most: int
) -> Counts:
    """Return the counts of buckets of whole hours: of the workspace, a flow or a deployment.

    Of the hours that changed since they were counted, the newest are counted from their runs, as
    long as these are at most so many together; the others are told as they were counted last.
    """
    rows = await work.execute(
        named(f"read_{scope.of}_counts"),
        {
            "workspace_id": work.workspace_id,
            "scope_id": scope.id,
            "low": buckets.low,
            "high": buckets.high,
            "seconds": int(buckets.size.total_seconds()),
            "most": most,
        },
    )
    return {(row.place, StateType(row.state_type)): row.size for row in rows}


async def count_runs(work: UnitOfWork, *, filter: FlowRunFilter | None, buckets: Buckets) -> Counts:
    """Return the counts of any buckets and any filter, from the runs themselves."""
    start = flow_runs.c.expected_start
    elapsed = func.extract("epoch", start - literal(buckets.low, start.type))
    place = cast(func.floor(elapsed / buckets.size.total_seconds()), BigInteger).label("place")
    rows = await work.execute(
        select(place, flow_runs.c.state_type, func.count().label("size"))
        .where(
            flow_runs.c.workspace_id == work.workspace_id,
            start >= buckets.low,
            start < buckets.high,
            *filters.flow_runs(filter, workspace_id=work.workspace_id),
        )
        .group_by(place, flow_runs.c.state_type)
    )
    return {(row.place, StateType(row.state_type)): row.size for row in rows}
