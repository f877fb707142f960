"""Mutations on background tasks: queue, start, renew, finish, cancel."""

from datetime import datetime, timedelta
from typing import Annotated

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.background_tasks import LeaseVerdict, NewBackgroundTask, Outcome
from headgate_server.domain.errors import Forbidden
from headgate_server.domain.logs import parse_batch, weigh
from headgate_server.domain.permissions import Scope
from headgate_server.domain.quotas import LOG_KINDS, Usage
from headgate_server.domain.tenancy import Principal, lacking
from headgate_server.graphql.context import OperationContext, needing
from headgate_server.graphql.errors import MutationError
from headgate_server.graphql.fields import errors_field, mutation, payload_field
from headgate_server.graphql.mutations.flow_runs.inputs import workspace_id_of
from headgate_server.graphql.mutations.logs import too_fast
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.shapes.states import StateInput
from headgate_server.graphql.types.background_tasks import (
    BackgroundTask,
    BackgroundTaskLeaseInput,
    show_task,
)
from headgate_server.services import background_tasks

_WORKSPACE = "Where the worker works."


@strawberry.input(description="A call of a task, to be queued.")
class BackgroundTaskCreateInput:
    workspace_id: strawberry.ID = strawberry.field(description="Where.")
    id: strawberry.ID = strawberry.field(
        description="Made by the client (UUIDv7): sent again, the task is queued once."
    )
    task_key: str = strawberry.field(
        description="Names the task, as workers know it: 1 to 1,000 characters."
    )
    name: str = strawberry.field(description="Of the call, for people: 1 to 300 characters.")
    parameters: JSON = strawberry.field(
        description="The arguments, or where they lie; at most 64 KiB."
    )
    tags: list[str] | None = strawberry.field(
        default=None, description="At most 50 of 1 to 100 characters."
    )
    priority: int = strawberry.field(
        default=0,
        description="-1,000 to 1,000, high first; each step counts as a minute more of waiting.",
    )
    due_at: datetime | None = strawberry.field(
        default=None, description="Not before; at once if not said."
    )

    def to_new(self) -> NewBackgroundTask:
        """Return the call.

        Raises:
            InvalidId: not the id of a background task.
        """
        return NewBackgroundTask(
            id=ids.parse(self.id, kind=ids.Kind.BACKGROUND_TASK),
            task_key=self.task_key,
            name=self.name,
            parameters=self.parameters,
            tags=tuple(self.tags or ()),
            priority=self.priority,
            due_at=self.due_at,
        )


@strawberry.input(description="A task that a worker took, and begins to run.")
class BackgroundTaskStartInput:
    workspace_id: strawberry.ID = strawberry.field(description=_WORKSPACE)
    lease: BackgroundTaskLeaseInput = strawberry.field(description="As it was offered.")


@strawberry.input(description="The tasks that a worker has.")
class BackgroundTasksRenewInput:
    workspace_id: strawberry.ID = strawberry.field(description=_WORKSPACE)
    leases: list[BackgroundTaskLeaseInput] = strawberry.field(description="1,000 at most.")


@strawberry.input(description="A task that a worker is through with.")
class BackgroundTaskFinishInput:
    workspace_id: strawberry.ID = strawberry.field(description=_WORKSPACE)
    lease: BackgroundTaskLeaseInput = strawberry.field(description="As it was offered.")
    state: StateInput = strawberry.field(
        description="How it ended; SCHEDULED gives it back for another worker."
    )
    result: JSON | None = strawberry.field(
        default=None, description="What came of it, or where that lies; at most 64 KiB."
    )


@strawberry.input(description="A task that is to be cancelled.")
class BackgroundTaskCancelInput:
    workspace_id: strawberry.ID = strawberry.field(description="Where.")
    id: strawberry.ID = strawberry.field(description="Which.")


@strawberry.input(description="A task that is over, and is to be queued again.")
class BackgroundTaskRetryInput:
    workspace_id: strawberry.ID = strawberry.field(description="Where.")
    id: strawberry.ID = strawberry.field(description="Which.")


@strawberry.input(description="What a task logs, in columns.")
class BackgroundTaskLogsAppendInput:
    workspace_id: strawberry.ID = strawberry.field(description=_WORKSPACE)
    lease: BackgroundTaskLeaseInput = strawberry.field(description="As it was offered.")
    offset: int = strawberry.field(
        description="How many lines of this attempt came before; 0 up, of 10,000 that are kept."
    )
    batch: JSON = strawberry.field(
        description="As logsAppend takes it; taskRunId is null throughout."
    )


@strawberry.type(description="What became of the lines.")
class BackgroundTaskLogsAppendPayload:
    dropped: int = payload_field(
        "How many had no room: the attempt's log is full, or a quota is used up.", default=0
    )
    errors: list[MutationError] = errors_field()


@strawberry.type(description="A background task as it is now.")
class BackgroundTaskPayload:
    task: BackgroundTask | None = payload_field("The task.")
    errors: list[MutationError] = errors_field()


@strawberry.type(description="What became of leases.")
class BackgroundTasksRenewPayload:
    verdicts: list[LeaseVerdict] | None = payload_field("One for each lease, in their order.")
    errors: list[MutationError] = errors_field()


