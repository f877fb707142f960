"""Work pools: places where runs wait for agents of one kind."""

from functools import partial
from typing import Annotated
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.pagination import fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.domain.work_pools import PoolStatus
from headgate_server.domain.work_pools import WorkPool as WorkPoolRow
from headgate_server.graphql.connections import After, Connection, First, Listing, connect
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.scalars import JSON, Cursor
from headgate_server.graphql.shapes.beginnings import AT_MOST, first_of, more_of
from headgate_server.graphql.shapes.nodes import Node, NodeKind, Versioned, reads, show_id, shows
from headgate_server.graphql.shapes.single_objects import read_existing
from headgate_server.graphql.types import agents as agent_lists
from headgate_server.graphql.types import work_queues as queue_lists
from headgate_server.graphql.types.work_queues import (
    Backlog,
    WorkQueue,
    show_backlog,
    show_work_queue,
)
from headgate_server.services import work_pools, work_queues

strawberry.enum(
    PoolStatus, description="READY: an agent is online. NOT_READY: none is. PAUSED: by a person."
)


@strawberry.type(description="A place where runs wait for agents of one kind.")
class WorkPool(Node, Versioned):
    name: str = strawberry.field(description="Unique in its workspace; 1 to 200 characters.")
    type: str = strawberry.field(description="process, docker, kubernetes or ecs.")
    paused: bool = strawberry.field(description="Whether nothing is offered from it.")
    concurrency_limit: int | None = strawberry.field(
        description="How many of its runs may be held at once; null is no limit."
    )
    base_job_template: JSON = strawberry.field(
        description="What every job of the pool is made of, as workPoolUpsert takes it: defaults "
        "of job variables, and what the pool says itself. A run takes that of its claim; one that "
        "was stored in another shape says nothing."
    )
    row: strawberry.Private[WorkPoolRow]

    @scoped_field(requires=ANY_CREDENTIAL, description="Whether its runs can start.")
    async def status(self, info: Info) -> PoolStatus:
        row = self.row
        fetch = work_pools.get_many_statuses
        found = await info.context.load(fetch, row.id, workspace_id=row.workspace_id)
        return found or PoolStatus.NOT_READY

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description=f"Its queues, the one served first first, {AT_MOST}.",
    )
    async def queues(self, info: Info) -> list[WorkQueue]:
        row, fetch = self.row, work_queues.get_first_of_pools
        found = await first_of(info.context, fetch, row.id, workspace_id=row.workspace_id)
        return [show_work_queue(queue) for queue in found.items]

    @scoped_field(requires=ANY_CREDENTIAL, description="How many more it has than queues shows.")
    async def queues_more(self, info: Info) -> int:
        row, fetch = self.row, work_queues.get_first_of_pools
        return await more_of(info.context, fetch, row.id, workspace_id=row.workspace_id)

    @scoped_field(
        requires=[Scope.POOLS_READ],
        description="All its queues, by pages; the one served first first.",
    )
    async def all_queues(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[WorkQueue]:
        return await queue_lists.list_of_pool(
            info,
            workspace_id=self.row.workspace_id,
            work_pool_id=self.row.id,
            first=first,
            after=after,
        )

    @scoped_field(requires=[Scope.POOLS_READ], description="The agents that serve it, by name.")
    async def agents(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        online: Annotated[
            bool | None,
            strawberry.argument(description="Only those that are online, or only the others."),
        ] = None,
    ) -> Connection[agent_lists.Agent]:
        return await agent_lists.list_of_pool(
            info,
            workspace_id=self.row.workspace_id,
            work_pool_id=self.row.id,
            is_online=online,
            first=first,
            after=after,
        )

    @scoped_field(requires=ANY_CREDENTIAL, description="What waits and runs in it right now.")
    async def backlog(self, info: Info) -> Backlog:
        row = self.row
        fetch = work_pools.get_many_backlogs
        return show_backlog(await info.context.load(fetch, row.id, workspace_id=row.workspace_id))


def show_work_pool(row: WorkPoolRow) -> WorkPool:
    """Return a pool."""
    return WorkPool(
        id=show_id(ids.Kind.WORK_POOL, row.id),
        name=row.name,
        type=row.type,
        paused=row.is_paused,
        concurrency_limit=row.concurrency_limit,
        base_job_template=JSON(row.base_job_template),
        version=row.version,
        updated_at=row.updated_at,
        row=row,
    )


shows(WorkPoolRow, by=show_work_pool)
reads(ids.Kind.WORK_POOL, by=NodeKind(fetch=work_pools.get_many_work_pools, scope=Scope.POOLS_READ))


async def find_by_name(info: Info, *, workspace_id: UUID, name: str) -> WorkPool | None:
    """Return the pool of a name; to who holds rights on it alone, too."""
    find = partial(work_pools.find_by_name, name=name)
    row = await read_existing(info.context, workspace_id, find)
    return show_work_pool(row) if row else None


async def list_of(
    info: Info, *, workspace_id: UUID, first: int | None, after: Cursor | None
) -> Connection[WorkPool]:
    """Return a page of a workspace's pools by name."""
    listing: Listing[WorkPoolRow] = Listing(
        of=fingerprint("work_pools", workspace_id),
        key=lambda row: (row.name, row.id),
        key_types=tuple[str, UUID],
    )
    page = listing.request(first=first, after=after)
    async with info.context.work(workspace_id) as work:
        rows = await work_pools.list_work_pools(work, page=page)

    async def count(cap: int) -> int:
        async with info.context.work(workspace_id) as work:
            return await work_pools.count_work_pools(work, cap=cap)

    return connect(rows, listing=listing, show=show_work_pool, count=count)
