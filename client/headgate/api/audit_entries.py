"""The audit log of an organization over the API: who changed what."""

from datetime import datetime
from typing import Any

from headgate.api.calls import PAGE_SIZE, Answer, Page, ask_organization, read_page
from headgate.api.roles import HeldIn
from headgate.api.transport import Transport

NOUN = "audit_entries"


class AuditActor(Answer, frozen=True):
    """Who did it, as they were called then."""

    id: str
    display_name: str


class AuditEntryAnswer(Answer, frozen=True):
    """A change that somebody made.

    Args:
        sequence, hash: its place in the organization's chain; None in its first seconds.
        workspace: None for the organization itself, or where it is gone.
    """

    id: str
    at: datetime
    action: str
    target_kind: str
    target_name: str
    request_id: str
    actor: AuditActor
    target_id: str | None = None
    workspace: HeldIn | None = None
    ip: str | None = None
    user_agent: str | None = None
    api_key_id: str | None = None
    support_grant_id: str | None = None
    diff: dict[str, Any] | None = None
    sequence: str | None = None
    hash: str | None = None


async def list_entries(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    filter: dict[str, Any] | None = None,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[AuditEntryAnswer]:
    """Return a page of the audit log, the latest first.

    Args:
        filter: the API's ``AuditFilter``.

    Raises:
        ForbiddenError: this key lacks AUDIT_READ.
    """
    del workspace
    place = await ask_organization(
        transport,
        NOUN,
        "AuditEntries",
        organization=organization,
        filter=filter,
        first=first,
        after=after,
    )
    return read_page(place["auditLog"], item=AuditEntryAnswer)
