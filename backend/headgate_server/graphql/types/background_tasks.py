"""Background tasks: queued calls of tasks, and what workers show of those they have."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.background_tasks import BackgroundTask as BackgroundTaskRow
from headgate_server.domain.background_tasks import (
    LeaseVerdict,
    TaskFilter,
    TaskLease,
    TaskLine,
    TaskState,
)
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.pagination import fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.domain.states import StateType
from headgate_server.graphql.connections import After, Connection, First, Listing, connect
from headgate_server.graphql.directives import Cost
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.shapes.actors import Actor, show_actor
from headgate_server.graphql.shapes.nodes import Node, NodeKind, reads, show_id, shows
from headgate_server.graphql.shapes.plain_inputs import plain
from headgate_server.graphql.types import blockers as blocker_lists
from headgate_server.graphql.types.leases import parse_uuid
from headgate_server.services import background_tasks

MAX_LISTED = 100

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


@strawberry.type(description="One line of what a background task logged.")
class BackgroundTaskLine:
    epoch: int = strawberry.field(description="Of the attempt that wrote it.")
    sequence: int = strawberry.field(description="Numbers the attempt's lines, from 0.")
    timestamp: datetime = strawberry.field(description="When it was written, by its process.")
    level: int = strawberry.field(description="10 debug, 20 info, 30 warning, 40 error.")
    logger: str = strawberry.field(description="The logger's name.")
    message: str = strawberry.field(description="At most 64,000 characters.")


def _show_line(row: TaskLine) -> BackgroundTaskLine:
    return BackgroundTaskLine(
        epoch=row.epoch,
        sequence=row.sequence,
        timestamp=row.timestamp,
        level=row.level,
        logger=row.logger,
        message=row.message,
    )


@strawberry.type(description="A state that a background task was in.")
class BackgroundTaskState:
    type: StateType = strawberry.field(description="One of the nine types.")
    name: str = strawberry.field(description="The type's sub-state.")
    message: str | None = strawberry.field(description="For people; its first 1,000 characters.")
    timestamp: datetime = strawberry.field(description="When the task entered it.")
    epoch: int = strawberry.field(description="How often a worker had taken the task by then.")


def _show_state(row: TaskState) -> BackgroundTaskState:
    return BackgroundTaskState(
        type=row.type,
        name=row.name,
        message=row.message,
        timestamp=row.entered_at,
        epoch=row.epoch,
    )


@strawberry.input(description="Which background tasks; all that is said must hold.")
class BackgroundTaskFilter:
    task_keys: list[str] | None = strawberry.field(
        default=None, description="Calls of one of these tasks."
    )
    states: list[StateType] | None = strawberry.field(
        default=None, description="In a state of one of these types."
    )
    tags: list[str] | None = strawberry.field(default=None, description="With one of these tags.")

    def to_filter(self) -> TaskFilter:
        """Return the filter.

        Raises:
            InvalidInput: a list of more than 100.
        """
        for field, given in (("taskKeys", self.task_keys), ("tags", self.tags)):
            if given is not None and len(given) > MAX_LISTED:
                raise InvalidInput(f"{field} lists at most {MAX_LISTED}.", path=["filter", field])
        return TaskFilter(
            task_keys=None if self.task_keys is None else tuple(self.task_keys),
            state_types=None if self.states is None else tuple(self.states),
            tags=None if self.tags is None else tuple(self.tags),
        )


@strawberry.type(description="A call of a task that a worker runs, outside of any flow run.")
class BackgroundTask(Node):
    task_key: str = strawberry.field(description="Names the task: workers say which they know.")
    name: str = strawberry.field(description="Of the call, for people.")
    state_type: StateType = strawberry.field(
        description="SCHEDULED until a worker has it, then PENDING, RUNNING and an end."
    )
    state_name: str = strawberry.field(description="The type's sub-state.")
    message: str | None = strawberry.field(description="Of the state, for people.")
    states: list[BackgroundTaskState] = strawberry.field(
        description="Which it was in, in their order; the last 100. Those from before "
        "the server kept them are not there."
    )
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

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="Why it is not running, the nearest cause first; empty where it runs, is over, "
        "or nothing holds it up. Who serves it is known as of the last 45 seconds.",
        directives=[Cost(weight=blocker_lists.WEIGHT, list_size=10)],
    )
    async def why_not_running(self, info: Info) -> list[blocker_lists.Blocker]:
        row = self.row
        return await blocker_lists.list_of_task(info, id_=row.id, workspace_id=row.workspace_id)

    @scoped_field(
        requires=[Scope.LOGS_READ],
        description="What it logged, attempt by attempt; of each attempt up to 10,000 lines.",
    )
    async def logs(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[BackgroundTaskLine]:
        task_id, workspace_id = self.row.id, self.row.workspace_id
        listing: Listing[TaskLine] = Listing(
            of=fingerprint("background_task_logs", task_id),
            key=lambda line: (line.epoch, line.sequence),
            key_types=tuple[int, int],
        )
        page = listing.request(first=first, after=after)
        async with info.context.work(workspace_id) as work:
            rows = await background_tasks.list_lines(work, task_id, page=page)

        async def count(cap: int) -> int:
            async with info.context.work(workspace_id) as work:
                return await background_tasks.count_lines(work, task_id, cap=cap)

        return connect(rows, listing=listing, show=_show_line, count=count)


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
        states=[_show_state(state) for state in row.states],
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


shows(BackgroundTaskRow, by=show_task)
reads(
    ids.Kind.BACKGROUND_TASK,
    by=NodeKind(fetch=background_tasks.get_many_tasks, scope=Scope.RUNS_READ),
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

    @scoped_field(
        requires=[Scope.RUNS_READ],
        description="The background tasks of the workspace, the one queued last first.",
    )
    async def background_tasks(
        self,
        info: Info,
        filter: Annotated[
            BackgroundTaskFilter | None,
            strawberry.argument(description="Only the tasks that match this."),
        ] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[BackgroundTask]:
        workspace_id, wanted = self.workspace_id, (filter or BackgroundTaskFilter()).to_filter()
        listing: Listing[BackgroundTaskRow] = Listing(
            of=fingerprint("background_tasks", workspace_id, wanted),
            key=lambda row: (row.created_at, row.id),
            key_types=tuple[datetime, UUID],
        )
        page = listing.request(first=first, after=after)
        async with info.context.work(workspace_id) as work:
            rows = await background_tasks.list_tasks(work, page=page, filter=wanted)

        async def count(cap: int) -> int:
            async with info.context.work(workspace_id) as work:
                return await background_tasks.count_tasks(work, filter=wanted, cap=cap)

        return connect(rows, listing=listing, show=show_task, count=count)

    @property
    def workspace_id(self) -> UUID:
        """Return the id of the workspace."""
        raise NotImplementedError
