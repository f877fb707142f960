"""Counts of runs over time."""

from datetime import timedelta

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.filters import FlowRunFilter
from headgate_server.domain.run_counts import Buckets, counted_scope
from headgate_server.repositories import run_counts
from headgate_server.repositories.run_counts import Counts

HOURS_AT_ONCE = 50
RUNS_AT_ONCE = 100_000
"""So many runs of hours that changed are read at most; the rest is told as it was counted last."""
SETTLING = timedelta(seconds=1)
"""How long an hour stays marked before it is counted: what happens meanwhile is counted once."""


async def read_counts(
    work: UnitOfWork, *, buckets: Buckets, filter: FlowRunFilter | None = None
) -> Counts:
    """Return how many runs were due in each bucket, by the state they are in; no zeros.

    Buckets of whole hours of a workspace, a flow or a deployment are read from the hours that the
    loop has counted, and the newest 100,000 runs of those hours that changed since; others from all
    runs.
    """
    scope = counted_scope(filter, workspace_id=work.workspace_id)
    if scope is not None and buckets.has_whole_hours:
        return await run_counts.count_by_hours(
            work, scope=scope, buckets=buckets, most=RUNS_AT_ONCE
        )
    return await run_counts.count_runs(work, filter=filter, buckets=buckets)


async def refresh_counts(work: UnitOfWork) -> int:
    """Count the hours anew whose runs have changed; how many hours, 50 at most."""
    return await run_counts.refresh(work, marked_for=SETTLING, most=HOURS_AT_ONCE)
