"""Workspaces: the walls inside an organization."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from headgate_server.domain.errors import InvalidInput

MAX_NAME_LENGTH = 200
MAX_KEPT_DAYS = 3_650


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where flows, runs and their configuration live; nothing crosses its wall.

    ``is_stopped`` says that nothing starts there: it is archived, or its organization suspended.
    """

    organization_id: UUID
    id: UUID
    slug: str
    name: str
    version: int
    runs_kept_days: int
    logs_kept_days: int
    events_kept_days: int
    updated_at: datetime
    archived_at: datetime | None = None
    is_stopped: bool = False


def check_retention(*, runs_days: int, logs_days: int, events_days: int) -> None:
    """Refuse to keep runs, logs or events for other than 1 to 3,650 days, or a log beyond its run.

    Raises:
        InvalidInput: a number of days that is out of range; the path names it.
    """
    for field, days in (
        ("runsDays", runs_days),
        ("logsDays", logs_days),
        ("eventsDays", events_days),
    ):
        if not 1 <= days <= MAX_KEPT_DAYS:
            raise InvalidInput(f"{field} is from 1 to {MAX_KEPT_DAYS}.", path=["retention", field])
    if logs_days > runs_days:
        raise InvalidInput(
            "A log is kept no longer than its run: logsDays is at most runsDays.",
            path=["retention", "logsDays"],
        )


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
