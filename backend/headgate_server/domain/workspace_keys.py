"""The keys of workspaces, as they are stored: wrapped by a key of the installation."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class KeyStatus(StrEnum):
    """What a key may still do: seal and open, open only, or nothing for ever."""

    ACTIVE = "ACTIVE"
    DECRYPT = "DECRYPT"
    DESTROYED = "DESTROYED"


@dataclass(frozen=True, slots=True)
class WorkspaceKey:
    """One key of a workspace; ``wrapped`` is None once it is destroyed."""

    workspace_id: UUID
    id: UUID
    wrapped: bytes | None = field(repr=False)
    kek_provider: str
    kek_id: str
    kek_version: str
    status: KeyStatus
    created_at: datetime
    destroyed_at: datetime | None


@dataclass(frozen=True, slots=True)
class KekUse:
    """How many keys of workspaces one version of a provider's key wraps."""

    provider: str
    id: str
    version: str
    key_count: int


@dataclass(frozen=True, slots=True)
class SealedValue:
    """A value of a block as it is stored."""

    workspace_id: UUID
    block_document_id: UUID
    path: str
    version: int
    key_id: UUID
    blob: bytes = field(repr=False)