@strawberry.type
class BackgroundTaskMutations:
    @mutation(
        requires=ANY_CREDENTIAL,
        description="Queue a call of a task for a worker: with RUNS_WRITE, or as a run that may "
        "start others, with its own token. Safe to repeat.",
        is_storing=True,
    )
    async def background_task_create(
        self,
        info: Info,
        input: Annotated[BackgroundTaskCreateInput, strawberry.argument(description="The call.")],
    ) -> BackgroundTaskPayload:
        context = info.context
        sender = context.principal.run
        needed = frozenset({Scope.RUNS_WRITE if sender is None else Scope.RUNS_EXECUTE})
        missing = context.principal.missing_scopes(needed)
        if missing:
            raise lacking(missing)
        with needing(needed):
            async with context.work(workspace_id_of(input.workspace_id)) as work:
                row = await background_tasks.create_task(work, input.to_new(), sender=sender)
        return BackgroundTaskPayload(task=show_task(row))

    @mutation(
        requires=[Scope.RUNS_EXECUTE],
        description="Begin to run a task that was offered: the start gate. Safe to repeat.",
    )
    async def background_task_start(
        self,
        info: Info,
        input: Annotated[BackgroundTaskStartInput, strawberry.argument(description="Which.")],
    ) -> BackgroundTaskPayload:
        check_worker_key(info.context.principal)
        async with info.context.work(workspace_id_of(input.workspace_id)) as work:
            row = await background_tasks.start_task(
                work, input.lease.to_lease(), duration=_lease(info.context)
            )
        return BackgroundTaskPayload(task=show_task(row))

    @mutation(
        requires=[Scope.RUNS_EXECUTE],
        description="Keep the leases of a worker for longer; whose time is over loses the task.",
    )
    async def background_tasks_renew(
        self,
        info: Info,
        input: Annotated[BackgroundTasksRenewInput, strawberry.argument(description="Which.")],
    ) -> BackgroundTasksRenewPayload:
        check_worker_key(info.context.principal)
        leases = [lease.to_lease() for lease in input.leases]
        async with info.context.work(workspace_id_of(input.workspace_id)) as work:
            verdicts = await background_tasks.renew_leases(
                work, leases, duration=_lease(info.context)
            )
        return BackgroundTasksRenewPayload(verdicts=verdicts)

    @mutation(
        requires=[Scope.RUNS_EXECUTE],
        description="End a task with what came of it, or give it back. Safe to repeat; refused "
        "where another worker has the task by now.",
    )
    async def background_task_finish(
        self,
        info: Info,
        input: Annotated[BackgroundTaskFinishInput, strawberry.argument(description="Which.")],
    ) -> BackgroundTaskPayload:
        check_worker_key(info.context.principal)
        state = input.state.to_proposal()
        outcome = Outcome(
            state_type=state.type,
            state_name=state.name,
            message=state.message,
            result=input.result,
        )
        async with info.context.work(workspace_id_of(input.workspace_id)) as work:
            row = await background_tasks.finish_task(work, input.lease.to_lease(), outcome)
        return BackgroundTaskPayload(task=show_task(row))

    @mutation(
        requires=[Scope.RUNS_WRITE],
        description="Cancel a task: at once where no worker has begun it, else its worker is asked "
        "to stop it. A worker that has not confirmed it within 60 s is waited for no longer.",
    )
    async def background_task_cancel(
        self,
        info: Info,
        input: Annotated[BackgroundTaskCancelInput, strawberry.argument(description="Which.")],
    ) -> BackgroundTaskPayload:
        id_ = ids.parse(input.id, kind=ids.Kind.BACKGROUND_TASK)
        async with info.context.work(workspace_id_of(input.workspace_id)) as work:
            row = await background_tasks.cancel_task(work, id_)
        return BackgroundTaskPayload(task=show_task(row))

    @mutation(
        requires=[Scope.RUNS_WRITE],
        description="Queue a task again that is over, with the arguments it had. Its log goes on.",
    )
    async def background_task_retry(
        self,
        info: Info,
        input: Annotated[BackgroundTaskRetryInput, strawberry.argument(description="Which.")],
    ) -> BackgroundTaskPayload:
        id_ = ids.parse(input.id, kind=ids.Kind.BACKGROUND_TASK)
        async with info.context.work(workspace_id_of(input.workspace_id)) as work:
            row = await background_tasks.retry_task(work, id_)
        return BackgroundTaskPayload(task=show_task(row))

    @mutation(
        requires=[Scope.RUNS_EXECUTE],
        description="Append what a task logs, for the worker that has it or had it last. Lines "
        "that came before are kept as they are; who writes too fast is answered RATE_LIMITED.",
    )
    async def background_task_logs_append(
        self,
        info: Info,
        input: Annotated[
            BackgroundTaskLogsAppendInput, strawberry.argument(description="What to append.")
        ],
    ) -> BackgroundTaskLogsAppendPayload:
        context = info.context
        check_worker_key(context.principal)
        lease, batch = input.lease.to_lease(), parse_batch(input.batch)
        workspace_id = workspace_id_of(input.workspace_id)
        organization_id, shares = context.principal.organization_id, context.backend.log_shares
        place = {"workspace_id": workspace_id, "flow_run_id": lease.id}
        may_write, seconds = shares.reserve(**place, lines=weigh(batch))
        if not may_write:
            raise too_fast(seconds)
        has_room = context.meter.usage.over(organization_id, LOG_KINDS) is None
        async with (
            shares.turn(**place, wait_seconds=seconds),
            context.work(workspace_id) as work,
        ):
            done = await background_tasks.append_lines(
                work, lease, batch, offset=input.offset, has_room=has_room
            )
        context.meter.usage.note(organization_id, Usage(log_bytes=done.size_bytes))
        return BackgroundTaskLogsAppendPayload(dropped=done.dropped)


def check_worker_key(principal: Principal) -> None:
    """Go on only with a key: what a run's token may is about that run.

    Raises:
        Forbidden: a run's token.
    """
    if principal.run is not None:
        raise Forbidden("A run takes no background tasks: start a task worker with a key.")


def _lease(context: OperationContext) -> timedelta:
    return timedelta(seconds=context.backend.timers.lease_seconds)
