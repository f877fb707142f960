"""Agents: names in a pool under which processes execute runs, and what their streams carry."""

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from headgate_server.dispatch import messages
from headgate_server.dispatch.messages import CloseReason
from headgate_server.domain import ids
from headgate_server.domain.agents import Agent as AgentRow
from headgate_server.domain.agents import AgentState, Directive, DirectiveKind
from headgate_server.domain.leases import CancelRequest, Offer, PauseRequest
from headgate_server.domain.pagination import MAX_LISTED, fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.connections import Connection, Listing, connect
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.scalars import JSON, Cursor
from headgate_server.graphql.shapes.beginnings import AT_MOST, claim, first_of
from headgate_server.graphql.shapes.nodes import (
    Node,
    NodeKind,
    load,
    load_named,
    reads,
    show_id,
    shows,
)
from headgate_server.graphql.types.leases import RunLeaseRef, show_held
from headgate_server.graphql.types.work_queues import WorkQueue, show_work_queue
from headgate_server.services import agents, work_pools, work_queues
from headgate_server.services.flow_runs.read import get_many_flow_runs

if TYPE_CHECKING:
    from headgate_server.graphql.types.flow_runs import FlowRun
    from headgate_server.graphql.types.work_pools import WorkPool

strawberry.enum(AgentState, description="What an agent's latest process is doing.")


@strawberry.type(description="A name in a pool under which processes execute runs.")
class Agent(Node):
    name: str = strawberry.field(description="Unique in its pool; 1 to 200 characters.")
    state: AgentState = strawberry.field(description="What its latest process is doing.")
    state_reason: str | None = strawberry.field(
        description="Why it is paused or draining, where that was not its own wish."
    )
    capacity: int = strawberry.field(description="How many runs it takes at once; at most 1,000.")
    in_flight: int = strawberry.field(description="How many runs it holds now.")
    labels: JSON = strawberry.field(description="What it says of itself; at most 50.")
    sdk_version: str = strawberry.field(description="The version of its software.")
    host: str | None = strawberry.field(description="The machine it runs on.")
    last_heartbeat_at: datetime | None = strawberry.field(description="When it was last heard.")
    connected_at: datetime | None = strawberry.field(
        description="When its latest process registered."
    )
    row: strawberry.Private[AgentRow]

    @scoped_field(requires=ANY_CREDENTIAL, description="The pool it serves.")
    async def pool(
        self, info: Info
    ) -> Annotated["WorkPool", strawberry.lazy("headgate_server.graphql.types.work_pools")]:
        row = self.row
        fetch = work_pools.get_many_work_pools
        shown: Any = await load_named(
            info.context, fetch, row.work_pool_id, workspace_id=row.workspace_id
        )
        return shown

    @scoped_field(
        requires=[Scope.POOLS_READ],
        description=f"The queues it serves: all of the pool's queues, or the named; {AT_MOST}.",
    )
    async def queues(self, info: Info) -> list[WorkQueue]:
        row, context = self.row, info.context
        if row.queue_ids is None:
            fetch = work_queues.get_first_of_pools
            all_ = await first_of(context, fetch, row.work_pool_id, workspace_id=row.workspace_id)
            return [show_work_queue(queue) for queue in all_.items]
        # Whoever may see the pool sees its queues.
        may_see = context.may(row.workspace_id, on=row.work_pool_id)
        named = sorted(row.queue_ids)[:MAX_LISTED] if may_see else []
        claim(context, len(named))
        fetch_named, place = work_queues.get_many_work_queues, row.workspace_id
        loads = (context.loaders.load(fetch_named, id_, workspace_id=place) for id_ in named)
        served = [queue for queue in await asyncio.gather(*loads) if queue is not None]
        return [show_work_queue(one) for one in sorted(served, key=lambda q: (q.priority, q.name))]

    @scoped_field(
        requires=[Scope.RUNS_READ],
        description=f"The runs it holds, oldest claim first, {AT_MOST}; inFlight says how many.",
    )
    async def leases(
        self, info: Info
    ) -> list[Annotated["FlowRun", strawberry.lazy("headgate_server.graphql.types.flow_runs")]]:
        row, context = self.row, info.context
        held = await first_of(
            context, agents.list_runs_of_agents, row.id, workspace_id=row.workspace_id
        )
        shown = [
            await load(context, get_many_flow_runs, run_id, workspace_id=row.workspace_id)
            for run_id in held.items
        ]
        return [run for run in shown if run is not None]


def show_agent(row: AgentRow) -> Agent:
    """Return an agent."""
    return Agent(
        id=show_id(ids.Kind.AGENT, row.id),
        name=row.name,
        state=row.state,
        state_reason=row.state_reason,
        capacity=row.capacity,
        in_flight=row.in_flight,
        labels=JSON(row.labels),
        sdk_version=row.sdk_version,
        host=row.host,
        last_heartbeat_at=row.last_heartbeat_at,
        connected_at=row.connected_at,
        row=row,
    )


async def list_of_pool(
    info: Info,
    *,
    workspace_id: UUID,
    work_pool_id: UUID,
    is_online: bool | None,
    first: int | None,
    after: Cursor | None,
) -> Connection[Agent]:
    """Return a page of a pool's agents by name."""
    listing: Listing[AgentRow] = Listing(
        of=fingerprint("agents", work_pool_id, is_online),
        key=lambda row: (row.name, row.id),
        key_types=tuple[str, UUID],
    )
    page = listing.request(first=first, after=after)
    async with info.context.work(workspace_id, on=work_pool_id) as work:
        rows = await agents.list_agents(
            work, work_pool_id=work_pool_id, page=page, is_online=is_online
        )

    async def count(cap: int) -> int:
        async with info.context.work(workspace_id, on=work_pool_id) as work:
            return await agents.count_agents(
                work, work_pool_id=work_pool_id, is_online=is_online, cap=cap
            )

    return connect(rows, listing=listing, show=show_agent, count=count)


shows(AgentRow, by=show_agent)
reads(
    ids.Kind.AGENT,
    by=NodeKind(
        fetch=agents.get_many_agents,
        scope=Scope.POOLS_READ,
        whole_of=lambda row: row.work_pool_id,
    ),
)


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


@strawberry.type(
    description="A held run is to pause: its process renews its lease and hears how; repeated "
    "until it has."
)
class RunPauseRequested:
    run_id: strawberry.ID = strawberry.field(description=_RUN)
    epoch: int = strawberry.field(description=_EPOCH)


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
    | RunPauseRequested
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
        case PauseRequest():
            return RunPauseRequested(run_id=show_id(ids.Kind.FLOW_RUN, row.run_id), epoch=row.epoch)
        case messages.LeaseRevoked():
            run_id = show_id(ids.Kind.FLOW_RUN, row.run_id)
            return LeaseRevoked(run_id=run_id, epoch=row.epoch, reason=row.reason)
        case Directive():
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
