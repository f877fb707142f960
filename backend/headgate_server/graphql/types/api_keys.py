"""API keys: long-lived credentials, without their secrets."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.api_keys import ApiKey as ApiKeyRow
from headgate_server.domain.api_keys import TokenKind
from headgate_server.domain.pagination import fingerprint
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.connections import Connection, Listing, connect
from headgate_server.graphql.permissions import ANY_CREDENTIAL, Info, scoped_field
from headgate_server.graphql.scalars import Cursor
from headgate_server.graphql.shapes.actors import Actor, show_actor
from headgate_server.graphql.shapes.nodes import Node, NodeKind, load, reads, show_id, shows
from headgate_server.services import api_keys, work_pools

if TYPE_CHECKING:
    from headgate_server.graphql.types.work_pools import WorkPool


@strawberry.type(description="A long-lived credential; its secret was shown once.")
class ApiKey(Node):
    name: str = strawberry.field(description="For people; 1 to 200 characters.")
    prefix: str = strawberry.field(description="How its token begins, to recognise it by.")
    scopes: list[Scope] = strawberry.field(description="What it may do at most, by name.")
    expires_at: datetime | None = strawberry.field(description="When it ends; null is never.")
    last_used_at: datetime | None = strawberry.field(description="To the minute.")
    revoked_at: datetime | None = strawberry.field(description="When it was revoked.")
    created_at: datetime = strawberry.field(description="When it was made.")
    is_agents: bool = strawberry.field(
        description="Whether it is an agent's: good for one work pool, and for nothing else."
    )
    row: strawberry.Private[ApiKeyRow]

    @scoped_field(requires=ANY_CREDENTIAL, description="Whom it speaks for.")
    def owner(self) -> Actor:
        return show_actor(self.row.owner)

    @scoped_field(
        requires=[Scope.POOLS_READ], description="The pool that an agent's key is good for."
    )
    async def work_pool(
        self, info: Info
    ) -> Annotated["WorkPool", strawberry.lazy("headgate_server.graphql.types.work_pools")] | None:
        row = self.row
        if row.workspace_id is None:
            return None
        fetch = work_pools.get_many_work_pools
        shown: Any = await load(
            info.context, fetch, row.work_pool_id, workspace_id=row.workspace_id
        )
        return shown


async def list_of(
    info: Info,
    *,
    organization_id: UUID,
    first: int | None,
    after: Cursor | None,
    owner_id: UUID | None = None,
) -> Connection[ApiKey]:
    """Return a page of an organization's keys, oldest first, of one owner if asked."""
    context = info.context
    listing: Listing[ApiKeyRow] = Listing(
        of=fingerprint("api_keys", organization_id, owner_id),
        key=lambda row: (row.id,),
        key_types=tuple[UUID],
    )
    page = listing.request(first=first, after=after)
    async with context.organization_work() as work:
        rows = await api_keys.list_keys(
            work, organization_id=organization_id, page=page, owner_id=owner_id
        )

    async def count(cap: int) -> int:
        async with context.organization_work() as work:
            return await api_keys.count_keys(
                work, organization_id=organization_id, owner_id=owner_id, cap=cap
            )

    return connect(rows, listing=listing, show=show_api_key, count=count)


def show_api_key(row: ApiKeyRow) -> ApiKey:
    """Return a key."""
    return ApiKey(
        id=show_id(ids.Kind.API_KEY, row.id),
        name=row.name,
        prefix=row.prefix,
        scopes=sorted(row.scopes),
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
        created_at=row.created_at,
        is_agents=row.kind is TokenKind.AGENT_KEY,
        row=row,
    )


shows(ApiKeyRow, by=show_api_key)
reads(
    ids.Kind.API_KEY,
    by=NodeKind(
        fetch=api_keys.get_many_keys,
        scope=Scope.ORG_ADMIN,
        is_of_organization=True,
        workspace_of=lambda row: row.workspace_id,
    ),
)
