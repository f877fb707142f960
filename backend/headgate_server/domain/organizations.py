"""Organizations, the tenants that own workspaces."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from headgate_server.domain.allowlists import Networks
from headgate_server.domain.errors import InvalidInput, Suspended, Unauthenticated
from headgate_server.domain.permissions import Places, Scope
from headgate_server.domain.support_grants import SupportAccess

MAX_REASON_LENGTH = 500
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Organization:
    """A tenant."""

    id: UUID
    slug: str
    name: str
    version: int
    updated_at: datetime
    suspended_at: datetime | None = None
    suspended_because: str | None = None
    allowed_networks: Networks = ()
    support_access: SupportAccess = SupportAccess.ON_REQUEST
    requires_second_factor: bool = False


@dataclass(frozen=True, slots=True)
class Closures:
    """What of an organization is closed: all of it, or some of its workspaces.

    Args:
        suspended_because: why its operators have suspended it; None where they have not.
        is_deleted: whether it is being swept away.
        ceilings: what may still be done in workspaces that are archived or deleted.
        networks: from where it may be reached; none lets every address in.
    """

    suspended_because: str | None = None
    is_deleted: bool = False
    ceilings: Places = field(default_factory=dict[UUID, frozenset[Scope]])
    networks: Networks = ()

    def check(self) -> None:
        """Go on only if the organization is open.

        Raises:
            Unauthenticated: it is deleted.
            Suspended: with the reason.
        """
        if self.is_deleted:
            raise Unauthenticated
        if self.suspended_because is not None:
            raise Suspended(self.suspended_because)


@dataclass(frozen=True, slots=True)
class Overview:
    """What the operators of an installation see of an organization."""

    organization: Organization
    created_at: datetime
    member_count: int
    workspace_count: int


def check_reason(reason: str) -> str:
    """Return why an organization is suspended: its people read it.

    Raises:
        InvalidInput: empty, over-long or not printable.
    """
    if not 1 <= len(reason) <= MAX_REASON_LENGTH or not reason.strip() or not reason.isprintable():
        raise InvalidInput(
            f"A reason has 1 to {MAX_REASON_LENGTH} printable characters.", path=["reason"]
        )
    return reason.strip()


def check_slug(slug: str) -> str:
    """Return a slug: 1 to 50 lower-case letters, digits and hyphens, none at the ends.

    Raises:
        InvalidInput: anything else.
    """
    if not _SLUG.fullmatch(slug):
        raise InvalidInput(
            "A slug has 1 to 50 lower-case letters, digits and hyphens, and no hyphen at its ends.",
            path=["slug"],
        )
    return slug
