"""Mutations on events: what programs emit."""

from datetime import datetime
from typing import Annotated, Any, cast

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.events import EventRejection as RejectionRow
from headgate_server.domain.events import NewEvent
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.errors import ErrorCode, MutationError
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.mutations.flow_runs.inputs import workspace_id_of
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.shapes.plain_inputs import plain
from headgate_server.services import events


@plain
@strawberry.input(description="A fact that a program tells.")
class EventInput:
    id: strawberry.ID = strawberry.field(
        description="Made by the client: evt_ and a UUIDv7. Sent again within 7 days it changes "
        "nothing."
    )
    occurred: datetime = strawberry.field(
        description="When it happened: within the last 7 days, and not in the future."
    )
    event: str = strawberry.field(
        description="What kind, as acme.order.shipped: 1 to 200 characters. What begins with a "
        "noun of Headgate's, such as flow_run, is refused."
    )
    resource: JSON = strawberry.field(
        description="What it happened to: an object with an id of 1 to 200 characters, perhaps "
        "kind and name, and whatever labels; at most 16 KiB."
    )
    related: list[JSON] | None = strawberry.field(
        default=None,
        description="What else had a part in it: at most 100 objects like resource, perhaps with "
        "a role.",
    )
    payload: JSON | None = strawberry.field(
        default=None, description="What belongs to this kind of event: an object, at most 256 KiB."
    )
    follows: strawberry.ID | None = strawberry.field(
        default=None, description="The event that this one came after."
    )

    def to_event(self) -> NewEvent | InvalidInput:
        """Return the event, or why it cannot be read."""
        resource: Any = self.resource
        related: Any = self.related or []
        payload: Any = {} if self.payload is None else self.payload
        try:
            return NewEvent(
                id=ids.parse(self.id, kind=ids.Kind.EVENT),
                occurred_at=self.occurred,
                name=self.event,
                resource_id=_id_of(resource),
                resource=resource,
                related=tuple(related),
                payload=payload,
                follows=ids.parse(self.follows, kind=ids.Kind.EVENT) if self.follows else None,
            )
        except InvalidInput as error:
            return error


@strawberry.input(description="What happened, as a program tells it.")
class EventsEmitInput:
    events: list[EventInput] = strawberry.field(
        description="1 to 100; each is taken or rejected for itself."
    )
    workspace_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Where; may be left out where the credential is good for one workspace only.",
    )


@strawberry.type(description="An event that was not taken.")
class EventRejection:
    index: int = strawberry.field(description="Its place in what was sent, from 0.")
    id: strawberry.ID = strawberry.field(description="As it was sent.")
    code: ErrorCode = strawberry.field(description="What kind of failure; for programs.")
    message: str = strawberry.field(description="What is wrong with it; for people.")
    path: list[str] = strawberry.field(description="Its field at fault; empty if none is.")


@strawberry.type(description="What became of the events.")
class EventsEmitPayload:
    accepted: int = payload_field("How many were taken, now or when they came before.", default=0)
    rejected: list[EventRejection] = payload_field("The others, and why.", default=[])
    errors: list[MutationError] = errors_field()


@strawberry.type
class EventMutations:
    @mutation(
        requires=[Scope.EVENTS_WRITE],
        description="Tell what happened, for automations and for people. Safe to repeat.",
        is_storing=True,
    )
    async def events_emit(
        self,
        info: Info,
        input: Annotated[EventsEmitInput, strawberry.argument(description="The events.")],
    ) -> EventsEmitPayload:
        context = info.context
        given, shown = input.events, input.workspace_id
        workspace_id = context.own_workspace_id if shown is None else workspace_id_of(shown)
        async with context.work(workspace_id) as work:
            accepted, rejected = await events.emit_events(work, [one.to_event() for one in given])
        return EventsEmitPayload(
            accepted=accepted, rejected=[_show(one, given[one.place]) for one in rejected]
        )


def _show(rejection: RejectionRow, given: EventInput) -> EventRejection:
    return EventRejection(
        index=rejection.place,
        id=given.id,
        code=ErrorCode(rejection.error.code),
        message=rejection.error.message,
        path=list(rejection.error.path),
    )


def _id_of(resource: Any) -> str:
    return str(cast("dict[str, Any]", resource).get("id")) if isinstance(resource, dict) else ""
