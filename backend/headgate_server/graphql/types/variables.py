"""Variables: small JSON values that a workspace keeps by name."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from headgate_server.domain import filters, ids
from headgate_server.domain.pagination import fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.domain.variables import Variable as VariableRow
from headgate_server.domain.variables import VariableVersion as VersionRow
from headgate_server.graphql.connections import After, Connection, First, Listing, connect
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.scalars import JSON, Cursor, Key
from headgate_server.graphql.shapes.actors import Actor, show_actor
from headgate_server.graphql.shapes.filters import NameFilter
from headgate_server.graphql.shapes.nodes import Node, NodeKind, Versioned, reads, show_id, shows
from headgate_server.services import variables

Named = Annotated[NameFilter | None, strawberry.argument(description="Only those that match this.")]


@strawberry.type(description="What a variable was set to once.")
class VariableVersion:
    version: int = strawberry.field(description="The variable's version from then on.")
    value: JSON = strawberry.field(description="What it was set to.")
    tags: list[str] = strawberry.field(description="What tags it had, sorted.")
    changed_at: datetime = strawberry.field(description="When it was set.")
    row: strawberry.Private[VersionRow]

    @strawberry.field(description="Who set it.")
    def changed_by(self) -> Actor:
        return show_actor(self.row.changed_by)


@strawberry.type(description="A small JSON value that a workspace keeps by name; no secret.")
class Variable(Node, Versioned):
    name: Key = strawberry.field(description="Unique in its workspace; never changes.")
    value: JSON = strawberry.field(description="Any JSON but null; at most 64 KiB.")
    row: strawberry.Private[VariableRow]

    @scoped_field(requires=ANY_CREDENTIAL, description="Its tags, sorted; at most 50.")
    async def tags(self, info: Info) -> list[str]:
        row, fetch = self.row, variables.get_many_tags
        return list(await info.context.load(fetch, row.id, workspace_id=row.workspace_id) or ())

    @scoped_field(
        requires=[Scope.VARIABLES_READ],
        description="What it was set to, the newest first; the last 100 times are kept.",
    )
    async def history(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[VariableVersion]:
        variable_id, workspace_id = self.row.id, self.row.workspace_id
        listing: Listing[VersionRow] = Listing(
            of=fingerprint("variable_versions", variable_id),
            key=lambda row: (row.version,),
            key_types=tuple[int],
        )
        page = listing.request(first=first, after=after)
        async with info.context.work(workspace_id) as work:
            rows = await variables.list_versions(work, variable_id=variable_id, page=page)

        async def count(cap: int) -> int:
            async with info.context.work(workspace_id) as work:
                return await variables.count_versions(work, variable_id=variable_id, cap=cap)

        return connect(rows, listing=listing, show=_show_version, count=count)


def show_variable(row: VariableRow) -> Variable:
    """Return a variable."""
    return Variable(
        id=show_id(ids.Kind.VARIABLE, row.id),
        name=Key(row.name),
        value=JSON(row.value),
        version=row.version,
        updated_at=row.updated_at,
        row=row,
    )


def _show_version(row: VersionRow) -> VariableVersion:
    return VariableVersion(
        version=row.version,
        value=JSON(row.value),
        tags=list(row.tags),
        changed_at=row.changed_at,
        row=row,
    )


shows(VariableRow, by=show_variable)
reads(
    ids.Kind.VARIABLE,
    by=NodeKind(fetch=variables.get_many_variables, scope=Scope.VARIABLES_READ),
)


async def find_by_name(info: Info, *, workspace_id: UUID, name: str) -> Variable | None:
    """Return the variable of a name."""
    async with info.context.work(workspace_id) as work:
        row = await variables.find_by_name(work, name=name)
    return show_variable(row) if row else None


async def list_of(
    info: Info,
    *,
    workspace_id: UUID,
    filter_: filters.NameFilter | None,
    first: int | None,
    after: Cursor | None,
) -> Connection[Variable]:
    """Return a page of a workspace's variables by name."""
    listing: Listing[VariableRow] = Listing(
        of=fingerprint("variables", workspace_id, filter_),
        key=lambda row: (row.name, row.id),
        key_types=tuple[str, UUID],
    )
    page = listing.request(first=first, after=after)
    async with info.context.work(workspace_id) as work:
        rows = await variables.list_variables(work, page=page, filter=filter_)

    async def count(cap: int) -> int:
        async with info.context.work(workspace_id) as work:
            return await variables.count_variables(work, filter=filter_, cap=cap)

    return connect(rows, listing=listing, show=show_variable, count=count)
