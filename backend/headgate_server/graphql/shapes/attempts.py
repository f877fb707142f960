"""Attempts: starts of a run's user code."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from headgate_server.domain.flow_runs import Attempt as AttemptRow
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.permissions import Info, scoped_field
from headgate_server.graphql.shapes.nodes import load
from headgate_server.services import agents

if TYPE_CHECKING:
    from headgate_server.graphql.types.agents import Agent


@strawberry.type(description="One start of a run's user code, under one epoch of its lease.")
class Attempt:
    number: int = strawberry.field(description="1 for the first start.")
    epoch: int = strawberry.field(description="The epoch of the lease it ran under.")
    started_at: datetime | None = strawberry.field(description="When user code started.")
    ended_at: datetime | None = strawberry.field(description="When it ended.")
    outcome: str | None = strawberry.field(
        description="The name of the state it ended in; null while it runs."
    )
    agent_id: strawberry.Private[UUID | None]
    workspace_id: strawberry.Private[UUID]

    @scoped_field(
        requires=[Scope.POOLS_READ], description="Who ran it; null for a run in its own process."
    )
    async def agent(
        self, info: Info
    ) -> Annotated["Agent", strawberry.lazy("headgate_server.graphql.types.agents")] | None:
        shown: Any = await load(
            info.context, agents.get_many_agents, self.agent_id, workspace_id=self.workspace_id
        )
        return shown


def show_attempt(row: AttemptRow, *, workspace_id: UUID) -> Attempt:
    """Return an attempt."""
    return Attempt(
        number=row.number,
        epoch=row.epoch,
        started_at=row.started_at,
        ended_at=row.ended_at,
        outcome=row.outcome,
        agent_id=row.agent_id,
        workspace_id=workspace_id,
    )
