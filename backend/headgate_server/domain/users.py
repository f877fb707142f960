"""Users: people who sign in."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from headgate_server.domain.errors import InvalidInput

OWNER_NAME, OWNER_EMAIL = "Owner", "owner@localhost"
"""Who owns what runs on somebody's own machine."""
DELETED_NAME = "Deleted person"
"""What stands for the name of who had their account deleted, by what they made."""
MAX_EMAIL_LENGTH = 320
_ADDRESS = re.compile(r"[^\s@,;:<>()\[\]\"\\]+@[^\s@,;:<>()\[\]\"\\]+")
"""One address, and no text that a mail server could read as several."""


@dataclass(frozen=True, slots=True)
class User:
    """A person.

    Args:
        is_email_verified: whether they have proven that the address is theirs: by the link of a
            mail to it, or through a provider that had verified it.
    """

    id: UUID
    display_name: str
    email: str | None
    avatar_url: str | None
    is_email_verified: bool = False


@dataclass(frozen=True, slots=True)
class PersonStanding:
    """A person as operators see them.

    Args:
        organization_count: how many organizations they belong to.
        suspended_at: since when they are kept out; None for who is not.
        last_seen_at: when one of the sessions that are kept was used; None where there is none.
    """

    user: User
    organization_count: int
    has_second_factor: bool
    is_operator: bool
    suspended_at: datetime | None
    last_seen_at: datetime | None


def check_email(email: str) -> str:
    """Return an address in the form it is compared in: lower case, composed, no space around it.

    Letters that stand for others are refused, such as the sign of Kelvin or wide ones: they would
    make another person's address of this one, or look as if it was.

    Raises:
        InvalidInput: not of the form name@host, or with such letters.
    """
    typed = email.strip()
    if any(unicodedata.normalize("NFKC", letter) != letter for letter in typed):
        raise InvalidInput("Type the address in plain letters.", path=["email"])
    address = unicodedata.normalize("NFC", typed.lower())
    is_plain = address.isprintable() and _ADDRESS.fullmatch(address) is not None
    if not (is_plain and len(address) <= MAX_EMAIL_LENGTH):
        raise InvalidInput("An address has the form name@host.", path=["email"])
    return address
