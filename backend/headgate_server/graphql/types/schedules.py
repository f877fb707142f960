"""Schedules: when a deployment runs by itself."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Annotated
from uuid import UUID

import strawberry

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.clock import SystemClock
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.permissions import Scope
from headgate_server.domain.schedules import catch_up as catch_ups
from headgate_server.domain.schedules import preview, specs
from headgate_server.domain.schedules.catch_up import CatchUpPolicy
from headgate_server.domain.schedules.schedule import Schedule as ScheduleRow
from headgate_server.domain.schedules.schedule import ScheduleRequest, ScheduleStatus
from headgate_server.domain.schedules.upcoming import Ahead
from headgate_server.domain.schedules.words import describe
from headgate_server.graphql.directives import Cost
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.shapes.json_values import an_object, as_json
from headgate_server.graphql.shapes.nodes import Node, NodeKind, Versioned, reads, show_id, shows
from headgate_server.graphql.types import blockers as blocker_lists
from headgate_server.services.deployments import get_many_deployments
from headgate_server.services.schedules.read import get_many_schedules
from headgate_server.services.schedules.upcoming import get_many_waiting, look_ahead

strawberry.enum(
    CatchUpPolicy,
    description="What becomes of the instants that an outage missed: none, the "
    "latest, or all are made up for.",
)
strawberry.enum(
    ScheduleStatus,
    description="ACTIVE: it fires. PAUSED: somebody paused it. DEPLOYMENT_PAUSED: its deployment "
    "is paused. HELD: nothing starts in its workspace. ENDED: its rule is over, and none of its "
    "runs waits any more.",
)


@strawberry.type(description="By a cron expression.")
class CronSpec:
    cron: str = strawberry.field(description="Five fields, in the schedule's time zone.")
    day_or: bool = strawberry.field(
        description="Whether day of month or day of week is enough where both are limited."
    )


@strawberry.type(description="By elapsed time.")
class IntervalSpec:
    every: timedelta = strawberry.field(description="1 second to 366 days.")
    anchor: datetime = strawberry.field(description="From which it is counted, both ways.")


@strawberry.type(description="By a recurrence rule of RFC 5545.")
class RRuleSpec:
    rrule: str = strawberry.field(
        description="One RRULE, perhaps with lines of DTSTART, RDATE and EXDATE."
    )
    start: datetime | None = strawberry.field(
        description="From which it counts where it names no DTSTART; null where it does."
    )


ScheduleSpec = Annotated[
    CronSpec | IntervalSpec | RRuleSpec,
    strawberry.union("ScheduleSpec", description="When it fires."),
]

UpcomingLimit = Annotated[int, strawberry.argument(description="How many: 1 to 100.")]


@strawberry.type(description="An instant at which a schedule will fire.")
class UpcomingFire:
    at: datetime = strawberry.field(description="The instant.")
    wall_clock: str = strawberry.field(
        description="What the clock of the schedule's zone shows then, with its distance to UTC."
    )
    note: str | None = strawberry.field(
        description="What a change of the clocks did to it; null where none did anything."
    )


@strawberry.type(description="What becomes of the instants that an outage missed.")
class CatchUp:
    policy: CatchUpPolicy = strawberry.field(description="None, the latest, or all.")
    max: int = strawberry.field(description="How many at most; 1 to 1,000.")
    window: timedelta = strawberry.field(description="How old they may be; 1 s to 31 days.")


@strawberry.type(description="When a deployment runs by itself.")
class Schedule(Node, Versioned):
    slug: str = strawberry.field(description="Names it within its deployment.")
    active: bool = strawberry.field(description="Whether it fires.")
    timezone: str = strawberry.field(description="IANA name; UTC for intervals.")
    spec: ScheduleSpec = strawberry.field(description="When it fires.")
    parameters: JSON | None = strawberry.field(
        description="Laid over the deployment's parameters in its runs."
    )
    catch_up: CatchUp = strawberry.field(description="What follows an outage.")
    missed_count: int = strawberry.field(description="How many instants were skipped so far.")
    description: str = strawberry.field(
        description="When it fires, in words: every weekday at 09:00 Europe/Berlin."
    )
    row: strawberry.Private[ScheduleRow]

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="When it fires next, of the runs that wait already and those to come; null "
        "where it does not, as status says.",
    )
    async def next_at(self, info: Info) -> datetime | None:
        return await self._next_at(info)

    @scoped_field(requires=ANY_CREDENTIAL, description="Whether it fires, and if not why.")
    async def status(self, info: Info) -> ScheduleStatus:
        row = self.row
        if await self._next_at(info) is not None:
            return ScheduleStatus.ACTIVE
        fetch = get_many_deployments
        of = await info.context.load(fetch, row.deployment_id, workspace_id=row.workspace_id)
        return row.status(is_deployment_paused=of is not None and of.is_paused)

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="Its next instants within fifty years, in order: those whose runs wait already "
        "and those to come. Fewer where it ends, none while it is paused.",
        directives=[Cost(weight=2)],
    )
    async def upcoming(self, info: Info, first: UpcomingLimit = 10) -> list[UpcomingFire]:
        preview.check_limit(first)
        ahead = await self._ahead(info, limit=first)
        now = SystemClock().now()
        # A rule that fires seldom is walked for decades of days: others go on meanwhile.
        return show_fires(await asyncio.to_thread(ahead.fires, after=now, limit=first))

    async def _next_at(self, info: Info) -> datetime | None:
        ahead = await self._ahead(info, limit=1)
        return ahead.first(after=SystemClock().now())

    async def _ahead(self, info: Info, *, limit: int) -> Ahead:
        row, fetch = self.row, _waiting(limit)
        waiting = await info.context.load(fetch, row.id, workspace_id=row.workspace_id)
        return look_ahead(row, waiting or ())

    @scoped_field(
        requires=[Scope.RUNS_READ],
        description="Why its next run would not be made or start in time, nearest cause first.",
        directives=[Cost(weight=blocker_lists.WEIGHT, list_size=10)],
    )
    async def why_not_running(self, info: Info) -> list[blocker_lists.Blocker]:
        row = self.row
        return await blocker_lists.list_of_deployment(
            info,
            deployment_id=row.deployment_id,
            workspace_id=row.workspace_id,
            schedule=row,
        )


@lru_cache(maxsize=128)
def _waiting(
    limit: int,
) -> Callable[[UnitOfWork, list[UUID]], Awaitable[dict[UUID, list[datetime]]]]:
    """Return one and the same reader for one limit, so that its loads make one batch."""

    async def read(work: UnitOfWork, wanted: list[UUID]) -> dict[UUID, list[datetime]]:
        return await get_many_waiting(work, wanted, limit=limit)

    return read


def show_schedule(row: ScheduleRow) -> Schedule:
    """Return a schedule."""
    catch_up = row.catch_up
    return Schedule(
        id=show_id(ids.Kind.SCHEDULE, row.id),
        slug=row.slug,
        active=row.is_active,
        timezone=row.spec.timezone,
        spec=_show_spec(row.spec),
        parameters=as_json(row.parameters),
        catch_up=CatchUp(policy=catch_up.policy, max=catch_up.max, window=catch_up.window),
        missed_count=row.missed_count,
        description=describe(row.spec),
        row=row,
        version=row.version,
        updated_at=row.updated_at,
    )


def show_fires(fires: Sequence[preview.UpcomingFire]) -> list[UpcomingFire]:
    """Return instants with what the clock shows then."""
    return [
        UpcomingFire(at=fire.at, wall_clock=fire.wall_clock.isoformat(), note=fire.note)
        for fire in fires
    ]


def _show_spec(row: specs.Spec) -> CronSpec | IntervalSpec | RRuleSpec:
    match row:
        case specs.CronSpec():
            return CronSpec(cron=row.cron, day_or=row.day_or)
        case specs.IntervalSpec():
            return IntervalSpec(every=row.every, anchor=row.anchor)
        case specs.RRuleSpec():
            return RRuleSpec(rrule=row.rrule, start=row.start)


@strawberry.input(description="A cron expression.")
class CronInput:
    cron: str = strawberry.field(description="Five fields; at most 200 characters.")
    timezone: str = strawberry.field(default="UTC", description="IANA name.")
    day_or: bool = strawberry.field(
        default=True,
        description="Whether day of month or day of week is enough where both are limited.",
    )


@strawberry.input(description="An interval.")
class IntervalInput:
    every: timedelta = strawberry.field(description="1 second to 366 days.")
    anchor: datetime | None = strawberry.field(
        default=None,
        description="From which it is counted, both ways; kept, or now, if not said.",
    )


@strawberry.input(description="A recurrence rule.")
class RRuleInput:
    rrule: str = strawberry.field(
        description="One RRULE of RFC 5545, perhaps with lines of DTSTART, RDATE and EXDATE; at "
        "most 6,500 characters. FREQ from MINUTELY to YEARLY, COUNT up to 1,000, INTERVAL up to "
        "10,000, which an HOURLY or MINUTELY rule counts by elapsed time unless it names BYHOUR. "
        "Counts from now where it names no DTSTART."
    )
    timezone: str = strawberry.field(
        default="UTC", description="IANA name; that of DTSTART if not said."
    )


@strawberry.input(one_of=True, description="When it fires; exactly one of these.")
class ScheduleSpecInput:
    cron: CronInput | None = strawberry.field(
        default=strawberry.UNSET, description="By a cron expression."
    )
    interval: IntervalInput | None = strawberry.field(
        default=strawberry.UNSET, description="By elapsed time."
    )
    rrule: RRuleInput | None = strawberry.field(
        default=strawberry.UNSET, description="By a recurrence rule."
    )

    def to_spec(self) -> specs.Spec | timedelta:
        """Return what was asked for.

        Raises:
            InvalidInput: nothing was.
        """
        if self.cron:
            return specs.CronSpec(self.cron.cron, self.cron.timezone, self.cron.day_or)
        if self.interval:
            every, anchor = self.interval.every, self.interval.anchor
            return every if anchor is None else specs.IntervalSpec(every, anchor)
        if self.rrule:
            return specs.RRuleSpec(self.rrule.rrule, self.rrule.timezone)
        raise InvalidInput("Give a cron, an interval or an rrule.", path=["spec"])


@strawberry.input(description="What becomes of the instants that an outage missed.")
class CatchUpInput:
    policy: CatchUpPolicy = strawberry.field(description="None, the latest, or all.")
    max: int = strawberry.field(default=100, description="How many at most; 1 to 1,000.")
    window: timedelta | None = strawberry.field(
        default=None, description="How old they may be, 1 s to 31 days; 1 day if not said."
    )

    def to_catch_up(self) -> catch_ups.CatchUp:
        """Return the policy."""
        window = catch_ups.DEFAULT_WINDOW if self.window is None else self.window
        return catch_ups.CatchUp(self.policy, self.max, window)


def schedule_request(
    *,
    slug: str,
    spec: ScheduleSpecInput,
    is_active: bool,
    parameters: JSON | None,
    catch_up: CatchUpInput | None,
) -> ScheduleRequest:
    """Return a schedule that was asked for.

    Raises:
        InvalidInput: parameters that are no object, or no spec.
    """
    return ScheduleRequest(
        slug=slug,
        spec=spec.to_spec(),
        is_active=is_active,
        parameters=an_object(parameters, "parameters"),
        catch_up=catch_up.to_catch_up() if catch_up else catch_ups.CatchUp(),
    )


shows(ScheduleRow, by=show_schedule)
reads(
    ids.Kind.SCHEDULE,
    by=NodeKind(
        fetch=get_many_schedules,
        scope=Scope.FLOWS_READ,
        whole_of=lambda row: row.deployment_id,
    ),
)
