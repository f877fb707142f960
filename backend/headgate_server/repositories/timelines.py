"""SQL of a run's timeline: along the index of the run's task runs, without their states."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.states import StateType
from headgate_server.domain.timelines import (
    MAX_LANES,
    Bar,
    Extent,
    TimelineCount,
    TimelineRequest,
)
from headgate_server.repositories.statements import named
from headgate_server.tables.flow_runs import task_runs


async def read_extent(work: UnitOfWork, flow_run_id: UUID, *, request: TimelineRequest) -> Extent:
    """Return what the timeline holds, and how much of it is in the window."""
    row = (
        await work.execute(
            named("read_timeline_extent"),
            {
                "workspace_id": work.workspace_id,
                "flow_run_id": flow_run_id,
                "low": request.low,
                "high": request.high,
                "now": work.now,
            },
        )
    ).one()
    return Extent(total=row.total, unbegun=row.unbegun, shown=row.shown, low=row.low, high=row.high)


async def list_bars(
    work: UnitOfWork, flow_run_id: UUID, *, low: datetime, high: datetime, most: int
) -> list[Bar]:
    """Return the task runs in a window, in the order they began."""
    begun_at = func.coalesce(task_runs.c.started_at, task_runs.c.ended_at).label("begun_at")
    rows = await work.execute(
        select(
            task_runs.c.id,
            task_runs.c.name,
            task_runs.c.task_key,
            task_runs.c.map_index,
            task_runs.c.attempt,
            task_runs.c.state_type,
            task_runs.c.state_name,
            task_runs.c.ended_at,
            begun_at,
        )
        .where(
            task_runs.c.workspace_id == work.workspace_id,
            task_runs.c.flow_run_id == flow_run_id,
            begun_at < high,
            func.coalesce(task_runs.c.ended_at, work.now) >= low,
        )
        .order_by(begun_at, task_runs.c.id)
        .limit(most)
    )
    return [_bar(row) for row in rows]


async def count_bars(
    work: UnitOfWork, flow_run_id: UUID, *, low: datetime, high: datetime, slot: timedelta
) -> list[TimelineCount]:
    """Return the counts of a window: by task, slot and state; no zeros."""
    rows = await work.execute(
        named("count_timeline"),
        {
            "workspace_id": work.workspace_id,
            "flow_run_id": flow_run_id,
            "low": low,
            "high": high,
            "now": work.now,
            "seconds": slot.total_seconds(),
            "lanes": MAX_LANES,
        },
    )
    return [
        TimelineCount(
            task_key=row.task_key,
            slot=row.slot,
            state_type=StateType(row.state_type),
            begun=row.begun,
            ended=row.ended,
        )
        for row in rows
    ]


def _bar(row: Row[Any]) -> Bar:
    return Bar(
        id=row.id,
        name=row.name,
        task_key=row.task_key,
        map_index=row.map_index,
        attempt=row.attempt,
        state_type=StateType(row.state_type),
        state_name=row.state_name,
        begun_at=row.begun_at,
        ended_at=row.ended_at,
    )
