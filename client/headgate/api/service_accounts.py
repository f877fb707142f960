"""Machines of an organization over the API: list, create, delete, give roles."""

from datetime import datetime

import msgspec

from headgate.api.calls import PAGE_SIZE, Answer, Page, ask_organization, change, read_page
from headgate.api.roles import Binding, Grant
from headgate.api.transport import Transport

NOUN = "service_accounts"


class ServiceAccountAnswer(Answer, frozen=True):
    """A machine that keys speak for."""

    id: str
    display_name: str
    roles: list[Binding]
    created_at: datetime | None = None


async def list_service_accounts(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[ServiceAccountAnswer]:
    """Return a page of the machines of an organization, the oldest first."""
    del workspace
    place = await ask_organization(
        transport, NOUN, "ServiceAccounts", organization=organization, first=first, after=after
    )
    return read_page(place["serviceAccounts"], item=ServiceAccountAnswer)


async def create(transport: Transport, *, organization_id: str, name: str) -> ServiceAccountAnswer:
    """Make a machine; it holds nothing yet.

    Raises:
        ForbiddenError: this key is not an administrator's.
    """
    wanted = {"organizationId": organization_id, "name": name}
    payload = await change(transport, NOUN, "ServiceAccountCreate", input=wanted)
    return msgspec.convert(payload["serviceAccount"], ServiceAccountAnswer)


async def delete(transport: Transport, *, service_account_id: str) -> None:
    """Delete a machine with its roles, and revoke its keys.

    Raises:
        ForbiddenError: this key lacks what it holds.
    """
    await change(transport, NOUN, "ServiceAccountDelete", input={"id": service_account_id})


async def bind(
    transport: Transport, *, service_account_id: str, grant: Grant
) -> ServiceAccountAnswer:
    """Give a role to a machine, or take it away.

    Raises:
        ForbiddenError: this key lacks what the role gives there.
    """
    wanted = {"serviceAccountId": service_account_id, **grant.as_variables()}
    payload = await change(transport, NOUN, "ServiceAccountRoleBind", input=wanted)
    return msgspec.convert(payload["serviceAccount"], ServiceAccountAnswer)
