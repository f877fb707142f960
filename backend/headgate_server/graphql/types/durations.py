"""How long runs took, as fields of flows and deployments."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import strawberry

from headgate_server.domain.durations import (
    WEEK,
    RunOwner,
    check_window,
    duration_buckets,
)
from headgate_server.domain.durations import RunDurations as DurationsRow
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.directives import Cost
from headgate_server.graphql.permissions import Info, scoped_field
from headgate_server.services import durations

_SPAN = (
    "from the first start to the end, as FlowRun.duration: pauses, waits between attempts, and "
    "what passed before somebody started it again are in it; null for none."
)
P50 = f"Half of the completed runs took no longer, {_SPAN}"
P95 = f"95 of 100 completed runs took no longer, {_SPAN}"


@strawberry.type(
    description="How the latest runs of a window ended and how long they took; of 1,000 at most."
)
class RunDurations:
    completed: int = strawberry.field(description="How many of them completed.")
    failed: int = strawberry.field(description="How many of them failed or crashed.")
    p50: timedelta | None = strawberry.field(description=P50)
    p95: timedelta | None = strawberry.field(description=P95)


@strawberry.type(
    description="How the runs ended that were due in a stretch of time, and how long they took; of "
    "the latest 200 of it at most."
)
class DurationBucket:
    at: datetime = strawberry.field(description="When it begins.")
    completed: int = strawberry.field(description="How many of them completed.")
    failed: int = strawberry.field(description="How many of them failed or crashed.")
    p50: timedelta | None = strawberry.field(description=P50)
    p95: timedelta | None = strawberry.field(description=P95)


@dataclass(frozen=True, slots=True)
class Measured:
    """Whose runs are measured, and where."""

    workspace_id: UUID
    owner: RunOwner
    id: UUID


@strawberry.type
class MeasuredRuns:
    """How long an object's runs took, as fields of it."""

    @scoped_field(
        requires=[Scope.RUNS_READ],
        description="How its latest runs ended, and how long they took.",
        directives=[Cost(weight=5)],
    )
    async def durations(
        self,
        info: Info,
        window: Annotated[
            timedelta | None,
            strawberry.argument(description="How far back: up to 400 days; 7 days if not said."),
        ] = None,
    ) -> RunDurations:
        of = self.measured
        key = (of.owner, of.id, check_window(window or WEEK))
        found = await info.context.load(
            durations.get_many_durations, key, workspace_id=of.workspace_id
        )
        row: DurationsRow = found or durations.NOTHING
        return RunDurations(completed=row.completed, failed=row.failed, p50=row.p50, p95=row.p95)

    @scoped_field(
        requires=[Scope.RUNS_READ],
        description="How long its runs took, over time: every bucket, also those without runs.",
        directives=[Cost(weight=10, list_size=1)],
    )
    async def duration_trend(
        self,
        info: Info,
        from_: Annotated[
            datetime, strawberry.argument(name="from", description="When the first one begins.")
        ],
        to: Annotated[datetime, strawberry.argument(description="Before when the last one ends.")],
        bucket: Annotated[
            timedelta,
            strawberry.argument(description="A minute or more; 100 buckets at most."),
        ],
    ) -> list[DurationBucket]:
        of, buckets = self.measured, duration_buckets(from_, to, size=bucket)
        async with info.context.work(of.workspace_id) as work:
            rows = await durations.read_trend(work, of.id, owner=of.owner, buckets=buckets)
        return [
            DurationBucket(
                at=at, completed=row.completed, failed=row.failed, p50=row.p50, p95=row.p95
            )
            for at, row in zip(buckets.starts, rows, strict=True)
        ]

    @property
    def measured(self) -> Measured:
        """Return whose runs are measured."""
        raise NotImplementedError
