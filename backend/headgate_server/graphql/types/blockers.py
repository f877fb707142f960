"""Why a run is not running: causes, who holds what is waited for, and what would help."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from headgate_server.domain.blockers import Blocker as BlockerRow
from headgate_server.domain.blockers import BlockerCode
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.shapes.json_values import as_json
from headgate_server.graphql.shapes.nodes import load
from headgate_server.graphql.shapes.runs import Run
from headgate_server.services import blockers, task_blockers
from headgate_server.services.background_tasks import get_many_tasks
from headgate_server.services.flow_runs.read import get_many_flow_runs

if TYPE_CHECKING:
    from headgate_server.graphql.types.background_tasks import BackgroundTask

WEIGHT = 20
_CODES = ", ".join(code.value for code in BlockerCode)


@strawberry.type(description="One cause that holds a run up.")
class Blocker:
    code: str = strawberry.field(description=f"One of {_CODES}; more may come.")
    message: str = strawberry.field(description="What it is; for people.")
    since: datetime | None = strawberry.field(description="Since when, if that is kept.")
    queue_position: int | None = strawberry.field(
        description="How many are served before, up to 10,000; of slots, how many those want."
    )
    expected_start: datetime | None = strawberry.field(
        description="When this cause will probably have gone by itself."
    )
    action: JSON | None = strawberry.field(
        description="What would end it: a label, and a mutation with its variables to be sent as "
        "they are; or, where none can, a command."
    )
    workspace_id: strawberry.Private[UUID]
    held_task_ids: strawberry.Private[tuple[UUID, ...]]
    holder_ids: strawberry.Private[tuple[UUID, ...]]

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="Runs that hold what is waited for and that the caller may read, the longest "
        "first; up to 5.",
    )
    async def holders(self, info: Info) -> list[Run]:
        shown: list[Any] = [
            await load(info.context, get_many_flow_runs, id_, workspace_id=self.workspace_id)
            for id_ in self.holder_ids
        ]
        return [one for one in shown if one is not None]

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="Background tasks that hold what is waited for, the longest first; up to 5.",
    )
    async def background_tasks(
        self, info: Info
    ) -> list[
        Annotated[
            "BackgroundTask", strawberry.lazy("headgate_server.graphql.types.background_tasks")
        ]
    ]:
        shown: list[Any] = [
            await load(info.context, get_many_tasks, id_, workspace_id=self.workspace_id)
            for id_ in self.held_task_ids
        ]
        return [one for one in shown if one is not None]


async def list_of_run(
    info: Info, *, run_id: UUID, workspace_id: UUID, deployment_id: UUID | None
) -> list[Blocker]:
    """Return why a run is not running."""
    held = info.context.principal.scopes_in(workspace_id, on=deployment_id)
    async with info.context.work(workspace_id) as work:
        rows = await blockers.list_blockers(
            work,
            run_id=run_id,
            silent_for=_silence(info),
            may_answer=Scope.RUNS_WRITE in held,
        )
    return [_show(row, workspace_id=workspace_id) for row in rows]


async def list_of_task(info: Info, *, id_: UUID, workspace_id: UUID) -> list[Blocker]:
    """Return why a background task is not running."""
    async with info.context.work(workspace_id) as work:
        rows = await task_blockers.list_task_blockers(work, id_, silent_for=_silence(info))
    return [_show(row, workspace_id=workspace_id) for row in rows]


async def list_of_deployment(
    info: Info, *, deployment_id: UUID, workspace_id: UUID, schedule: Any = None
) -> list[Blocker]:
    """Return why the next run of a deployment, or of a schedule, would not start."""
    async with info.context.work(workspace_id) as work:
        rows = await blockers.list_blockers_of_deployment(
            work, deployment_id=deployment_id, silent_for=_silence(info), schedule=schedule
        )
    return [_show(row, workspace_id=workspace_id) for row in rows]


def _silence(info: Info) -> timedelta:
    return timedelta(seconds=info.context.backend.timers.unresponsive_after_seconds)


def _show(row: BlockerRow, *, workspace_id: UUID) -> Blocker:
    return Blocker(
        code=row.code.value,
        message=row.message,
        since=row.since,
        queue_position=row.queue_position,
        expected_start=row.expected_start,
        action=as_json(row.action.to_json()) if row.action else None,
        workspace_id=workspace_id,
        holder_ids=row.holders,
        held_task_ids=row.held_tasks,
    )
