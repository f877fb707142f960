"""Events: facts about what happened in a workspace, in the order they were committed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A fact to be published with the transaction that made it true."""

    name: str
    resource_id: str
    resource: dict[str, Any]
    payload: dict[str, Any]
    related: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """A published fact; ``sequence`` orders the events of an installation without a hole."""

    workspace_id: UUID
    id: UUID
    sequence: int
    occurred_at: datetime
    received_at: datetime
    name: str
    resource_id: str
    resource: dict[str, Any]
    payload: dict[str, Any]
    related: tuple[dict[str, Any], ...]
