"""What a schedule would do, before it is one."""

import asyncio
from typing import Annotated

import strawberry

from headgate_server.domain.clock import SystemClock
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.permissions import Scope
from headgate_server.domain.schedules.specs import InvalidSpec
from headgate_server.domain.schedules.words import describe
from headgate_server.graphql.directives import Cost
from headgate_server.graphql.permissions import Info, scoped_field
from headgate_server.graphql.types.schedules import (
    ScheduleSpecInput,
    UpcomingFire,
    UpcomingLimit,
    show_fires,
)
from headgate_server.services.schedules.read import preview_spec


@strawberry.type(description="Why a specification does not say when to fire.")
class ScheduleSpecError:
    message: str = strawberry.field(description="What to do about it; for people.")
    path: list[str] = strawberry.field(description="The input field at fault.")
    position: int | None = strawberry.field(
        description="At which character of that field the mistake is, from 0; null for all of it."
    )


@strawberry.type(description="What a specification would do.")
class SchedulePreview:
    description: str | None = strawberry.field(description="In words; null if it is not valid.")
    timezone: str | None = strawberry.field(description="IANA name; null if it is not valid.")
    fires: list[UpcomingFire] = strawberry.field(
        description="The next instants from now on, in order; fewer where it ends."
    )
    error: ScheduleSpecError | None = strawberry.field(
        description="What is wrong with it; null if nothing is."
    )


@strawberry.type
class ScheduleQueries:
    @scoped_field(
        requires=[Scope.FLOWS_READ],
        description="What a specification would do from now on; nothing is stored.",
        directives=[Cost(weight=2)],
    )
    async def schedule_preview(
        self,
        info: Info,
        spec: Annotated[ScheduleSpecInput, strawberry.argument(description="When to fire.")],
        first: UpcomingLimit = 10,
    ) -> SchedulePreview:
        try:
            # A rule that fires seldom is walked for decades of days: others go on meanwhile.
            settled, fires = await asyncio.to_thread(
                preview_spec, spec.to_spec(), now=SystemClock().now(), limit=first
            )
        except InvalidInput as error:
            position = error.position if isinstance(error, InvalidSpec) else None
            wrong = ScheduleSpecError(
                message=error.message, path=list(error.path), position=position
            )
            return SchedulePreview(description=None, timezone=None, fires=[], error=wrong)
        return SchedulePreview(
            description=describe(settled),
            timezone=settled.timezone,
            fires=show_fires(fires),
            error=None,
        )
