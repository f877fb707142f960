"""Who the key belongs to, what it may do, and where."""

from typing import Any

import msgspec

from headgate.api.calls import Answer, ask
from headgate.api.transport import Transport


class Viewer(Answer, frozen=True):
    """The actor behind a key."""

    id: str
    kind: str
    display_name: str
    scopes: list[str]


async def get(transport: Transport, *, workspace_id: str | None = None) -> Viewer:
    """Return the actor behind this transport's key."""
    found = await ask(transport, "viewer", "Viewer", variables={"workspaceId": workspace_id})
    actor = found["actor"]
    return Viewer(
        id=actor["id"],
        kind=actor["__typename"],
        display_name=actor["displayName"],
        scopes=msgspec.convert(found["scopes"], list[str]),
    )


class Place(Answer, frozen=True):
    """A workspace that a key may enter."""

    organization: str
    workspace: str
    name: str

    @property
    def handle(self) -> str:
        """Return how it is named: organization/workspace."""
        return f"{self.organization}/{self.workspace}"


class Identity(Answer, frozen=True):
    """Whom a key speaks for, and where.

    Args:
        expires_at: when the key ends; None for never.
        places: the workspaces that it may enter, by name.
    """

    id: str
    kind: str
    display_name: str
    email: str | None
    key_name: str | None
    expires_at: str | None
    organization: str | None
    scopes: list[str]
    places: list[Place]


async def identify(transport: Transport) -> Identity:
    """Return whom this transport's key speaks for, and the first 100 workspaces it may enter."""
    found = await ask(transport, "viewer", "WhoAmI", variables={})
    organizations = found["organizations"]["nodes"]
    key: dict[str, Any] = found["apiKey"] or {}
    user: dict[str, Any] = found["user"] or {}
    return Identity(
        id=found["actor"]["id"],
        kind=found["actor"]["__typename"],
        display_name=found["actor"]["displayName"],
        email=user.get("email"),
        key_name=key.get("name"),
        expires_at=key.get("expiresAt"),
        organization=organizations[0]["slug"] if organizations else None,
        scopes=msgspec.convert(found["scopes"], list[str]),
        places=[
            Place(organization=one["slug"], workspace=place["slug"], name=place["name"])
            for one in organizations
            for place in one["workspaces"]["nodes"]
        ],
    )
