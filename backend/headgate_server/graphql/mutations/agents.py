"""Mutations of agents: register, call, drain, leave. All are safe to repeat, on any replica."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import strawberry

from headgate_server.database.work import UnitOfWork
from headgate_server.dispatch.renewals import Heartbeat
from headgate_server.domain import api_keys, ids
from headgate_server.domain.agents import PROTOCOL_VERSION, AgentSession, AgentState
from headgate_server.domain.clock import SystemClock
from headgate_server.domain.errors import Forbidden, InvalidInput, NotFound
from headgate_server.domain.permissions import NOTHING, Scope
from headgate_server.graphql.context import OperationContext, needing
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.mutations.leases import own_session
from headgate_server.graphql.permissions import Info, while_admitted
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.shapes.json_values import an_object
from headgate_server.graphql.shapes.nodes import load_part, show_id
from headgate_server.graphql.shapes.payloads import DeletePayload
from headgate_server.graphql.types.agents import (
    Agent,
    AgentDirective,
    AgentWorkMessage,
    show_agent,
    show_message,
)
from headgate_server.graphql.types.leases import LeaseInput, LeaseVerdict, parse_uuid, show_verdict
from headgate_server.graphql.types.work_pools import WorkPool, show_work_pool
from headgate_server.services import agents, work_pools
from headgate_server.services.agents import SessionReport

MAX_WAIT_SECONDS = 25
MAX_POLLED = 100
_CONNECTING = frozenset({Scope.AGENTS_CONNECT})


@strawberry.input(description="A process that registers as an agent.")
class AgentRegisterInput:
    workspace_id: strawberry.ID | None = strawberry.field(
        default=None, description="The pool's workspace; needed where the key is good for several."
    )
    pool_name: str = strawberry.field(description="The pool it serves.")
    queue_names: list[str] | None = strawberry.field(
        default=None, description="The pool's queues it serves; all, also later ones, if not said."
    )
    name: str = strawberry.field(description="The agent's name; 1 to 200 characters.")
    instance_id: strawberry.ID = strawberry.field(
        description="A UUID of this process; the same one gets the same session."
    )
    capacity: int = strawberry.field(description="How many runs it takes at once: 0 to 1,000.")
    labels: JSON | None = strawberry.field(
        default=None, description="An object that describes it; at most 50 entries."
    )
    sdk_version: str = strawberry.field(description="The version of its software.")
    host: str | None = strawberry.field(default=None, description="The machine it runs on.")
    protocol_versions: list[int] = strawberry.field(description="The protocols it speaks.")
    features: list[str] | None = strawberry.field(
        default=None, description="What else it can do; unknown names are ignored."
    )

    def to_registration(self) -> agents.Registration:
        """Return the registration.

        Raises:
            InvalidInput: an instance that is no UUID, or labels that are no object.
        """
        return agents.Registration(
            pool_name=self.pool_name,
            name=self.name,
            instance_id=parse_uuid(self.instance_id, path=["instanceId"]),
            queue_names=None if self.queue_names is None else tuple(self.queue_names),
            capacity=self.capacity,
            labels=an_object(self.labels, "labels") or {},
            sdk_version=self.sdk_version,
            host=self.host,
            protocol_versions=tuple(self.protocol_versions),
        )


@strawberry.type(description="An open session.")
class AgentRegisterPayload:
    agent: Agent | None = payload_field("The agent.")
    session_id: strawberry.ID | None = payload_field("The session of this process.")
    session_token: str | None = payload_field("Its credential from now on; secret.")
    expires_at: datetime | None = payload_field("When that token ends; agentHeartbeat renews it.")
    protocol_version: int | None = payload_field("The protocol that is spoken.")
    work_pool: WorkPool | None = payload_field("The pool it serves.")
    errors: list[MutationError] = errors_field()


@strawberry.input(description="A session.")
class AgentSessionInput:
    session_id: strawberry.ID = strawberry.field(description="The caller's agent session.")


@strawberry.input(description="A sign of life, with everything that is held.")
class AgentHeartbeatInput:
    session_id: strawberry.ID = strawberry.field(description="The caller's agent session.")
    held: list[LeaseInput] = strawberry.field(
        description="The leases of all its runs, at most 1,000; each is renewed."
    )
    capacity: int = strawberry.field(description="How many runs it takes at once: 0 to 1,000.")
    state: AgentState | None = strawberry.field(
        default=None,
        description="ONLINE, PAUSED or DRAINING; unchanged if not said, or if it drains already.",
    )


@strawberry.type(description="What the agent has to know.")
class AgentHeartbeatPayload:
    leases: list[LeaseVerdict] = payload_field("A verdict on each held lease.", default=[])
    directives: list[AgentDirective] = payload_field(
        "The orders that stand; one that is not here any more is over.", default=[]
    )
    server_time: datetime = strawberry.field(
        default_factory=SystemClock().now, description="The server's time."
    )
    session_token: str | None = payload_field("A fresh token to use from now on; secret.")
    expires_at: datetime | None = payload_field("When that token ends.")
    errors: list[MutationError] = errors_field()


@strawberry.input(description="A session that takes nothing more.")
class AgentDrainInput:
    session_id: strawberry.ID = strawberry.field(description="The caller's agent session.")
    deadline: datetime | None = strawberry.field(
        default=None, description="When it leaves, whatever it still holds; for people."
    )


@strawberry.input(description="An agent that somebody wants to take nothing more.")
class AgentRequestDrainInput:
    id: strawberry.ID = strawberry.field(description="Which agent.")
    deadline: datetime | None = strawberry.field(
        default=None,
        description="Until when it is expected to be done: shown, and not enforced; in the future.",
    )
    reason: str | None = strawberry.field(
        default=None, description="Why; at most 1,000 characters, shown and kept in the audit log."
    )


@strawberry.input(description="A wait for the next messages, where no stream can be had.")
class AgentPollInput:
    session_id: strawberry.ID = strawberry.field(description="The caller's agent session.")
    held: list[LeaseInput] = strawberry.field(
        description="What the agent holds already, at most 1,000; each is renewed."
    )
    wait_seconds: int | None = strawberry.field(
        default=25, description="How long to wait for a message: 0 to 25."
    )
    max: int | None = strawberry.field(
        default=10, description="How many messages to take at once, besides the first: 1 to 100."
    )


@strawberry.type(description="What a work stream would have brought.")
class AgentPollPayload:
    messages: list[AgentWorkMessage] = payload_field(
        "StreamOpened, then what waited or came; what is not fetched comes again.", default=[]
    )
    errors: list[MutationError] = errors_field()


@strawberry.type(description="An agent that was changed.")
class AgentPayload:
    agent: Agent | None = payload_field("The agent as it is now.")
    errors: list[MutationError] = errors_field()


@asynccontextmanager
async def _registering(
    context: OperationContext, workspace_id: UUID, *, pool_name: str
) -> AsyncGenerator[UnitOfWork]:
    """Open the unit of work of who may register agents in a workspace, or of the pool of a name.

    Raises:
        NotFound: no such workspace for the caller.
        Forbidden: the caller may not.
    """
    with needing(NOTHING):
        async with context.work(workspace_id) as work:
            pool_id = None
            if context.principal.all_rights().objects:
                pool = await work_pools.find_by_name(work, name=pool_name)
                pool_id = pool.id if pool is not None else None
            with needing(_CONNECTING):
                context.demand(workspace_id, on=pool_id)
            yield work


async def _token(
    context: OperationContext, session_id: UUID, *, workspace_id: UUID, now: datetime
) -> tuple[str, datetime]:
    lifetime = timedelta(seconds=context.backend.timers.session_token_seconds)
    expires_at = now + lifetime
    token = api_keys.session_token(
        session_id,
        organization_id=context.principal.organization_id,
        workspace_id=workspace_id,
        generation=await context.generation(),
        expires_at=expires_at,
        pepper=context.backend.pepper,
    )
    return token, expires_at


def _within(value: int | None, *, default: int, low: int, name: str) -> int:
    """Return a number of a poll.

    Raises:
        InvalidInput: out of its range.
    """
    high = MAX_WAIT_SECONDS if name == "waitSeconds" else MAX_POLLED
    if value is None:
        return default
    if not low <= value <= high:
        raise InvalidInput(f"{name} is from {low} to {high}.", path=[name])
    return value


async def _show_agent(context: OperationContext, session: AgentSession) -> Agent | None:
    shown: Agent | None = await load_part(
        context, agents.get_many_agents, session.agent_id, workspace_id=session.workspace_id
    )
    return shown


@strawberry.type
class AgentMutations:
    @mutation(
        requires=[Scope.AGENTS_CONNECT],
        description="Open an agent's session with an agent key, or a workspace's API key.",
    )
    async def agent_register(
        self,
        info: Info,
        input: Annotated[AgentRegisterInput, strawberry.argument(description="Who registers.")],
    ) -> AgentRegisterPayload:
        context = info.context
        if context.principal.api_key_id is None:
            raise Forbidden("An agent registers with a key, by which it can be ended; make one.")
        registration = input.to_registration()
        workspace_id = (
            ids.parse(input.workspace_id, kind=ids.Kind.WORKSPACE)
            if input.workspace_id is not None
            else context.own_workspace_id
        )
        async with _registering(context, workspace_id, pool_name=registration.pool_name) as work:
            session, pool = await agents.register_agent(
                work,
                registration,
                api_key_id=context.principal.api_key_id,
                granted_pool_id=context.principal.work_pool_id,
                secret_number=context.principal.secret_number,
            )
        token, expires_at = await _token(
            context, session.id, workspace_id=session.workspace_id, now=work.now
        )
        return AgentRegisterPayload(
            agent=await _show_agent(context, session),
            session_id=show_id(ids.Kind.AGENT_SESSION, session.id),
            session_token=token,
            expires_at=expires_at,
            protocol_version=PROTOCOL_VERSION,
            work_pool=show_work_pool(pool),
        )

    @mutation(
        requires=[Scope.AGENTS_CONNECT],
        description="Call every 15 s: renews all leases and the token, and brings cancels and "
        "directives even without a stream.",
    )
    async def agent_heartbeat(
        self,
        info: Info,
        input: Annotated[AgentHeartbeatInput, strawberry.argument(description="The call.")],
    ) -> AgentHeartbeatPayload:
        context = info.context
        session_id = own_session(context.principal, input.session_id)
        held = [lease.to_ref("held", str(place)) for place, lease in enumerate(input.held)]
        workspace_id = context.own_workspace_id
        answer = await context.backend.dispatcher.renewals.show(
            Heartbeat(
                workspace_id,
                held=tuple(held),
                report=SessionReport(workspace_id, session_id, input.capacity, input.state),
            )
        )
        token, expires_at = await _token(
            context, session_id, workspace_id=workspace_id, now=answer.now
        )
        directives = answer.session.directives if answer.session is not None else ()
        return AgentHeartbeatPayload(
            leases=[show_verdict(verdict) for verdict in answer.verdicts],
            directives=[AgentDirective(kind=one.kind, reason=one.reason) for one in directives],
            server_time=answer.now,
            session_token=token,
            expires_at=expires_at,
        )

    @mutation(
        requires=[Scope.AGENTS_CONNECT],
        description="Wait for the messages of a work stream, where neither a WebSocket nor an "
        "event stream gets through: the same messages and leases.",
    )
    async def agent_poll(
        self,
        info: Info,
        input: Annotated[AgentPollInput, strawberry.argument(description="The wait.")],
    ) -> AgentPollPayload:
        context = info.context
        session_id = own_session(context.principal, input.session_id)
        held = [lease.to_ref("held", str(place)) for place, lease in enumerate(input.held)]
        polling = context.backend.dispatcher.poll(
            context.principal,
            session_id=session_id,
            held=held,
            wait_seconds=_within(input.wait_seconds, default=25, low=0, name="waitSeconds"),
            most=_within(input.max, default=10, low=1, name="max"),
        )
        messages = await while_admitted(context, polling)
        return AgentPollPayload(messages=[show_message(message) for message in messages])

    @mutation(
        requires=[Scope.AGENTS_CONNECT],
        description="Offer the session nothing more; it finishes what it holds.",
    )
    async def agent_drain(
        self,
        info: Info,
        input: Annotated[AgentDrainInput, strawberry.argument(description="Which session.")],
    ) -> AgentPayload:
        context = info.context
        session_id = own_session(context.principal, input.session_id)
        async with context.work(context.own_workspace_id) as work:
            session = await agents.drain_session(
                work, session_id=session_id, deadline=input.deadline
            )
        return AgentPayload(agent=await _show_agent(context, session))

    @mutation(
        requires=[Scope.POOLS_WRITE],
        description="Ask an agent to take nothing more: its latest process ends with the last run "
        "that it holds. Refused with CONFLICT where none is there.",
    )
    async def agent_request_drain(
        self,
        info: Info,
        input: Annotated[AgentRequestDrainInput, strawberry.argument(description="Which.")],
    ) -> AgentPayload:
        context, agent_id = info.context, ids.parse(input.id, kind=ids.Kind.AGENT)
        found = await context.locate(agents.get_many_agents, agent_id)
        if found is None:
            raise NotFound
        async with context.work(found.workspace_id, on=found.work_pool_id) as work:
            row = await agents.request_drain(
                work, agent_id=agent_id, deadline=input.deadline, reason=input.reason
            )
        return AgentPayload(agent=show_agent(row))

    @mutation(
        requires=[Scope.AGENTS_CONNECT],
        description="End the session; its leases live on until they lapse or are released.",
    )
    async def agent_deregister(
        self,
        info: Info,
        input: Annotated[AgentSessionInput, strawberry.argument(description="Which session.")],
    ) -> DeletePayload:
        context = info.context
        session_id = own_session(context.principal, input.session_id)
        async with context.work(context.own_workspace_id) as work:
            await agents.leave(work, session_id=session_id)
        return DeletePayload(deleted_id=input.session_id)
