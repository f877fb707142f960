"""What a work stream carries: thin offers and control messages."""

from datetime import datetime, timedelta
from typing import Annotated

import strawberry

from headgate_server.dispatch import messages
from headgate_server.dispatch.messages import CloseReason, DirectiveKind
from headgate_server.domain import ids
from headgate_server.domain.leases import CancelRequest, Offer
from headgate_server.graphql.shapes.nodes import show_id
from headgate_server.graphql.types.leases import RunLeaseRef, show_held

strawberry.enum(DirectiveKind, description="What an agent is told to do with itself.")
strawberry.enum(CloseReason, description="Why the server ends a stream.")

_RUN = "The run."
_EPOCH = "The epoch of its lease."


@strawberry.type(description="The first message: the timers, and a verdict on what is held.")
class StreamOpened:
    stream_epoch: int = strawberry.field(description="Counts the streams of the session.")
    server_time: datetime = strawberry.field(description="The server's time.")
    offer_ttl: timedelta = strawberry.field(description="How long an offer waits for its claim.")
    lease_ttl: timedelta = strawberry.field(description="How long a lease lives unrenewed.")
    heartbeat_interval: timedelta = strawberry.field(description="How often to call.")
    max_stream_age: timedelta = strawberry.field(description="When the stream will be closed.")
    held: list[RunLeaseRef] = strawberry.field(description="Held leases that are still good.")
    unknown: list[strawberry.ID] = strawberry.field(
        description="Runs whose leases are gone: kill them."
    )


@strawberry.type(description="A run that the agent may claim; the rest comes with runClaim.")
class RunOffered:
    run_id: strawberry.ID = strawberry.field(description=_RUN)
    lease_token: str = strawberry.field(description="To be shown with the claim; secret.")
    epoch: int = strawberry.field(description=_EPOCH)
    offer_expires_at: datetime = strawberry.field(description="When somebody else may have it.")
    queue: str = strawberry.field(description="The name of the queue it waited in.")
    priority: int = strawberry.field(description="Its priority in that queue.")
    delivery_count: int = strawberry.field(description="How often it was offered.")


@strawberry.type(description="A held run that is to be cancelled; repeated until it has ended.")
class RunCancelRequested:
    run_id: strawberry.ID = strawberry.field(description=_RUN)
    epoch: int = strawberry.field(description=_EPOCH)
    reason: str | None = strawberry.field(description="Why, for people.")
    grace_seconds: int = strawberry.field(description="How long its process may take to end.")


@strawberry.type(description="A held lease that is gone: kill the run and report nothing.")
class LeaseRevoked:
    run_id: strawberry.ID = strawberry.field(description=_RUN)
    epoch: int = strawberry.field(description=_EPOCH)
    reason: str = strawberry.field(description="Why, for people.")


@strawberry.type(description="An order to the agent itself; the latest one counts.")
class AgentDirective:
    kind: DirectiveKind = strawberry.field(description="What to do.")
    reason: str | None = strawberry.field(description="Why, for people.")


@strawberry.type(description="A sign of life on an idle stream.")
class StreamHeartbeat:
    server_time: datetime = strawberry.field(description="The server's time.")


@strawberry.type(description="The last message: open a new stream, then close this one.")
class StreamClosing:
    reason: CloseReason = strawberry.field(description="Why.")
    reconnect_after_ms: int = strawberry.field(description="How long to wait, in milliseconds.")
    deadline: datetime = strawberry.field(description="When the server will cut the stream.")


AgentWorkMessage = Annotated[
    StreamOpened
    | RunOffered
    | RunCancelRequested
    | LeaseRevoked
    | AgentDirective
    | StreamHeartbeat
    | StreamClosing,
    strawberry.union("AgentWorkMessage", description="What a work stream carries."),
]


def show_message(row: messages.Message) -> AgentWorkMessage:
    """Return a message of a work stream."""
    match row:
        case messages.StreamOpened():
            return _opened(row)
        case Offer():
            return RunOffered(
                run_id=show_id(ids.Kind.FLOW_RUN, row.run_id),
                lease_token=str(row.token),
                epoch=row.epoch,
                offer_expires_at=row.expires_at,
                queue=row.queue_name,
                priority=row.priority,
                delivery_count=row.deliveries,
            )
        case CancelRequest():
            return RunCancelRequested(
                run_id=show_id(ids.Kind.FLOW_RUN, row.run_id),
                epoch=row.epoch,
                reason=row.reason,
                grace_seconds=row.grace_seconds,
            )
        case messages.LeaseRevoked():
            run_id = show_id(ids.Kind.FLOW_RUN, row.run_id)
            return LeaseRevoked(run_id=run_id, epoch=row.epoch, reason=row.reason)
        case messages.Directive():
            return AgentDirective(kind=row.kind, reason=row.reason)
        case messages.StreamHeartbeat():
            return StreamHeartbeat(server_time=row.server_time)
        case messages.StreamClosing():
            return StreamClosing(
                reason=row.reason,
                reconnect_after_ms=row.reconnect_after_ms,
                deadline=row.deadline,
            )


def _opened(row: messages.StreamOpened) -> StreamOpened:
    held = (show_held(verdict) for verdict in row.held)
    return StreamOpened(
        stream_epoch=row.stream_epoch,
        server_time=row.server_time,
        offer_ttl=row.offer_ttl,
        lease_ttl=row.lease_ttl,
        heartbeat_interval=row.heartbeat_interval,
        max_stream_age=row.max_stream_age,
        held=[lease for lease in held if lease is not None],
        unknown=[show_id(ids.Kind.FLOW_RUN, run_id) for run_id in row.unknown],
    )
