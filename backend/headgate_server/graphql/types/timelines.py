"""The timeline of a run's task runs, as a field of the run."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.clock import to_epoch_us
from headgate_server.domain.permissions import Scope
from headgate_server.domain.timelines import (
    DEFAULT_MOST,
    DEFAULT_SLOTS,
    Bar,
    Timeline,
    TimelineCount,
    TimelineDetail,
    TimelineRequest,
)
from headgate_server.graphql.directives import Cost
from headgate_server.graphql.permissions import Info, scoped_field
from headgate_server.graphql.scalars import JSON
from headgate_server.services import timelines

strawberry.enum(
    TimelineDetail,
    description="TASK_RUNS: every task run of the window is there. COUNTS: they are too many, and "
    "counted; ask for a shorter window to see them.",
)


@strawberry.type(description="A window of a run's timeline: its task runs, or counts of them.")
class RunTimeline:
    from_: datetime = strawberry.field(name="from", description="When the window begins.")
    to: datetime = strawberry.field(description="Before when it ends.")
    total: int = strawberry.field(description="How many task runs the whole run has.")
    unbegun: int = strawberry.field(
        description="How many of them have neither started nor ended: they are nowhere on it."
    )
    shown: int = strawberry.field(description="How many of them fall into the window.")
    detail: TimelineDetail = strawberry.field(description="Which of taskRuns and counts is there.")
    slot: timedelta = strawberry.field(description="How long a slot of the counts is.")
    task_runs: JSON | None = strawberry.field(
        description="TASK_RUNS: columns of one length, in the order they began: id, name, taskKey, "
        "mapIndex, attempt, state, stateName, and begun and ended in microseconds since 1970 UTC, "
        "ended null while it runs. What ended without running has begun as it ended."
    )
    counts: JSON | None = strawberry.field(
        description="COUNTS: columns of one length: taskKey (null for all beyond the 50 tasks with "
        "most runs), slot (from 0), state, and how many now in that state began and ended in the "
        "slot. What began before the window counts in slot 0."
    )


@strawberry.type
class TimedRun:
    """The timeline of a run, as a field of it."""

    row: strawberry.Private[Any]

    @scoped_field(
        requires=[Scope.RUNS_READ],
        description="When its task runs ran, one by one or counted; quick for 10,000 of them.",
        directives=[Cost(weight=10)],
    )
    async def timeline(
        self,
        info: Info,
        from_: Annotated[
            datetime | None,
            strawberry.argument(
                name="from", description="When the window begins; with the first if not said."
            ),
        ] = None,
        to: Annotated[
            datetime | None,
            strawberry.argument(description="Before when it ends; with the last, or now."),
        ] = None,
        most: Annotated[
            int,
            strawberry.argument(
                description="Up to so many task runs are shown one by one: 1 to 2,000."
            ),
        ] = DEFAULT_MOST,
        slots: Annotated[
            int,
            strawberry.argument(
                description="Into so many slots the window is cut to count them: 1 to 400."
            ),
        ] = DEFAULT_SLOTS,
    ) -> RunTimeline:
        request = TimelineRequest(low=from_, high=to, most=most, slots=slots)
        async with info.context.work(self.row.workspace_id) as work:
            found = await timelines.read_timeline(work, self.row.id, request=request)
        return _show(found)


def _show(found: Timeline) -> RunTimeline:
    return RunTimeline(
        from_=found.low,
        to=found.high,
        total=found.extent.total,
        unbegun=found.extent.unbegun,
        shown=found.extent.shown,
        detail=TimelineDetail.COUNTS if found.bars is None else TimelineDetail.TASK_RUNS,
        slot=found.slot,
        task_runs=None if found.bars is None else JSON(_columns(found.bars)),
        counts=None if found.counts is None else JSON(_counted(found.counts)),
    )


def _columns(bars: Sequence[Bar]) -> dict[str, list[Any]]:
    return {
        "id": [ids.show(ids.Kind.TASK_RUN, bar.id) for bar in bars],
        "name": [bar.name for bar in bars],
        "taskKey": [bar.task_key for bar in bars],
        "mapIndex": [bar.map_index for bar in bars],
        "attempt": [bar.attempt for bar in bars],
        "state": [bar.state_type for bar in bars],
        "stateName": [bar.state_name for bar in bars],
        "begun": [to_epoch_us(bar.begun_at) for bar in bars],
        "ended": [None if bar.ended_at is None else to_epoch_us(bar.ended_at) for bar in bars],
    }


def _counted(counts: Sequence[TimelineCount]) -> dict[str, list[Any]]:
    return {
        "taskKey": [count.task_key for count in counts],
        "slot": [count.slot for count in counts],
        "state": [count.state_type for count in counts],
        "begun": [count.begun for count in counts],
        "ended": [count.ended for count in counts],
    }
