"""Identities: what people may sign in with at other providers."""

from datetime import datetime

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.identities import LinkedIdentity
from headgate_server.graphql.shapes.nodes import show_id


@strawberry.type(description="An identity at a provider that the caller may sign in with.")
class Identity:
    id: strawberry.ID = strawberry.field(description="Opaque.")
    issuer: str = strawberry.field(description="The provider's address, as its tokens say it.")
    created_at: datetime = strawberry.field(description="When it was linked.")
    last_used_at: datetime | None = strawberry.field(
        description="When they signed in with it last; null if they did not yet."
    )


def show_identity(row: LinkedIdentity) -> Identity:
    """Return an identity."""
    return Identity(
        id=show_id(ids.Kind.IDENTITY, row.id),
        issuer=row.issuer,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
    )
