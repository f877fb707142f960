"""API keys: long-lived credentials, without their secrets."""

from datetime import datetime

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.api_keys import ApiKey as ApiKeyRow
from headgate_server.domain.permissions import Scope
from headgate_server.graphql.permissions import ANY_CREDENTIAL, scoped_field
from headgate_server.graphql.shapes.actors import Actor, show_actor
from headgate_server.graphql.shapes.nodes import Node, NodeKind, reads, show_id, shows
from headgate_server.services import api_keys


@strawberry.type(description="A long-lived credential; its secret was shown once.")
class ApiKey(Node):
    name: str = strawberry.field(description="For people; 1 to 200 characters.")
    prefix: str = strawberry.field(description="How its token begins, to recognise it by.")
    scopes: list[Scope] = strawberry.field(description="What it may do at most, by name.")
    expires_at: datetime | None = strawberry.field(description="When it ends; null is never.")
    last_used_at: datetime | None = strawberry.field(description="To the minute.")
    revoked_at: datetime | None = strawberry.field(description="When it was revoked.")
    row: strawberry.Private[ApiKeyRow]

    @scoped_field(requires=ANY_CREDENTIAL, description="Whom it speaks for.")
    def owner(self) -> Actor:
        return show_actor(self.row.owner)


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
