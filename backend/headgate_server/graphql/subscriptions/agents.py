"""Work streams of agents."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from headgate_server.domain.permissions import Scope
from headgate_server.graphql.mutations.leases import own_session
from headgate_server.graphql.permissions import Info, scoped_subscription
from headgate_server.graphql.types.agents import AgentWorkMessage, show_message
from headgate_server.graphql.types.leases import LeaseInput


@strawberry.input(description="A work stream of a session.")
class AgentWorkInput:
    session_id: strawberry.ID = strawberry.field(description="The caller's agent session.")
    held: list[LeaseInput] = strawberry.field(
        description="What the agent holds already, at most 1,000: after a reconnect."
    )


@strawberry.type
class AgentSubscriptions:
    @scoped_subscription(
        requires=[Scope.AGENTS_CONNECT],
        description="Offers and control messages for an agent; the newest stream of a session "
        "replaces the others.",
    )
    async def agent_work(
        self,
        info: Info,
        input: Annotated[AgentWorkInput, strawberry.argument(description="Whose stream.")],
    ) -> AsyncGenerator[AgentWorkMessage, None]:
        context = info.context
        session_id = own_session(context.principal, input.session_id)
        held = [lease.to_ref("held", str(place)) for place, lease in enumerate(input.held)]
        messages = context.backend.dispatcher.stream(
            context.principal, session_id=session_id, held=held
        )
        async with aclosing(messages):
            async for message in messages:
                yield show_message(message)
