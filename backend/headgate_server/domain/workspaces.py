"""Workspaces: the walls inside an organization."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from headgate_server.domain.errors import InvalidInput

MAX_NAME_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where flows, runs and their configuration live; nothing crosses its wall."""

    organization_id: UUID
    id: UUID
    slug: str
    name: str
    version: int
    updated_at: datetime


def check_name(name: str) -> str:
    """Return the display name of a workspace or an organization.

    Raises:
        InvalidInput: empty, over-long, padded or not printable.
    """
    if not 1 <= len(name) <= MAX_NAME_LENGTH or name != name.strip() or not name.isprintable():
        raise InvalidInput(
            f"A name has 1 to {MAX_NAME_LENGTH} printable characters and no space around it.",
            path=["name"],
        )
    return name
