"""What keys, and the tokens that they led to, are good for by now."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from headgate_server.domain.api_keys import WITHHELD, RunToken, TokenKind
from headgate_server.domain.errors import Unauthenticated
from headgate_server.domain.permissions import (
    AGENT_SESSION_SCOPES,
    NOTHING,
    RUN_SCOPES,
    Rights,
    Scope,
)

ASKED_AS_USED = frozenset({Scope.BLOCKS_USE, Scope.RUNS_WRITE})
"""Of what is withheld, which blocks and deployments a run may use is decided as it does."""
REPEATED = frozenset({Scope.RUNS_EXECUTE, Scope.LOGS_WRITE})
"""What a run that has ended still does: it tells of itself what it has told, and its last lines."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a key is still good for, behind a session that was opened with it.

    Args:
        key_id: which key.
        kind, scopes, workspace_id: as of the key.
        owned: what its owner may do by now; None for who has left.
        ends_at: when the secret that was shown ends, also in the past; None is never.
    """

    key_id: UUID
    kind: TokenKind
    scopes: frozenset[Scope]
    workspace_id: UUID | None
    owned: Rights | None
    ends_at: datetime | None

    def may_connect(self, workspace_id: UUID, *, work_pool_id: UUID, now: datetime) -> bool:
        """Whether the key could still open a session of an agent of a pool."""
        if self.ends_at is not None and self.ends_at <= now:
            return False
        rights = rights_of(self.kind, self.scopes, workspace_id=self.workspace_id, owned=self.owned)
        return rights is not None and Scope.AGENTS_CONNECT in rights.within(
            workspace_id, on=work_pool_id
        )


def rights_of(
    kind: TokenKind,
    scopes: frozenset[Scope],
    *,
    workspace_id: UUID | None,
    owned: Rights | None,
) -> Rights | None:
    """Return what a key may do: no more than its scopes, and no more than its owner.

    An agent's key is its pool's: it outlives the rights of who made it.

    Args:
        owned: what its owner may do; None for who is in the organization no more.

    Returns:
        None for a key that speaks for nobody.
    """
    if kind is TokenKind.AGENT_KEY and workspace_id is not None:
        return Rights(workspaces={workspace_id: scopes & AGENT_SESSION_SCOPES})
    return owned.cut(scopes, workspace_id=workspace_id) if owned is not None else None


def withheld_now(
    token: RunToken,
    rights: Rights | None,
    *,
    is_agent_there: bool = True,
    has_ended: bool = False,
) -> frozenset[Scope]:
    """Return what a run's token does not carry by now.

    What a caller may do with single blocks and deployments is asked as the run uses them.

    Args:
        token: the run's.
        rights: of who began the run in a process of their own; None for a deployment's.
        is_agent_there: whether the key of the agent that runs it is still good; without it a run
            tells how it ends, and nothing else.
        has_ended: whether it is over: then it repeats what it has told of itself, and nothing else.

    Raises:
        Unauthenticated: they may execute no runs there any more.
    """
    over = RUN_SCOPES - REPEATED if has_ended else NOTHING
    if not is_agent_there:
        return over | frozenset(WITHHELD)
    if rights is None:
        return over | token.withheld
    held = rights.within(token.workspace_id)
    if Scope.RUNS_EXECUTE not in held:
        raise Unauthenticated
    return over | token.withheld | (frozenset(WITHHELD) - ASKED_AS_USED - held)
