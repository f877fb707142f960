"""Organizations, the tenants that own workspaces."""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from headgate_server.domain.errors import InvalidInput

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Organization:
    """A tenant."""

    id: UUID
    slug: str
    name: str
    version: int
    updated_at: datetime


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
