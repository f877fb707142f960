"""API keys over the API: create, list, revoke."""

from datetime import datetime

import msgspec

from headgate.api.calls import PAGE_SIZE, Answer, Page, ask, change, given, read_page, require
from headgate.api.transport import Transport
from headgate.errors import refusal

NOUN = "api_keys"


class KeyOwner(Answer, frozen=True):
    """Whom a key speaks for."""

    display_name: str


class KeysPool(Answer, frozen=True):
    """The pool of an agent's key."""

    name: str


class ApiKeyAnswer(Answer, frozen=True):
    """A key as the API shows it, without its secret."""

    id: str
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    is_agents: bool
    owner: KeyOwner
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    work_pool: KeysPool | None = None


class CreatedApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A new key, and its token, which is shown this once."""

    api_key: ApiKeyAnswer
    secret: str


async def create(
    transport: Transport,
    *,
    owner_id: str,
    name: str,
    scopes: list[str],
    workspace_id: str | None = None,
    work_pool_id: str | None = None,
    expires_at: datetime | None = None,
) -> CreatedApiKey:
    """Create a key; one for a pool has AGENTS_CONNECT as its only scope.

    Raises:
        ForbiddenError: this key may make no keys, or none that do so much.
        NotFoundError: no such owner, workspace or pool.
    """
    payload = await change(
        transport,
        NOUN,
        "CreateApiKey",
        input=given(
            ownerId=owner_id,
            name=name,
            scopes=scopes,
            workspaceId=workspace_id,
            workPoolId=work_pool_id,
            expiresAt=None if expires_at is None else expires_at.isoformat(),
        ),
    )
    key = msgspec.convert(payload["apiKey"], ApiKeyAnswer)
    return CreatedApiKey(api_key=key, secret=payload["secret"])


async def list_keys(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[ApiKeyAnswer]:
    """Return a page of the keys of an organization, the oldest first; of every workspace.

    Raises:
        ForbiddenError: this key is not an administrator's.
    """
    del workspace
    variables = given(organization=organization, first=first, after=after)
    found = await ask(transport, NOUN, "ApiKeys", variables=variables)
    place = require(found, what=f"organization {organization}")
    return read_page(place["apiKeys"], item=ApiKeyAnswer)


async def revoke(transport: Transport, *, id: str) -> None:
    """Revoke a key, for good; a key may revoke itself.

    Raises:
        NotFoundError: there is none of this id.
        ForbiddenError: this key may not revoke another one.
    """
    await change(transport, NOUN, "RevokeApiKey", input={"id": id})


async def rotate(transport: Transport, *, id: str, overlap_seconds: int = 0) -> CreatedApiKey:
    """Give a key a new token.

    Args:
        overlap_seconds: how long the old one works beside it: 0 to 604,800.

    Raises:
        NotFoundError: there is none of this id.
        ForbiddenError: this key may not rotate another one.
    """
    variables = {"input": {"id": id}, "overlapSeconds": overlap_seconds}
    payload = await ask(transport, NOUN, "RotateApiKey", variables=variables)
    if payload["errors"]:
        raise refusal(payload["errors"][0])
    key = msgspec.convert(payload["apiKey"], ApiKeyAnswer)
    return CreatedApiKey(api_key=key, secret=payload["secret"])
