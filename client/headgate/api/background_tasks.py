"""Background tasks over the API: queue, take, start, log, finish, cancel, retry, read, follow."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any

import msgspec

from headgate.api.calls import (
    PAGE_SIZE,
    Answer,
    Page,
    ask_workspace,
    change,
    given,
    read_page,
    require,
)
from headgate.api.documents import document
from headgate.api.transport import Transport

NOUN = "background_tasks"


class BackgroundTask(Answer, frozen=True):
    """A queued call of a task.

    Args:
        parameters: the arguments, or where they lie.
        result: what came of it, or where that lies.
    """

    id: str
    task_key: str
    name: str
    state_type: str
    state_name: str
    message: str | None
    parameters: Any
    result: Any
    epoch: int


class Creator(Answer, frozen=True):
    """Who queued a task."""

    display_name: str


class TaskState(Answer, frozen=True):
    """A state that a call was in.

    Args:
        epoch: how often a worker had taken it by then.
    """

    type: str
    name: str
    message: str | None
    timestamp: datetime
    epoch: int


class QueuedTask(BackgroundTask, frozen=True):
    """A queued call as lists show it.

    Args:
        losses: how many workers were lost while they ran it.
        states: the first one first; empty in lists.
    """

    tags: list[str]
    losses: int
    created_at: datetime
    created_by: Creator
    started_at: datetime | None = None
    ended_at: datetime | None = None
    states: tuple[TaskState, ...] = ()


class TaskLine(Answer, frozen=True):
    """A line of what a task logged.

    Args:
        epoch: of the attempt that wrote it.
    """

    epoch: int
    sequence: int
    timestamp: datetime
    level: int
    logger: str
    message: str


class TaskLease(Answer, frozen=True):
    """What a worker shows of a task that it has."""

    id: str
    lease_token: str
    epoch: int

    def as_variables(self) -> dict[str, Any]:
        """Return it as the API's ``BackgroundTaskLeaseInput``."""
        return {"id": self.id, "leaseToken": self.lease_token, "epoch": self.epoch}


class Offer(Answer, frozen=True):
    """A task that a worker may start now."""

    task: BackgroundTask
    lease_token: str
    epoch: int

    @property
    def lease(self) -> TaskLease:
        """What is shown of it."""
        return TaskLease(self.task.id, self.lease_token, self.epoch)


class Work(Answer, frozen=True):
    """What a worker may start now, and how often it renews what it started."""

    offers: list[Offer]
    heartbeat_interval: timedelta


async def create(
    transport: Transport,
    *,
    workspace_id: str,
    id: str,
    task_key: str,
    name: str,
    parameters: Any,
    tags: Sequence[str] = (),
    priority: int = 0,
    due_at: str | None = None,
) -> BackgroundTask:
    """Queue a call; safe to repeat with the same id.

    Args:
        id: made here.
        due_at: an instant as the API writes it; at once where it is None.
    """
    input_ = {
        "workspaceId": workspace_id,
        "id": id,
        "taskKey": task_key,
        "name": name,
        "parameters": parameters,
        "tags": list(tags),
        "priority": priority,
        **given(dueAt=due_at),
    }
    payload = await change(transport, NOUN, "BackgroundTaskCreate", input=input_)
    return msgspec.convert(payload["task"], BackgroundTask)


async def start(transport: Transport, *, workspace_id: str, lease: TaskLease) -> None:
    """Begin to run what was offered; safe to repeat.

    Raises:
        LeaseLostError: another worker has it by now.
    """
    input_ = {"workspaceId": workspace_id, "lease": lease.as_variables()}
    await change(transport, NOUN, "BackgroundTaskStart", input=input_)


async def renew(
    transport: Transport, *, workspace_id: str, leases: Sequence[TaskLease]
) -> list[str]:
    """Keep leases for longer; of each RENEWED, CANCEL_REQUESTED or LOST, in their order."""
    input_ = {
        "workspaceId": workspace_id,
        "leases": [lease.as_variables() for lease in leases],
    }
    payload = await change(transport, NOUN, "BackgroundTasksRenew", input=input_)
    return list(payload["verdicts"])


async def finish(
    transport: Transport,
    *,
    workspace_id: str,
    lease: TaskLease,
    state: dict[str, Any],
    result: Any = None,
) -> None:
    """End a task, or give it back with SCHEDULED; safe to repeat.

    Args:
        state: as the API's ``StateInput``.
        result: what came of it as JSON, or where that lies; at most 64 KiB.

    Raises:
        LeaseLostError: another worker has it by now.
    """
    input_ = {
        "workspaceId": workspace_id,
        "lease": lease.as_variables(),
        "state": state,
        **given(result=result),
    }
    await change(transport, NOUN, "BackgroundTaskFinish", input=input_)


