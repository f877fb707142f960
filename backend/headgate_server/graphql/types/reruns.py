"""What of a run is done again when it is started again, and why."""

from typing import Annotated
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.reruns import PlannedTask as PlannedTaskRow
from headgate_server.domain.reruns import RerunReason, RerunRequest
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.types.task_runs import TaskRun, show_task_run
from headgate_server.services import reruns

MOST_SHOWN = 1_000

strawberry.enum(
    RerunReason,
    description="WHOLE_RUN: everything is. CHOSEN: it was named. NOT_COMPLETED: it did not end "
    "well. DOWNSTREAM: it depends on one that is. RESULT_NOT_KEPT: nobody kept its result for "
    "another process. COMPLETED: it is not done again, its result is reused.",
)
FromFailed = Annotated[
    bool,
    strawberry.argument(description="Only what did not complete, and what depends on it."),
]
FromTaskRunIds = Annotated[
    list[strawberry.ID] | None,
    strawberry.argument(description="Only these, and what depends on them; 1,000 at most."),
]


@strawberry.type(description="A task run, and what becomes of it when its run starts again.")
class PlannedTask:
    task_run: TaskRun = strawberry.field(description="As it is now.")
    reused: bool = strawberry.field(description="Whether its result is reused.")
    reason: RerunReason = strawberry.field(description="Why it is done again, or is not.")


@strawberry.type(description="What of a run's last attempt is done again, and why.")
class RetryPreview:
    tasks: list[PlannedTask] = strawberry.field(
        description="Its task runs in the order in which they were made; the first 1,000."
    )
    reused_count: int = strawberry.field(description="How many of them all are reused.")
    again_count: int = strawberry.field(description="How many of them all are done again.")


def to_request(from_failed: bool, from_task_run_ids: list[strawberry.ID] | None) -> RerunRequest:  # noqa: FBT001 - as given
    """Return how a run is started again.

    Raises:
        InvalidId: not the id of a task run.
    """
    chosen = tuple(ids.parse(id_, kind=ids.Kind.TASK_RUN) for id_ in from_task_run_ids or ())
    return RerunRequest(is_from_failed=from_failed, from_task_run_ids=chosen)


async def preview(
    info: Info, *, workspace_id: UUID, on: UUID | None, run_id: UUID, request: RerunRequest
) -> RetryPreview:
    """Return what of a run is done again when it is started again so."""
    async with info.context.work(workspace_id, on=on) as work:
        planned = await reruns.plan_run(work, run_id=run_id, request=request)
    reused = sum(task.is_reused for task in planned)
    return RetryPreview(
        tasks=[_show(task) for task in planned[:MOST_SHOWN]],
        reused_count=reused,
        again_count=len(planned) - reused,
    )


def _show(row: PlannedTaskRow) -> PlannedTask:
    return PlannedTask(
        task_run=show_task_run(row.task_run), reused=row.is_reused, reason=row.reason
    )
