"""Work queues: the lanes of a pool, and what waits in them."""

from datetime import timedelta
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.pagination import fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.domain.work_pools import Backlog as BacklogRow
from headgate_server.domain.work_queues import WorkQueue as WorkQueueRow
from headgate_server.graphql.connections import Connection, Listing, connect
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.scalars import Cursor
from headgate_server.graphql.shapes.nodes import Node, NodeKind, Versioned, reads, show_id, shows
from headgate_server.services import work_queues


@strawberry.type(description="What waits and runs in a pool or a queue right now.")
class Backlog:
    ready: int = strawberry.field(description="Runs that are due and wait for an agent.")
    scheduled: int = strawberry.field(description="Runs that are due later.")
    offered: int = strawberry.field(description="Runs on their way to an agent.")
    running: int = strawberry.field(description="Runs that an agent holds.")
    oldest_ready_age: timedelta | None = strawberry.field(
        description="How long the oldest ready run has been due; null if none waits."
    )


def show_backlog(row: BacklogRow | None) -> Backlog:
    """Return a backlog; None is an empty one."""
    found = row or BacklogRow()
    return Backlog(
        ready=found.ready,
        scheduled=found.scheduled,
        offered=found.offered,
        running=found.running,
        oldest_ready_age=found.oldest_ready_age,
    )


@strawberry.type(description="A lane of a pool.")
class WorkQueue(Node, Versioned):
    name: str = strawberry.field(description="Unique in its pool; 1 to 200 characters.")
    priority: int = strawberry.field(description="1 to 1,000; 1 is served first.")
    paused: bool = strawberry.field(description="Whether nothing is offered from it.")
    concurrency_limit: int | None = strawberry.field(
        description="How many of its runs may be held at once; null is no limit."
    )
    row: strawberry.Private[WorkQueueRow]

    @scoped_field(requires=ANY_CREDENTIAL, description="What waits and runs in it right now.")
    async def backlog(self, info: Info) -> Backlog:
        row = self.row
        fetch = work_queues.get_many_backlogs
        return show_backlog(await info.context.load(fetch, row.id, workspace_id=row.workspace_id))


def show_work_queue(row: WorkQueueRow) -> WorkQueue:
    """Return a queue."""
    return WorkQueue(
        id=show_id(ids.Kind.WORK_QUEUE, row.id),
        name=row.name,
        priority=row.priority,
        paused=row.is_paused,
        concurrency_limit=row.concurrency_limit,
        version=row.version,
        updated_at=row.updated_at,
        row=row,
    )


async def list_of_pool(
    info: Info, *, workspace_id: UUID, work_pool_id: UUID, first: int | None, after: Cursor | None
) -> Connection[WorkQueue]:
    """Return a page of a pool's queues, the one served first first."""
    listing: Listing[WorkQueueRow] = Listing(
        of=fingerprint("work_queues", work_pool_id),
        key=lambda row: (row.priority, row.name, row.id),
        key_types=tuple[int, str, UUID],
    )
    page = listing.request(first=first, after=after)
    async with info.context.work(workspace_id, on=work_pool_id) as work:
        rows = await work_queues.list_work_queues(work, work_pool_id=work_pool_id, page=page)

    async def count(cap: int) -> int:
        async with info.context.work(workspace_id, on=work_pool_id) as work:
            return await work_queues.count_work_queues(work, work_pool_id=work_pool_id, cap=cap)

    return connect(rows, listing=listing, show=show_work_queue, count=count)


shows(WorkQueueRow, by=show_work_queue)
reads(
    ids.Kind.WORK_QUEUE,
    by=NodeKind(
        fetch=work_queues.get_many_work_queues,
        scope=Scope.POOLS_READ,
        whole_of=lambda row: row.work_pool_id,
    ),
)
