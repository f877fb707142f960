"""Background tasks: queued calls of tasks, and what workers show of those they have."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.background_tasks import BackgroundTask as BackgroundTaskRow
from headgate_server.domain.background_tasks import LeaseVerdict, TaskLease
from headgate_server.domain.permissions import Scope
from headgate_server.domain.states import StateType
from headgate_server.graphql.permissions import Info, scoped_field
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.shapes.actors import Actor, show_actor
from headgate_server.graphql.shapes.nodes import show_id
from headgate_server.graphql.shapes.plain_inputs import plain
from headgate_server.graphql.types.leases import parse_uuid
from headgate_server.services import background_tasks

strawberry.enum(
    LeaseVerdict,
    name="BackgroundTaskVerdict",
    description="RENEWED: the worker goes on. CANCEL_REQUESTED: it goes on until it has stopped "
    "the task. LOST: another has the task, or it is over; nothing more is reported.",
)


@plain
@strawberry.input(description="What a worker shows of a task that it has.")
class BackgroundTaskLeaseInput:
    id: strawberry.ID = strawberry.field(description="Of the background task.")
    lease_token: str = strawberry.field(description="As it was offered; opaque.")
    epoch: int = strawberry.field(description="As it was offered.")

    def to_lease(self) -> TaskLease:
        """Return the lease.

        Raises:
            InvalidId: not the id of a background task.
            InvalidInput: a token that cannot be one.
        """
        id_ = ids.parse(self.id, kind=ids.Kind.BACKGROUND_TASK)
        token = parse_uuid(self.lease_token, path=["lease", "leaseToken"])
        return TaskLease(id=id_, token=token, epoch=self.epoch)


@strawberry.type(description="A call of a task that a worker runs, outside of any flow run.")
class BackgroundTask:
    id: strawberry.ID = strawberry.field(description="Made by whoever queued it.")
    task_key: str = strawberry.field(description="Names the task: workers say which they know.")
    name: str = strawberry.field(description="Of the call, for people.")
    state_type: StateType = strawberry.field(
        description="SCHEDULED until a worker has it, then PENDING, RUNNING and an end."
    )
    state_name: str = strawberry.field(description="The type's sub-state.")
    message: str | None = strawberry.field(description="Of the state, for people.")
    parameters: JSON = strawberry.field(description="The arguments, or where they lie.")
    result: JSON | None = strawberry.field(
        description="What came of it, or where that lies; null as long as nothing has."
    )
    tags: list[str] = strawberry.field(description="As it was queued with.")
    priority: int = strawberry.field(
        description="Each step counts as a minute more that it has waited."
    )
    due_at: datetime = strawberry.field(description="Not before.")
    epoch: int = strawberry.field(description="How often a worker took it.")
    losses: int = strawberry.field(description="How many workers were lost while they ran it.")
    leased_until: datetime | None = strawberry.field(
        description="When it may be taken from the worker that has it; null where none has."
    )
    cancel_requested_at: datetime | None = strawberry.field(
        description="When somebody asked for it to be stopped."
    )
    created_at: datetime = strawberry.field(description="When it was queued.")
    started_at: datetime | None = strawberry.field(description="When it ran first.")
    ended_at: datetime | None = strawberry.field(description="When it was over.")
    row: strawberry.Private[BackgroundTaskRow]

    @strawberry.field(description="Who queued it.")
    def created_by(self) -> Actor:
        return show_actor(self.row.created_by)


@strawberry.type(description="A task that a worker may start now.")
class BackgroundTaskOffer:
    task: BackgroundTask = strawberry.field(description="The task, with its parameters.")
    lease_token: str = strawberry.field(description="Shown with everything about this attempt.")
    epoch: int = strawberry.field(description="Shown with it; an older one changes nothing.")


def show_task(row: BackgroundTaskRow) -> BackgroundTask:
    """Return a background task."""
    return BackgroundTask(
        id=show_id(ids.Kind.BACKGROUND_TASK, row.id),
        task_key=row.task_key,
        name=row.name,
        state_type=row.state_type,
        state_name=row.state_name,
        message=row.message,
        parameters=JSON(row.parameters),
        result=None if row.result is None else JSON(row.result),
        tags=list(row.tags),
        priority=row.priority,
        due_at=row.due_at,
        epoch=row.epoch,
        losses=row.losses,
        leased_until=row.leased_until,
        cancel_requested_at=row.cancel_requested_at,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        row=row,
    )


def show_offer(row: BackgroundTaskRow) -> BackgroundTaskOffer:
    """Return a task as its worker is told of it."""
    return BackgroundTaskOffer(task=show_task(row), lease_token=str(row.token), epoch=row.epoch)


@strawberry.type
class WorkspaceBackgroundTasks:
    """The background tasks of a workspace, as fields of it."""

    @scoped_field(requires=[Scope.RUNS_READ], description="The background task of an id.")
    async def background_task(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Which.")],
    ) -> BackgroundTask | None:
        id_ = ids.parse(id, kind=ids.Kind.BACKGROUND_TASK)
        async with info.context.work(self.workspace_id) as work:
            row = await background_tasks.find_task(work, id_)
        return show_task(row) if row else None

    @property
    def workspace_id(self) -> UUID:
        """Return the id of the workspace."""
        raise NotImplementedError
