"""Members of an organization, their teams, and invitations."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from headgate_server.domain.roles import BindingPlace
from headgate_server.domain.tenancy import Actor

INVITATION_LIFETIME = timedelta(days=7)
_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Membership:
    """A person in an organization; what they may do is bound to it by roles."""

    organization_id: UUID
    id: UUID
    user_id: UUID
    display_name: str
    email: str | None
    is_email_verified: bool
    invited_by: Actor
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Team:
    """Members who hold roles together."""

    organization_id: UUID
    id: UUID
    name: str
    version: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class PlannedBinding:
    """A role that an invited person will hold."""

    role_id: UUID
    place: BindingPlace


@dataclass(frozen=True, slots=True)
class Invitation:
    """Somebody who was asked to join, and what they will hold.

    Args:
        is_mailed: whether only who reads mails to the address was told the link; else who invited
            was told it, too.
        is_for_anybody: whether a person with another address may accept it, too.
    """

    organization_id: UUID
    id: UUID
    email: str
    planned: tuple[PlannedBinding, ...]
    invited_by: Actor
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    revoked_at: datetime | None
    is_mailed: bool = False
    is_for_anybody: bool = False

    def is_open(self, now: datetime) -> bool:
        """Return whether it can be accepted."""
        return self.accepted_at is None and self.revoked_at is None and now < self.expires_at


def new_token() -> str:
    """Return a secret for a link in a mail: 256 random bits."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def hash_token(token: str, *, pepper: str) -> bytes:
    """Return what is stored of such a secret; a copy of the database opens no link."""
    return hmac.digest(pepper.encode(), token.encode(), hashlib.sha256)
