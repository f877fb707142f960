"""Who is asking, and in which workspace."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from headgate_server.domain.permissions import Scope


class ActorKind(StrEnum):
    """What kind of actor a credential speaks for."""

    USER = "user"
    SERVICE_ACCOUNT = "service_account"
    AGENT_SESSION = "agent_session"
    RUN = "run"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """The one who acts, as history and events name it."""

    kind: ActorKind
    id: UUID | None
    display_name: str


SYSTEM = Actor(kind=ActorKind.SYSTEM, id=None, display_name="Headgate")


@dataclass(frozen=True, slots=True)
class RunGrant:
    """What a run token is bound to: one run, under one epoch of its lease."""

    run_id: UUID
    epoch: int


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller.

    ``workspace_id`` is None for a credential that is good for every workspace of the organization;
    ``expires_at`` is None for one that does not expire; ``generation`` is that of the database in
    which an agent session's or a run's token was found good, None for a key.
    """

    actor: Actor
    organization_id: UUID
    workspace_id: UUID | None
    scopes: frozenset[Scope]
    api_key_id: UUID | None = None
    agent_session_id: UUID | None = None
    work_pool_id: UUID | None = None
    run: RunGrant | None = None
    expires_at: datetime | None = None
    generation: UUID | None = None

    def missing_scopes(self, required: frozenset[Scope]) -> list[Scope]:
        """Return the scopes of ``required`` that this caller lacks, in the order of their names."""
        return sorted(required - self.scopes)
