"""What every object with an id, a version or an actor's name has in common."""

from datetime import datetime

import strawberry


@strawberry.interface(description="An object with an id of its own.")
class Node:
    id: strawberry.ID = strawberry.field(
        description="Opaque: a prefix that tells the kind, and 26 characters."
    )


@strawberry.interface(description="An object that is changed under an optimistic lock.")
class Versioned:
    version: int = strawberry.field(
        description="Rises with every change; pass it back as expectedVersion."
    )
    updated_at: datetime = strawberry.field(description="When it was changed last.")
