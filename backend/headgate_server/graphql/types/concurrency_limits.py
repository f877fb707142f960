"""Concurrency limits: slots by name, and who holds them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.concurrency_limits import ConcurrencyLimit as LimitRow
from headgate_server.domain.concurrency_limits import Holder as HolderRow
from headgate_server.domain.concurrency_limits import Waiter as WaiterRow
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.pagination import fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.connections import Connection, Listing, connect
from headgate_server.graphql.directives import Cost
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.scalars import Cursor, Key
from headgate_server.graphql.shapes.beginnings import claim
from headgate_server.graphql.shapes.nodes import (
    Node,
    NodeKind,
    Versioned,
    load,
    reads,
    show_id,
    shows,
)
from headgate_server.services import concurrency_limits
from headgate_server.services.background_tasks import get_many_tasks
from headgate_server.services.flow_runs.read import get_many_flow_runs

if TYPE_CHECKING:
    from headgate_server.graphql.types.background_tasks import BackgroundTask
    from headgate_server.graphql.types.flow_runs import FlowRun

MAX_LISTED = 100
Most = Annotated[int, strawberry.argument(description="How many: 1 to 100.")]


@strawberry.type
class _Claim:
    """Slots of a limit, and who holds them or waits for them."""

    lease_id: strawberry.ID = strawberry.field(
        description="What they are held or waited for under; concurrencyRelease takes them back, "
        "or the place in the line."
    )
    slots: int = strawberry.field(description="How many.")
    workspace_id: strawberry.Private[UUID]
    run_id: strawberry.Private[UUID | None]
    task_id: strawberry.Private[UUID | None]

    @scoped_field(
        requires=[Scope.RUNS_READ],
        description="The flow run whose they are; null if none is, or the caller may not read it.",
    )
    async def run(
        self, info: Info
    ) -> Annotated["FlowRun", strawberry.lazy("headgate_server.graphql.types.flow_runs")] | None:
        shown: Any = await load(
            info.context, get_many_flow_runs, self.run_id, workspace_id=self.workspace_id
        )
        return shown

    @scoped_field(
        requires=[Scope.RUNS_READ],
        description="The background task whose they are; null if none is, or the caller may not "
        "read it.",
    )
    async def background_task(
        self, info: Info
    ) -> (
        Annotated[
            "BackgroundTask", strawberry.lazy("headgate_server.graphql.types.background_tasks")
        ]
        | None
    ):
        shown: Any = await load(
            info.context, get_many_tasks, self.task_id, workspace_id=self.workspace_id
        )
        return shown


@strawberry.type(description="Slots that somebody holds.")
class ConcurrencyHolder(_Claim):
    acquired_at: datetime = strawberry.field(description="Since when.")
    expires_at: datetime = strawberry.field(
        description="Until when without another word: of a run, as its lease stands now."
    )


@strawberry.type(description="Slots that somebody waits for.")
class ConcurrencyWaiter(_Claim):
    position: int = strawberry.field(
        description="The place in the line, from 1: by priority, then by age. One who waits for "
        "another limit as well, or for more than there is, lets others pass."
    )
    priority: int = strawberry.field(description="Who is served first, high first.")
    since: datetime = strawberry.field(description="Since when somebody waits for them.")


@strawberry.type(description="How many slots of a name may be taken at once, or how fast.")
class ConcurrencyLimit(Node, Versioned):
    name: Key = strawberry.field(description="Unique in its workspace; never changes.")
    limit: int = strawberry.field(description="How many slots there are; with 0 nobody gets one.")
    slot_decay_per_second: float = strawberry.field(
        description="How many taken slots come back each second; 0 where they are given back."
    )
    task_tag: str | None = strawberry.field(
        description="Each run of a task with this tag takes a slot; null if code names the limit."
    )
    row: strawberry.Private[LimitRow]

    @scoped_field(requires=ANY_CREDENTIAL, description="How many slots are taken now.")
    async def active(self, info: Info) -> int:
        found = await info.context.load(
            concurrency_limits.get_many_uses, self.row.id, workspace_id=self.row.workspace_id
        )
        return found.active if found else 0

    @scoped_field(requires=ANY_CREDENTIAL, description="How many wait for slots now.")
    async def waiting(self, info: Info) -> int:
        found = await info.context.load(
            concurrency_limits.get_many_uses, self.row.id, workspace_id=self.row.workspace_id
        )
        return found.waiting if found else 0

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="Who holds slots, the longest first.",
        directives=[Cost(weight=2, list_size=20)],
    )
    async def holders(self, info: Info, first: Most = 20) -> list[ConcurrencyHolder]:
        _check_first(first)
        async with info.context.work(self.row.workspace_id) as work:
            rows = await concurrency_limits.list_holders(work, limit_id=self.row.id, most=first)
        claim(info.context, len(rows))
        return [show_holder(row, workspace_id=self.row.workspace_id) for row in rows]

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="Who waits for slots, who is served next first.",
        directives=[Cost(weight=2, list_size=20)],
    )
    async def waiters(self, info: Info, first: Most = 20) -> list[ConcurrencyWaiter]:
        _check_first(first)
        async with info.context.work(self.row.workspace_id) as work:
            rows = await concurrency_limits.list_waiters(work, limit_id=self.row.id, most=first)
        claim(info.context, len(rows))
        return [_show_waiter(row, workspace_id=self.row.workspace_id) for row in rows]


def _check_first(first: int) -> None:
    if not 1 <= first <= MAX_LISTED:
        raise InvalidInput(f"first is from 1 to {MAX_LISTED}.", path=["first"])


def show_limit(row: LimitRow) -> ConcurrencyLimit:
    """Return a limit."""
    return ConcurrencyLimit(
        id=show_id(ids.Kind.CONCURRENCY_LIMIT, row.id),
        name=Key(row.name),
        limit=row.limit,
        slot_decay_per_second=row.slot_decay_per_second,
        task_tag=row.task_tag,
        version=row.version,
        updated_at=row.updated_at,
        row=row,
    )


def show_holder(row: HolderRow, *, workspace_id: UUID) -> ConcurrencyHolder:
    """Return who holds slots."""
    return ConcurrencyHolder(
        lease_id=show_id(ids.Kind.CONCURRENCY_LEASE, row.lease_id),
        slots=row.slots,
        acquired_at=row.acquired_at,
        expires_at=row.expires_at,
        workspace_id=workspace_id,
        run_id=row.run_id,
        task_id=row.task_id,
    )


def _show_waiter(row: WaiterRow, *, workspace_id: UUID) -> ConcurrencyWaiter:
    return ConcurrencyWaiter(
        lease_id=show_id(ids.Kind.CONCURRENCY_LEASE, row.lease_id),
        slots=row.slots,
        position=row.position,
        priority=row.priority,
        since=row.since,
        workspace_id=workspace_id,
        run_id=row.run_id,
        task_id=row.task_id,
    )


shows(LimitRow, by=show_limit)
reads(
    ids.Kind.CONCURRENCY_LIMIT,
    by=NodeKind(fetch=concurrency_limits.get_many_limits, scope=Scope.FLOWS_READ),
)


async def find_by_name(info: Info, *, workspace_id: UUID, name: str) -> ConcurrencyLimit | None:
    """Return the limit of a name."""
    async with info.context.work(workspace_id) as work:
        row = await concurrency_limits.find_by_name(work, name=name)
    return show_limit(row) if row else None


async def list_of(
    info: Info, *, workspace_id: UUID, first: int | None, after: Cursor | None
) -> Connection[ConcurrencyLimit]:
    """Return a page of a workspace's limits by name."""
    listing: Listing[LimitRow] = Listing(
        of=fingerprint("concurrency_limits", workspace_id),
        key=lambda row: (row.name, row.id),
        key_types=tuple[str, UUID],
    )
    page = listing.request(first=first, after=after)
    async with info.context.work(workspace_id) as work:
        rows = await concurrency_limits.list_limits(work, page=page)

    async def count(cap: int) -> int:
        async with info.context.work(workspace_id) as work:
            return await concurrency_limits.count_limits(work, cap=cap)

    return connect(rows, listing=listing, show=show_limit, count=count)
