"""Support access: an operator looks into an organization for a while, and it sees that."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.permissions import BUILTIN_ROLES, BuiltinRole, Scope
from headgate_server.domain.tenancy import Actor

MAX_HOURS = 72
MAX_REASON_LENGTH = 500
REQUEST_LIFETIME = timedelta(days=7)
"""How long somebody may take to approve a request."""
WITHHELD = frozenset(
    {
        Scope.BLOCKS_REVEAL,
        Scope.BLOCKS_USE,
        Scope.RUNS_EXECUTE,
        Scope.AGENTS_CONNECT,
        Scope.KEYS_WRITE,
        Scope.MEMBERS_WRITE,
        Scope.ORG_ADMIN,
        Scope.BILLING_WRITE,
    }
)
"""What no support gets, whatever its role: secrets, and what would outlast the grant."""


class SupportAccess(StrEnum):
    """Whether operators may look into an organization."""

    DISABLED = "DISABLED"
    ON_REQUEST = "ON_REQUEST"
    ALLOWED = "ALLOWED"


class SupportRole(StrEnum):
    """What support may do."""

    VIEWER = "VIEWER"
    OPERATOR = "OPERATOR"
    DEVELOPER = "DEVELOPER"

    @property
    def scopes(self) -> frozenset[Scope]:
        """Return the scopes of the role, without what no support gets."""
        return BUILTIN_ROLES[BuiltinRole(self.value.capitalize())] - WITHHELD


class SupportState(StrEnum):
    """Where a grant stands."""

    REQUESTED = "REQUESTED"
    ACTIVE = "ACTIVE"
    ENDED = "ENDED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class SupportGrant:
    """What an operator asked for, and what became of it.

    Args:
        operator: who asks.
        role: what they may do.
        reason: why; the organization reads it.
        duration: how long it lasts from its approval on.
        approved_by: of the organization; the operator themselves where it allows that.
        expires_at: when it ends by itself; None before it is approved.
        ended_at: when somebody ended it, or declined it.
    """

    organization_id: UUID
    id: UUID
    operator: Actor
    role: SupportRole
    reason: str
    duration: timedelta
    requested_at: datetime
    approved_at: datetime | None = None
    approved_by: Actor | None = None
    expires_at: datetime | None = None
    ended_at: datetime | None = None

    def state(self, now: datetime) -> SupportState:
        """Return where it stands."""
        if self.ended_at is not None:
            return SupportState.ENDED
        ends_at = self.expires_at or self.requested_at + REQUEST_LIFETIME
        if ends_at <= now:
            return SupportState.EXPIRED
        return SupportState.REQUESTED if self.expires_at is None else SupportState.ACTIVE


@dataclass(frozen=True, slots=True)
class OperatedGrant:
    """A grant as its operator sees it, with the name of the organization that it is of."""

    grant: SupportGrant
    organization_slug: str
    organization_name: str


@dataclass(frozen=True, slots=True)
class Made:
    """What support has made or changed, and when it last did: it outlasts the grant.

    Args:
        action: what was done last, such as ``deployment.created``.
        kind: what it is, such as ``deployment``.
        id: its id.
        name: what people call it.
        workspace_id: where it is; None where it is in no workspace.
        at: when.
    """

    action: str
    kind: str
    id: UUID
    name: str
    workspace_id: UUID | None
    at: datetime


def check_hours(hours: int) -> timedelta:
    """Return how long support lasts.

    Raises:
        InvalidInput: less than one hour, or more than 72.
    """
    if not 1 <= hours <= MAX_HOURS:
        raise InvalidInput(f"hours is from 1 to {MAX_HOURS}.", path=["hours"])
    return timedelta(hours=hours)
