"""Who the key belongs to, and what it may do."""

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
