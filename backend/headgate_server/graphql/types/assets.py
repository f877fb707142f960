"""Assets: data that runs produce, where they come from, and how fresh they are."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from headgate_server.domain import filters, ids
from headgate_server.domain.assets import Asset as AssetRow
from headgate_server.domain.assets import Materialization as MaterializationRow
from headgate_server.domain.clock import SystemClock
from headgate_server.domain.pagination import Beginning, fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.connections import After, Connection, First, Listing, connect
from headgate_server.graphql.context import OperationContext
from headgate_server.graphql.permissions import Info, scoped_field
from headgate_server.graphql.scalars import JSON, Cursor
from headgate_server.graphql.shapes.beginnings import AT_MOST, claim
from headgate_server.graphql.shapes.filters import StringFilter
from headgate_server.graphql.shapes.nodes import (
    Node,
    NodeKind,
    Versioned,
    load,
    reads,
    show_id,
    shows,
)
from headgate_server.services import assets, task_runs
from headgate_server.services.flow_runs.read import get_many_flow_runs

if TYPE_CHECKING:
    from headgate_server.graphql.types.flow_runs import FlowRun
    from headgate_server.graphql.types.task_runs import TaskRun

TYPES = "headgate_server.graphql.types"


@strawberry.input(description="Narrows a list of assets.")
class AssetFilter:
    key: StringFilter | None = strawberry.field(default=None, description="By key.")
    name: StringFilter | None = strawberry.field(default=None, description="By name.")

    def to_filter(self) -> filters.AssetFilter:
        """Return the filter."""
        return filters.AssetFilter(
            key=self.key.to_filter() if self.key else None,
            name=self.name.to_filter() if self.name else None,
        )


Assets = Annotated[
    AssetFilter | None, strawberry.argument(description="Only those that match this.")
]


@strawberry.type(description="One time that an asset was produced, or was not.")
class AssetMaterialization:
    id: strawberry.ID = strawberry.field(description="Opaque; made by the client.")
    succeeded: bool = strawberry.field(description="Whether the asset was produced.")
    by: str | None = strawberry.field(description="The tool that did it, as dbt; null if unsaid.")
    metadata: JSON = strawberry.field(description="What the task said of it: an object.")
    at: datetime = strawberry.field(description="When.")
    row: strawberry.Private[MaterializationRow]

    @scoped_field(
        requires=[Scope.RUNS_READ], description="The run that did it; null where none did, or gone."
    )
    async def flow_run(
        self, info: Info
    ) -> Annotated["FlowRun", strawberry.lazy(f"{TYPES}.flow_runs")] | None:
        row = self.row
        shown: Any = await load(
            info.context, get_many_flow_runs, row.flow_run_id, workspace_id=row.workspace_id
        )
        return shown

    @scoped_field(
        requires=[Scope.RUNS_READ], description="The task run that did it; null where none did."
    )
    async def task_run(
        self, info: Info
    ) -> Annotated["TaskRun", strawberry.lazy(f"{TYPES}.task_runs")] | None:
        row, fetch = self.row, task_runs.get_many_task_runs
        shown: Any = await load(info.context, fetch, row.task_run_id, workspace_id=row.workspace_id)
        return shown


@strawberry.type(description="Data that runs produce, by the address where they lie.")
class Asset(Node, Versioned):
    key: str = strawberry.field(description="An address, as s3://bucket/orders.parquet.")
    name: str | None = strawberry.field(description="For people.")
    description: str | None = strawberry.field(description="In Markdown, for people.")
    owners: list[str] = strawberry.field(description="Who answers for it.")
    url: str | None = strawberry.field(description="Where people look at it.")
    fresh_for: timedelta | None = strawberry.field(
        description="How long it stays fresh after it was produced; null for ever."
    )
    materialized_at: datetime | None = strawberry.field(
        description="When it was produced last; null if it never was."
    )
    fresh: bool | None = strawberry.field(
        description="Whether it was produced lately enough; null where freshFor says nothing."
    )
    created_at: datetime = strawberry.field(description="When Headgate learnt of it.")
    row: strawberry.Private[AssetRow]

    @scoped_field(
        requires=[Scope.ARTIFACTS_READ], description=f"What it is made from, by key; {AT_MOST}."
    )
    async def upstream(self, info: Info) -> list["Asset"]:
        found = await self.neighbours(info, assets.get_many_upstream)
        return show_assets(info.context, found)

    @scoped_field(
        requires=[Scope.ARTIFACTS_READ],
        description="How many more it is made from than upstream shows.",
    )
    async def upstream_more(self, info: Info) -> int:
        return (await self.neighbours(info, assets.get_many_upstream)).more

    @scoped_field(
        requires=[Scope.ARTIFACTS_READ], description=f"What is made from it, by key; {AT_MOST}."
    )
    async def downstream(self, info: Info) -> list["Asset"]:
        found = await self.neighbours(info, assets.get_many_downstream)
        return show_assets(info.context, found)

    @scoped_field(
        requires=[Scope.ARTIFACTS_READ],
        description="How many more are made from it than downstream shows.",
    )
    async def downstream_more(self, info: Info) -> int:
        return (await self.neighbours(info, assets.get_many_downstream)).more

    @scoped_field(
        requires=[Scope.ARTIFACTS_READ], description="The times it was produced, the latest first."
    )
    async def materializations(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[AssetMaterialization]:
        asset_id, workspace_id = self.row.id, self.row.workspace_id
        listing: Listing[MaterializationRow] = Listing(
            of=fingerprint("asset_materializations", asset_id),
            key=lambda row: (row.made_at, row.id),
            key_types=tuple[datetime, UUID],
        )
        page = listing.request(first=first, after=after)
        async with info.context.work(workspace_id) as work:
            rows = await assets.list_materializations(work, asset_id=asset_id, page=page)

        async def count(cap: int) -> int:
            async with info.context.work(workspace_id) as work:
                return await assets.count_materializations(work, asset_id=asset_id, cap=cap)

        return connect(rows, listing=listing, show=_show_materialization, count=count)

    async def neighbours(self, info: Info, fetch: Any) -> Beginning[AssetRow]:
        """Return the assets at the other end of edges, and how many more there are."""
        row = self.row
        found = await info.context.load(fetch, row.id, workspace_id=row.workspace_id)
        return found or Beginning()


def show_assets(context: OperationContext, found: Beginning[AssetRow]) -> list[Asset]:
    """Return assets at the other end of edges."""
    claim(context, len(found.items))
    return [show_asset(one) for one in found.items]


def show_asset(row: AssetRow) -> Asset:
    """Return an asset."""
    return Asset(
        id=show_id(ids.Kind.ASSET, row.id),
        key=row.key,
        name=row.name,
        description=row.description,
        owners=list(row.owners),
        url=row.url,
        fresh_for=row.fresh_for,
        materialized_at=row.materialized_at,
        fresh=row.is_fresh(SystemClock().now()),
        created_at=row.created_at,
        version=row.version,
        updated_at=row.updated_at,
        row=row,
    )


def _show_materialization(row: MaterializationRow) -> AssetMaterialization:
    return AssetMaterialization(
        id=show_id(ids.Kind.ASSET_MATERIALIZATION, row.id),
        succeeded=row.is_success,
        by=row.made_by,
        metadata=JSON(row.metadata),
        at=row.made_at,
        row=row,
    )


async def list_of(
    info: Info,
    *,
    workspace_id: UUID,
    filter_: filters.AssetFilter | None,
    first: int | None,
    after: Cursor | None,
) -> Connection[Asset]:
    """Return a page of a workspace's assets by key."""
    listing: Listing[AssetRow] = Listing(
        of=fingerprint("assets", workspace_id, filter_),
        key=lambda row: (row.key, row.id),
        key_types=tuple[str, UUID],
    )
    page = listing.request(first=first, after=after)
    async with info.context.work(workspace_id) as work:
        rows = await assets.list_assets(work, page=page, filter=filter_)

    async def count(cap: int) -> int:
        async with info.context.work(workspace_id) as work:
            return await assets.count_assets(work, filter=filter_, cap=cap)

    return connect(rows, listing=listing, show=show_asset, count=count)


@strawberry.type
class WorkspaceAssets:
    """The assets of a workspace, as fields of it."""

    @scoped_field(requires=[Scope.ARTIFACTS_READ], description="Its assets, by key.")
    async def assets(
        self, info: Info, first: First = None, after: After = None, filter: Assets = None
    ) -> Connection[Asset]:
        return await list_of(
            info,
            workspace_id=self.workspace_id,
            filter_=filter.to_filter() if filter else None,
            first=first,
            after=after,
        )

    @scoped_field(requires=[Scope.ARTIFACTS_READ], description="The asset of a key.")
    async def asset(
        self,
        info: Info,
        key: Annotated[str, strawberry.argument(description="Its key, exactly.")],
    ) -> Asset | None:
        async with info.context.work(self.workspace_id) as work:
            row = await assets.find_by_key(work, key=key)
        return show_asset(row) if row else None

    @property
    def workspace_id(self) -> UUID:
        """Return the id of the workspace."""
        raise NotImplementedError


shows(AssetRow, by=show_asset)
reads(ids.Kind.ASSET, by=NodeKind(fetch=assets.get_many_assets, scope=Scope.ARTIFACTS_READ))
