"""What of a run is done again when it is started again, and why."""

from typing import Annotated
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.reruns import PlannedTask as PlannedTaskRow
from headgate_server.domain.reruns import RerunReason, RerunRequest
from headgate_server.domain.task_runs import TaskRun as TaskRunRow
from headgate_server.graphql.permissions import Info
from headgate_server.graphql.types.task_runs import TaskRun, show_task_run
from headgate_server.services import reruns, task_runs

MOST_SHOWN = 1_000
ABOUT_PREVIEW = (
    "What of its last attempt is done again when it is retried so, and why. That is with the "
    "parameters that it has: with others, a task that gets other inputs is done again as well, "
    "which is only seen as it runs."
)

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
    workspace_id: strawberry.Private[UUID]
    on: strawberry.Private[UUID | None]
    planned: strawberry.Private[list[PlannedTaskRow]]
    reused_count: int = strawberry.field(description="How many of them all are reused.")
    again_count: int = strawberry.field(description="How many of them all are done again.")
    left_out_count: int = strawberry.field(
        description="How many more it has, which are not in the preview: only the oldest 50,000 "
        "are looked at, with those that were chosen, and fewer where they wait for more than "
        "500,000 others in all. What becomes of the rest is seen as the run starts again."
    )

    @strawberry.field(
        description="Its task runs in the order in which they were made; the first 1,000."
    )
    async def tasks(self, info: Info) -> list[PlannedTask]:
        shown = self.planned[:MOST_SHOWN]
        if not shown:
            return []
        async with info.context.work(self.workspace_id, on=self.on) as work:
            rows = await task_runs.get_many_task_runs(work, [task.id for task in shown])
        return [_show(task, rows[task.id]) for task in shown if task.id in rows]


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
        plan = await reruns.plan_run(work, run_id=run_id, request=request)
    reused = sum(task.is_reused for task in plan.tasks)
    return RetryPreview(
        workspace_id=workspace_id,
        on=on,
        planned=plan.tasks,
        reused_count=reused,
        again_count=len(plan.tasks) - reused,
        left_out_count=plan.left_out,
    )


def _show(planned: PlannedTaskRow, row: TaskRunRow) -> PlannedTask:
    return PlannedTask(task_run=show_task_run(row), reused=planned.is_reused, reason=planned.reason)
