"""Follows the events of a workspace."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from enum import Enum
from typing import Annotated

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.errors import NotFound
from headgate_server.domain.events import EventPatterns, check_patterns
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.connections import After
from headgate_server.graphql.permissions import Info, scoped_subscription
from headgate_server.graphql.scalars import Cursor
from headgate_server.graphql.types.events import Event, show_event


@strawberry.enum(description="Where a stream begins that has no cursor.")
class StreamStart(Enum):
    LATEST = strawberry.enum_value("LATEST", description="With what comes from now on.")
    OLDEST = strawberry.enum_value("OLDEST", description="With the oldest that is kept.")


@strawberry.input(description="Narrows a stream of events; each list that is given must match.")
class EventStreamFilter:
    events: list[str] | None = strawberry.field(
        default=None,
        description="By kind, such as flow_run.completed, or flow_run.* for all that begin so; at "
        "most 50.",
    )
    resource_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="By the id of what they happened to; at most 250."
    )
    resource_kinds: list[str] | None = strawberry.field(
        default=None, description="By the kind of what they happened to: flow_run; at most 50."
    )

    def to_patterns(self) -> EventPatterns:
        """Return the patterns.

        Raises:
            InvalidInput: too many, over-long, or with a * elsewhere than at the end.
        """
        kinds, found = self.resource_kinds, self.resource_ids
        return check_patterns(
            EventPatterns(
                names=None if self.events is None else tuple(self.events),
                resource_ids=None if found is None else tuple(str(id_) for id_ in found),
                resource_kinds=None if kinds is None else tuple(kinds),
            )
        )


@strawberry.type(description="New events of a workspace.")
class EventBatch:
    cursor: Cursor = strawberry.field(description="Pass it as after to go on from here.")
    events: list[Event] = strawberry.field(
        description="The events, in the order they were published; each comes once."
    )
    caught_up: bool = strawberry.field(description="Whether this is all there is for now.")
    gap: bool = strawberry.field(
        description="Whether events before these are gone for good, or after was of a database "
        "that was restored since; then this begins with the oldest that is kept."
    )


@strawberry.type
class EventSubscriptions:
    @scoped_subscription(
        requires=[Scope.EVENTS_READ],
        description="A workspace's events as they are published, without a hole from a cursor on. "
        "The first batch comes at once and says where the stream stands.",
    )
    async def workspace_events(
        self,
        info: Info,
        workspace_id: Annotated[strawberry.ID, strawberry.argument(description="Whose events.")],
        after: After = None,
        filter: Annotated[
            EventStreamFilter | None,
            strawberry.argument(description="Only the events that match this."),
        ] = None,
        start: Annotated[
            StreamStart, strawberry.argument(description="Where to begin without after.")
        ] = StreamStart.LATEST,
    ) -> AsyncGenerator[EventBatch, None]:
        context = info.context
        id_ = ids.parse(workspace_id, kind=ids.Kind.WORKSPACE)
        if not await context.may_enter(id_):
            raise NotFound
        context.demand(id_)
        batches = context.backend.tails.workspace_events(
            context.principal,
            id_,
            after=after,
            is_from_oldest=start is StreamStart.OLDEST,
            patterns=(filter or EventStreamFilter()).to_patterns(),
        )
        async with aclosing(batches):
            async for batch in batches:
                if not await context.may_enter(id_):
                    raise NotFound
                context.demand(id_)
                yield EventBatch(
                    cursor=Cursor(batch.cursor),
                    events=[show_event(event) for event in batch.events],
                    caught_up=batch.is_caught_up,
                    gap=batch.has_gap,
                )
