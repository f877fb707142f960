"""Task runs over the API: columnar batches from the engine, and lists."""

from datetime import datetime
from typing import Any

import msgspec

from headgate.api.calls import (
    PAGE_SIZE,
    Answer,
    LeaseInput,
    Page,
    ask,
    ask_workspace,
    change,
    read_page,
    require,
)
from headgate.api.states import StateAnswer
from headgate.api.transport import Transport

NOUN = "task_runs"

MAX_BATCH = 1000


class TaskRun(Answer, frozen=True):
    """A task run as the API shows it."""

    id: str
    name: str
    task_key: str
    state: StateAnswer
    tags: list[str]
    attempt: int = 0
    map_index: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


class OwnRun(Answer, frozen=True):
    """The flow run that a task run is part of."""

    id: str
    name: str


class WholeTaskRun(TaskRun, frozen=True, kw_only=True):
    """A task run with its run and every state it was in, the first one first."""

    flow_run: OwnRun
    states: list[StateAnswer]
    cache_key: str | None = None


class Rejection(Answer, frozen=True):
    """A task run of a batch that the server did not take."""

    id: str
    code: str
    message: str


class SyncResult(Answer, frozen=True):
    """How a batch was received."""

    accepted: int
    rejected: list[Rejection]


async def sync(
    transport: Transport,
    *,
    lease: LeaseInput,
    flow_run_id: str,
    batch_id: str,
    batch: dict[str, list[Any]],
    deadline_seconds: float | None = None,
) -> SyncResult:
    """Tell the server task runs and their whole state lists; safe to repeat in any order.

    Args:
        batch: the columns id, taskKey, name, mapIndex, tags, cacheKey, attempt, parents, states;
            1 to 1,000 rows.
    """
    payload = await change(
        transport,
        NOUN,
        "TaskRunSync",
        input={
            "flowRunId": flow_run_id,
            "lease": lease.as_variables(),
            "batchId": batch_id,
            "batch": batch,
        },
        deadline_seconds=deadline_seconds,
    )
    return msgspec.convert(payload, SyncResult)


async def list_task_runs(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    filter: dict[str, Any] | None = None,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[TaskRun]:
    """Return task runs, newest first."""
    place = await ask_workspace(
        transport,
        NOUN,
        "TaskRuns",
        organization=organization,
        workspace=workspace,
        first=first,
        after=after,
        filter=filter,
    )
    return read_page(place["taskRuns"], item=TaskRun)


async def get(transport: Transport, *, task_run_id: str) -> WholeTaskRun:
    """Return one task run.

    Raises:
        NotFoundError: there is none, or this key may not see it.
    """
    found = await ask(transport, NOUN, "TaskRunById", variables={"id": task_run_id})
    run = require(found or None, what=f"task run {task_run_id}")
    return msgspec.convert({**run, "states": run["stateHistory"]["nodes"]}, WholeTaskRun)
