"""Workspaces: the walls inside an organization."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where flows, runs and their configuration live; nothing crosses its wall."""

    organization_id: UUID
    id: UUID
    slug: str
    name: str
    version: int
    updated_at: datetime
