"""Backfills: runs of a deployment for many instants or sets of parameters."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.backfills import Backfill as BackfillRow
from headgate_server.domain.backfills import BackfillItem as ItemRow
from headgate_server.domain.backfills import BackfillItemStatus, BackfillStatus
from headgate_server.domain.pagination import fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.domain.states import StateType
from headgate_server.graphql.connections import After, Connection, First, Listing, connect
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.scalars import JSON, Cursor
from headgate_server.graphql.shapes.actors import Actor, show_actor
from headgate_server.graphql.shapes.nodes import (
    Node,
    NodeKind,
    Versioned,
    load,
    load_named,
    reads,
    show_id,
    shows,
)
from headgate_server.graphql.shapes.refusals import RefusalCount
from headgate_server.graphql.types.flow_runs import FlowRun
from headgate_server.services import backfills, deployments
from headgate_server.services.flow_runs.read import get_many_flow_runs

if TYPE_CHECKING:
    from headgate_server.graphql.types.deployments import Deployment

strawberry.enum(
    BackfillStatus,
    description="Where a backfill is; the last three are final. COMPLETED: each item had a run "
    "that completed; FAILED: all are done for, and some had none.",
)
strawberry.enum(
    BackfillItemStatus,
    description="Where an item is. REFUSED got no run, as its error says; ENDED had one, and its "
    "outcome says how that ended.",
)


@strawberry.type(description="One run of a backfill, made or to be made.")
class BackfillItem:
    position: int = strawberry.field(description="Its place in the backfill's order, from 0.")
    instant: datetime | None = strawberry.field(description="For which instant; of a range only.")
    parameters: JSON = strawberry.field(description="Laid over the deployment's parameters.")
    status: BackfillItemStatus = strawberry.field(description="Where it is.")
    error: str | None = strawberry.field(description="Why it was refused; for people.")
    outcome: StateType | None = strawberry.field(
        description="The state in which its run ended; null before, and where that was deleted."
    )
    row: strawberry.Private[ItemRow | None]

    @scoped_field(requires=[Scope.RUNS_READ], description="Its run; null before, and if deleted.")
    async def flow_run(self, info: Info) -> FlowRun | None:
        row = self.row
        if row is None:
            return None
        found: Any = await load(
            info.context, get_many_flow_runs, row.run_id, workspace_id=row.workspace_id
        )
        return found


@strawberry.type(description="How many items of a backfill are in a status.")
class BackfillCount:
    status: BackfillItemStatus = strawberry.field(description="The status.")
    count: int = strawberry.field(description="How many.")


@strawberry.type(description="How many runs of a backfill's items ended in a state.")
class BackfillOutcomeCount:
    outcome: StateType = strawberry.field(description="The state.")
    count: int = strawberry.field(description="How many.")


@strawberry.type(description="Runs of a deployment for many instants or sets of parameters.")
class Backfill(Node, Versioned):
    name: str = strawberry.field(description="For people.")
    status: BackfillStatus = strawberry.field(description="Where it is.")
    parallelism: int = strawberry.field(description="How many of its runs may be there at once.")
    priority: int = strawberry.field(description="Of its runs; high first in their queue.")
    descending: bool = strawberry.field(description="Whether the last came first.")
    item_count: int = strawberry.field(description="How many runs it is.")
    created_at: datetime = strawberry.field(description="When it was made.")
    ended_at: datetime | None = strawberry.field(
        description="When all was done for, or it was cancelled."
    )
    row: strawberry.Private[BackfillRow]

    @strawberry.field(description="Who made it.")
    def created_by(self) -> Actor | None:
        return show_actor(self.row.created_by)

    @scoped_field(requires=ANY_CREDENTIAL, description="Whose runs it makes.")
    async def deployment(
        self, info: Info
    ) -> Annotated["Deployment", strawberry.lazy("headgate_server.graphql.types.deployments")]:
        row = self.row
        found: Any = await load_named(
            info.context,
            deployments.get_many_deployments,
            row.deployment_id,
            workspace_id=row.workspace_id,
        )
        return found

    @scoped_field(requires=ANY_CREDENTIAL, description="How many items are where; no zeros.")
    async def counts(self, info: Info) -> list[BackfillCount]:
        row = self.row
        found = await info.context.load(
            backfills.get_many_counts, row.id, workspace_id=row.workspace_id
        )
        return [
            BackfillCount(status=status, count=found[status])
            for status in BackfillItemStatus
            if found and status in found
        ]

    @scoped_field(
        requires=ANY_CREDENTIAL, description="How many of its runs ended in which state; no zeros."
    )
    async def outcomes(self, info: Info) -> list[BackfillOutcomeCount]:
        row = self.row
        found = await info.context.load(
            backfills.get_many_outcomes, row.id, workspace_id=row.workspace_id
        )
        return [
            BackfillOutcomeCount(outcome=outcome, count=found[outcome])
            for outcome in StateType
            if found and outcome in found
        ]

    @scoped_field(
        requires=ANY_CREDENTIAL,
        description="Why items were refused and how many, the most frequent reason first; at most "
        "20 reasons.",
    )
    async def refusals(self, info: Info) -> list[RefusalCount]:
        row = self.row
        found = await info.context.load(
            backfills.get_many_refusals, row.id, workspace_id=row.workspace_id
        )
        return [RefusalCount(message=why, count=count) for why, count in (found or {}).items()]

    @scoped_field(requires=ANY_CREDENTIAL, description="Its items, in its order.")
    async def items(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[BackfillItem]:
        id_, workspace_id, on = self.row.id, self.row.workspace_id, self.row.deployment_id
        listing: Listing[ItemRow] = Listing(
            of=fingerprint("backfill_items", id_),
            key=lambda row: (row.position,),
            key_types=tuple[int],
        )
        page = listing.request(first=first, after=after)
        async with info.context.work(workspace_id, on=on) as work:
            rows = await backfills.list_items(work, id_=id_, page=page)

        async def count(cap: int) -> int:
            async with info.context.work(workspace_id, on=on) as work:
                return await backfills.count_items(work, id_=id_, cap=cap)

        return connect(rows, listing=listing, show=show_item, count=count)


def show_item(row: ItemRow) -> BackfillItem:
    """Return an item of a backfill."""
    return BackfillItem(
        position=row.position,
        instant=row.instant,
        parameters=JSON(row.parameters),
        status=row.status,
        error=row.error,
        outcome=row.outcome,
        row=row,
    )


def show_backfill(row: BackfillRow) -> Backfill:
    """Return a backfill."""
    return Backfill(
        id=show_id(ids.Kind.BACKFILL, row.id),
        name=row.name,
        status=row.status,
        parallelism=row.parallelism,
        priority=row.priority,
        descending=row.is_descending,
        item_count=row.item_count,
        created_at=row.created_at,
        ended_at=row.ended_at,
        version=row.version,
        updated_at=row.updated_at,
        row=row,
    )


async def list_of(
    info: Info,
    *,
    workspace_id: UUID,
    deployment_id: UUID | None,
    first: int | None,
    after: Cursor | None,
) -> Connection[Backfill]:
    """Return a page of backfills, the newest first."""
    listing: Listing[BackfillRow] = Listing(
        of=fingerprint("backfills", workspace_id, deployment_id),
        key=lambda row: (row.id,),
        key_types=tuple[UUID],
    )
    page = listing.request(first=first, after=after)
    async with info.context.work(workspace_id, on=deployment_id) as work:
        rows = await backfills.list_backfills(work, page=page, deployment_id=deployment_id)

    async def count(cap: int) -> int:
        async with info.context.work(workspace_id, on=deployment_id) as work:
            return await backfills.count_backfills(work, deployment_id=deployment_id, cap=cap)

    return connect(rows, listing=listing, show=show_backfill, count=count)


shows(BackfillRow, by=show_backfill)
reads(
    ids.Kind.BACKFILL,
    by=NodeKind(
        fetch=backfills.get_many_backfills,
        scope=Scope.RUNS_READ,
        whole_of=lambda row: row.deployment_id,
    ),
)
