"""Service accounts: machines that hold keys."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A machine identity of an organization."""

    organization_id: UUID
    id: UUID
    display_name: str
    created_at: datetime