async def cancel(transport: Transport, *, workspace_id: str, id: str) -> BackgroundTask:
    """Cancel a task: at once where no worker has begun it, else its worker is asked to stop it."""
    input_ = {"workspaceId": workspace_id, "id": id}
    payload = await change(transport, NOUN, "BackgroundTaskCancel", input=input_)
    return msgspec.convert(payload["task"], BackgroundTask)


async def retry(transport: Transport, *, workspace_id: str, id: str) -> BackgroundTask:
    """Queue a task again that is over.

    Raises:
        IllegalTransitionError: it is not over.
    """
    input_ = {"workspaceId": workspace_id, "id": id}
    payload = await change(transport, NOUN, "BackgroundTaskRetry", input=input_)
    return msgspec.convert(payload["task"], BackgroundTask)


async def append_logs(
    transport: Transport,
    *,
    workspace_id: str,
    lease: TaskLease,
    offset: int,
    batch: dict[str, list[Any]],
) -> int:
    """Append what a task logs, and return how many lines had no room; safe to repeat.

    Args:
        offset: how many lines of this attempt came before.
        batch: the columns of a run's log.

    Raises:
        LeaseLostError: another worker has it by now.
    """
    input_ = {
        "workspaceId": workspace_id,
        "lease": lease.as_variables(),
        "offset": offset,
        "batch": batch,
    }
    payload = await change(transport, NOUN, "BackgroundTaskLogsAppend", input=input_)
    return int(payload["dropped"])


async def list_tasks(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    filter: dict[str, Any] | None = None,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[QueuedTask]:
    """Return a page of a workspace's tasks, the one queued last first.

    Args:
        filter: the API's ``BackgroundTaskFilter``.
    """
    place = await ask_workspace(
        transport,
        NOUN,
        "BackgroundTasks",
        organization=organization,
        workspace=workspace,
        filter=filter,
        first=first,
        after=after,
    )
    return read_page(place["backgroundTasks"], item=QueuedTask)


async def get(transport: Transport, *, organization: str, workspace: str, id: str) -> QueuedTask:
    """Return a task.

    Raises:
        NotFoundError: there is none, or this key may not see it.
    """
    place = await ask_workspace(
        transport, NOUN, "BackgroundTask", organization=organization, workspace=workspace, id=id
    )
    found = require(place["backgroundTask"], what=f"background task {id}")
    return msgspec.convert(found, QueuedTask)


async def list_logs(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    id: str,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[TaskLine]:
    """Return a page of what a task logged, attempt by attempt.

    Raises:
        NotFoundError: there is no such task, or this key may not see it.
    """
    place = await ask_workspace(
        transport,
        NOUN,
        "BackgroundTaskLogs",
        organization=organization,
        workspace=workspace,
        id=id,
        first=first,
        after=after,
    )
    found = require(place["backgroundTask"], what=f"background task {id}")
    return read_page(found["logs"], item=TaskLine)


async def work(
    transport: Transport,
    *,
    workspace_id: str,
    worker_id: str,
    task_keys: Sequence[str],
    limit: int,
) -> AsyncIterator[Work]:
    """Receive what a worker may start; the caller re-opens a broken stream."""
    variables = {
        "workspaceId": workspace_id,
        "workerId": worker_id,
        "taskKeys": list(task_keys),
        "limit": limit,
    }
    async with aclosing(
        transport.subscribe(
            document(NOUN, "BackgroundTaskWork"), variables, operation="BackgroundTaskWork"
        )
    ) as messages:
        async for message in messages:
            yield msgspec.convert(message["backgroundTaskWork"], Work)


async def updates(
    transport: Transport, *, workspace_id: str, id: str
) -> AsyncIterator[BackgroundTask]:
    """Follow a task until it is over; the caller re-opens a broken stream."""
    async with aclosing(
        transport.subscribe(
            document(NOUN, "BackgroundTaskUpdates"),
            {"workspaceId": workspace_id, "id": id},
            operation="BackgroundTaskUpdates",
        )
    ) as messages:
        async for message in messages:
            yield msgspec.convert(message["backgroundTaskUpdates"], BackgroundTask)
