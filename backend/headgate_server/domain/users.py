"""Users: people who sign in."""

from dataclasses import dataclass
from uuid import UUID

from headgate_server.domain.errors import InvalidInput

MAX_EMAIL_LENGTH = 320


@dataclass(frozen=True, slots=True)
class User:
    """A person."""

    id: UUID
    display_name: str
    email: str | None
    avatar_url: str | None


def check_email(email: str) -> str:
    """Return an address in the form it is compared in: lower case, no space around it.

    Raises:
        InvalidInput: not of the form name@host.
    """
    address = email.strip().lower()
    name, at, host = address.rpartition("@")
    is_plain = address.isprintable() and " " not in address
    if not (name and at and host and is_plain and len(address) <= MAX_EMAIL_LENGTH):
        raise InvalidInput("An address has the form name@host.", path=["email"])
    return address
