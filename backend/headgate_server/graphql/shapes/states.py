"""States: what runs went through, and what they are in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.flow_runs import FlowRun as FlowRunRow
from headgate_server.domain.states import ProposedState, StateType, propose
from headgate_server.domain.states import State as StateRow
from headgate_server.domain.task_runs import TaskRun as TaskRunRow
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.shapes.actors import Actor, show_actor
from headgate_server.services.flow_runs.read import get_many_states

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@strawberry.type(description="A state that a run entered.")
class State:
    id: strawberry.ID = strawberry.field(description="Names the run and the state's sequence.")
    type: StateType = strawberry.field(description="One of the nine types.")
    name: str = strawberry.field(description="The type's sub-state; 1 to 100 characters.")
    message: str | None = strawberry.field(
        description="For people; at most 4,000 characters (10,000 for task runs)."
    )
    timestamp: datetime = strawberry.field(description="When the run entered it.")
    sequence: int = strawberry.field(description="1 for a run's first state, then rising by one.")
    workspace_id: strawberry.Private[UUID]
    key: strawberry.Private[tuple[UUID, int] | None] = None
    row: strawberry.Private[StateRow | None] = None

    @scoped_field(
        requires=ANY_CREDENTIAL, description="Who proposed it; null for the states of task runs."
    )
    async def actor(self, info: Info) -> Actor | None:
        row = await self.read(info)
        return show_actor(row.actor) if row else None

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="What belongs to the state, such as the error of a failure or the instant of "
        "a retry; null for the states of task runs.",
    )
    async def details(self, info: Info) -> JSON | None:
        row = await self.read(info)
        return JSON(row.details) if row else None

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="The rules that were evaluated, the facts, and the verdict; of flow runs only.",
    )
    async def decision(self, info: Info) -> JSON | None:
        row = await self.read(info)
        return JSON(row.decision) if row and row.decision is not None else None

    async def read(self, info: Info) -> StateRow | None:
        """Return the whole row of a flow run's state, read when first asked for."""
        if self.row is None and self.key is not None:
            self.row = await info.context.load(
                get_many_states, self.key, workspace_id=self.workspace_id
            )
        return self.row


def show_state(row: StateRow, *, workspace_id: UUID) -> State:
    """Return a state of a flow run's history."""
    return State(
        id=strawberry.ID(ids.show_state(row.run_id, sequence=row.sequence)),
        type=row.type,
        name=row.name,
        message=row.message,
        timestamp=row.timestamp,
        sequence=row.sequence,
        workspace_id=workspace_id,
        row=row,
    )


def state_of_flow_run(row: FlowRunRow) -> State:
    """Return the state a flow run is in, from the run's own row."""
    return State(
        id=strawberry.ID(ids.show_state(row.id, sequence=row.state_sequence)),
        type=row.state_type,
        name=row.state_name,
        message=row.state_message,
        timestamp=row.state_timestamp,
        sequence=row.state_sequence,
        workspace_id=row.workspace_id,
        key=(row.id, row.state_sequence),
    )


def state_of_task_run(row: TaskRunRow, sequence: int) -> State:
    """Return one of a task run's states, which are packed into its row; 1 is the first."""
    type_, name, at, message = row.states[sequence - 1]
    return State(
        id=strawberry.ID(ids.show_state(row.id, sequence=sequence)),
        type=StateType(type_),
        name=name,
        message=message,
        timestamp=_EPOCH + timedelta(microseconds=at),
        sequence=sequence,
        workspace_id=row.workspace_id,
    )


@strawberry.input(description="A state that is proposed.")
class StateInput:
    type: StateType = strawberry.field(description="One of the nine types.")
    name: str | None = strawberry.field(
        default=None, description="The type's default name if not said; 1 to 100 characters."
    )
    message: str | None = strawberry.field(
        default=None, description="For people; cut to 4,000 characters."
    )
    details: JSON | None = strawberry.field(
        default=None, description="An object that belongs to the state, such as an error."
    )
    timestamp: datetime | None = strawberry.field(
        default=None,
        description="When the run entered it, at most now and at least when it entered the state "
        "before; now if not said, or far from now without sentAt.",
    )
    sent_at: datetime | None = strawberry.field(
        default=None,
        description="What the same clock shows as this is sent: an instant long before now is "
        "taken as it is told, and a clock that is wrong is noticed.",
    )

    def to_proposal(self) -> ProposedState:
        """Return the proposal.

        Raises:
            InvalidInput: a name that will not do, or details that are no object.
        """
        if not isinstance(self.details, dict | None):
            raise InvalidInput("details is a JSON object.", path=["state", "details"])
        proposed = propose(
            self.type,
            name=self.name,
            message=self.message,
            details=cast("dict[str, Any] | None", self.details),
            timestamp=self.timestamp,
        )
        return proposed if self.sent_at is None else replace(proposed, sent_at=self.sent_at)
