"""Users: people who sign in."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class User:
    """A person."""

    id: UUID
    display_name: str
    email: str | None
    avatar_url: str | None
