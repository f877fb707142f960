"""API keys over the API: revoked."""

from headgate.api.calls import change
from headgate.api.transport import Transport


async def revoke(transport: Transport, *, id: str) -> None:
    """Revoke a key, for good; a key may revoke itself.

    Raises:
        NotFoundError: there is none of this id.
        ForbiddenError: this key may not revoke another one.
    """
    await change(transport, "api_keys", "RevokeApiKey", input={"id": id})
