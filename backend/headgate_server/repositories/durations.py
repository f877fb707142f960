"""SQL of how long runs took: percentiles over the latest runs of each flow, deployment or bucket.

Each is one walk along the index of the owner's runs by expected start, cut off after a sample: the
work is the same for a thousand runs and for a million.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Row, Subquery, and_, func, literal, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import DateTime, Uuid

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.durations import (
    BUCKET_SAMPLE,
    SAMPLE,
    DurationBuckets,
    RunDurations,
    RunOwner,
)
from headgate_server.domain.states import StateType
from headgate_server.tables.flow_runs import flow_runs

_COLUMNS: dict[RunOwner, Column[Any]] = {
    RunOwner.FLOW: flow_runs.c.flow_id,
    RunOwner.DEPLOYMENT: flow_runs.c.deployment_id,
}
_FAILED = (StateType.FAILED.value, StateType.CRASHED.value)


async def measure_owners(
    work: UnitOfWork, ids: Sequence[UUID], *, owner: RunOwner, since: datetime
) -> dict[UUID, RunDurations]:
    """Return the durations of each flow or deployment since a time, in one statement."""
    wanted = select(
        func.unnest(literal(list(ids), ARRAY(Uuid(as_uuid=True))), type_=Uuid()).label("id")
    ).subquery("wanted")
    last = _last(work, owner, wanted.c.id, low=literal(since), high=literal(work.now), most=SAMPLE)
    rows = await work.execute(_measured(wanted, wanted.c.id, last))
    return {row.id: _durations(row) for row in rows}


async def measure_buckets(
    work: UnitOfWork, id_: UUID, *, owner: RunOwner, buckets: DurationBuckets
) -> dict[datetime, RunDurations]:
    """Return the durations in each bucket of time, by its start, in one statement."""
    moment = DateTime(timezone=True)
    starts = func.unnest(literal(buckets.starts, ARRAY(moment)), type_=moment)
    bucket = select(starts.label("id")).subquery("bucket")
    ends = func.least(bucket.c.id + buckets.size, literal(buckets.high))
    last = _last(work, owner, literal(id_), low=bucket.c.id, high=ends, most=BUCKET_SAMPLE)
    rows = await work.execute(_measured(bucket, bucket.c.id, last))
    return {row.id: _durations(row) for row in rows}


def _last(work: UnitOfWork, owner: RunOwner, id_: Any, *, low: Any, high: Any, most: int) -> Any:
    """Return the latest runs of an owner that were due in a stretch of time."""
    start = flow_runs.c.expected_start
    return (
        select(
            flow_runs.c.state_type,
            (flow_runs.c.ended_at - flow_runs.c.started_at).label("took"),
        )
        .where(
            flow_runs.c.workspace_id == work.workspace_id,
            _COLUMNS[owner] == id_,
            start >= low,
            start < high,
        )
        .order_by(start.desc(), flow_runs.c.id.desc())
        .limit(most)
        .lateral("last")
    )


def _measured(wanted: Subquery, id_: Any, last: Any) -> Any:
    is_complete = and_(last.c.state_type == StateType.COMPLETED.value, last.c.took.is_not(None))

    def percentile(fraction: float) -> Any:
        return func.percentile_cont(fraction).within_group(last.c.took).filter(is_complete)

    return (
        select(
            id_,
            func.count().filter(last.c.state_type == StateType.COMPLETED.value).label("completed"),
            func.count().filter(last.c.state_type.in_(_FAILED)).label("failed"),
            percentile(0.5).label("p50"),
            percentile(0.95).label("p95"),
        )
        .select_from(wanted.join(last, true()))
        .group_by(id_)
    )


def _durations(row: Row[Any]) -> RunDurations:
    return RunDurations(completed=row.completed, failed=row.failed, p50=row.p50, p95=row.p95)
