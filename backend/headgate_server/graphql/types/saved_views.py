"""Saved views, and those of a workspace as a field of it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.pagination import fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.domain.saved_views import SavedView as ViewRow
from headgate_server.graphql.connections import After, Connection, First, Listing, connect
from headgate_server.graphql.permissions import Info, scoped_field
from headgate_server.graphql.scalars import JSON
from headgate_server.graphql.shapes.actors import Actor, show_actor
from headgate_server.graphql.shapes.nodes import Node, NodeKind, Versioned, reads, show_id, shows
from headgate_server.services import saved_views


@strawberry.type(description="What a page was narrowed to, under a name.")
class SavedView(Node, Versioned):
    name: str = strawberry.field(description="1 to 200 characters; not unique.")
    page: str = strawberry.field(description="Which page it is of, such as flow-runs.")
    filter: JSON = strawberry.field(
        description="What the page is narrowed to: an object that the page alone understands."
    )
    columns: list[str] | None = strawberry.field(
        description="Which columns are shown, in order; null leaves that to the page."
    )
    shared: bool = strawberry.field(
        description="Whether everybody in the workspace sees it, or whoever made it alone."
    )
    created_at: datetime = strawberry.field(description="When it was kept first.")
    row: strawberry.Private[ViewRow]

    @strawberry.field(description="Who kept it.")
    def created_by(self) -> Actor | None:
        return show_actor(self.row.created_by)


def show_view(row: ViewRow) -> SavedView:
    """Return a view."""
    return SavedView(
        id=show_id(ids.Kind.SAVED_VIEW, row.id),
        name=row.name,
        page=row.page,
        filter=JSON(row.filter),
        columns=None if row.columns is None else list(row.columns),
        shared=row.is_shared,
        created_at=row.created_at,
        version=row.version,
        updated_at=row.updated_at,
        row=row,
    )


@strawberry.type
class ViewedWorkspace:
    """The saved views of a workspace, as a field of it."""

    @scoped_field(
        requires=[Scope.RUNS_READ],
        description="The caller's own saved views and those that are shared, by name.",
    )
    async def saved_views(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        page: Annotated[
            str | None, strawberry.argument(description="Only those of this page.")
        ] = None,
    ) -> Connection[SavedView]:
        workspace_id = self.workspace_id
        listing: Listing[ViewRow] = Listing(
            of=fingerprint("saved_views", workspace_id, page),
            key=lambda row: (row.name, row.id),
            key_types=tuple[str, UUID],
        )
        asked = listing.request(first=first, after=after)
        async with info.context.work(workspace_id) as work:
            rows = await saved_views.list_views(work, page=asked, of_page=page)

        async def count(cap: int) -> int:
            async with info.context.work(workspace_id) as work:
                return await saved_views.count_views(work, of_page=page, cap=cap)

        return connect(rows, listing=listing, show=show_view, count=count)

    @property
    def workspace_id(self) -> UUID:
        """Return the id of the workspace."""
        raise NotImplementedError


shows(ViewRow, by=show_view)
reads(ids.Kind.SAVED_VIEW, by=NodeKind(fetch=saved_views.get_many_views, scope=Scope.RUNS_READ))
