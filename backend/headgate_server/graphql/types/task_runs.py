"""Task runs: calls of tasks inside flow runs."""

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from headgate_server.domain import filters, ids
from headgate_server.domain.pagination import Page, PageRequest, fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.domain.task_runs import TaskRun as TaskRunRow
from headgate_server.graphql.connections import After, Connection, First, Listing, connect
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.scalars import Cursor
from headgate_server.graphql.shapes.filters import LogFilter
from headgate_server.graphql.shapes.nodes import (
    NodeKind,
    find_whole,
    load_named,
    reads,
    show_id,
    shows,
)
from headgate_server.graphql.shapes.runs import Run
from headgate_server.graphql.shapes.states import State, state_of_task_run
from headgate_server.graphql.types import artifacts as artifact_lists
from headgate_server.graphql.types import logs as log_types
from headgate_server.services import task_runs
from headgate_server.services.flow_runs.read import get_many_flow_runs

if TYPE_CHECKING:
    from headgate_server.graphql.types.flow_runs import FlowRun


@strawberry.type(description="One call of a task inside a flow run.")
class TaskRun(Run):
    task_key: str = strawberry.field(description="Names the task in its flow's code.")
    map_index: int | None = strawberry.field(
        description="Its place among the calls of one map; null for a single call."
    )
    attempt: int = strawberry.field(description="1 for the first try, then rising with retries.")
    cache_key: str | None = strawberry.field(description="Under which its result is cached.")
    row: strawberry.Private[TaskRunRow]

    @scoped_field(requires=ANY_CREDENTIAL, description="The flow run it is part of.")
    async def flow_run(
        self, info: Info
    ) -> Annotated["FlowRun", strawberry.lazy("headgate_server.graphql.types.flow_runs")]:
        row = self.row
        shown: Any = await load_named(
            info.context, get_many_flow_runs, row.flow_run_id, workspace_id=row.workspace_id
        )
        return shown

    @scoped_field(requires=[Scope.LOGS_READ], description="Its lines of the flow run's log.")
    async def logs(
        self, info: Info, first: First = None, after: After = None, filter: log_types.Filter = None
    ) -> Connection[log_types.LogLine]:
        wanted = (filter or LogFilter()).to_filter()
        return await log_types.list_lines(
            info,
            workspace_id=self.row.workspace_id,
            on=await find_whole(info.context, self.row),
            flow_run_id=self.row.flow_run_id,
            filter_=log_types.of_task_run(wanted, self.row.id),
            first=first,
            after=after,
        )

    @scoped_field(requires=[Scope.ARTIFACTS_READ], description="What it left, the newest first.")
    async def artifacts(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[artifact_lists.Artifact]:
        return await artifact_lists.list_of(
            info,
            workspace_id=self.row.workspace_id,
            on=await find_whole(info.context, self.row),
            filter_=filters.ArtifactFilter(task_run_id=filters.IdFilter(eq=self.row.id)),
            first=first,
            after=after,
        )

    async def read_tags(self, info: Info) -> list[str]:
        return sorted(self.row.tags)

    async def read_states(self, info: Info, page: PageRequest) -> Page[State]:
        start: int = page.key[0] if page.key else 0
        end = min(start + page.size, len(self.row.states))
        states = [state_of_task_run(self.row, sequence) for sequence in range(start + 1, end + 1)]
        return Page(states, has_next=end < len(self.row.states), has_previous=start > 0)


def show_task_run(row: TaskRunRow) -> TaskRun:
    """Return a task run."""
    return TaskRun(
        id=show_id(ids.Kind.TASK_RUN, row.id),
        name=row.name,
        state=state_of_task_run(row, len(row.states)),
        started_at=row.started_at,
        ended_at=row.ended_at,
        duration=row.duration,
        task_key=row.task_key,
        map_index=row.map_index,
        attempt=row.attempt,
        cache_key=row.cache_key,
        row=row,
    )


async def list_of(
    info: Info,
    *,
    workspace_id: UUID,
    on: UUID | None = None,
    filter_: filters.TaskRunFilter | None,
    first: int | None,
    after: Cursor | None,
) -> Connection[TaskRun]:
    """Return a page of task runs, oldest first."""
    listing: Listing[TaskRunRow] = Listing(
        of=fingerprint("task_runs", workspace_id, filter_),
        key=lambda row: (row.flow_run_id, row.id),
        key_types=tuple[UUID, UUID],
    )
    page = listing.request(first=first, after=after)
    async with info.context.work(workspace_id, on=on) as work:
        rows = await task_runs.list_task_runs(work, page=page, filter=filter_)

    async def count(cap: int) -> int:
        async with info.context.work(workspace_id, on=on) as work:
            return await task_runs.count_task_runs(work, filter=filter_, cap=cap)

    return connect(rows, listing=listing, show=show_task_run, count=count)


shows(TaskRunRow, by=show_task_run)
reads(
    ids.Kind.TASK_RUN,
    by=NodeKind(
        fetch=task_runs.get_many_task_runs,
        scope=Scope.RUNS_READ,
        part_of=(get_many_flow_runs, lambda row: row.flow_run_id),
    ),
)
