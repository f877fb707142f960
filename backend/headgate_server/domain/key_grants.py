"""What a key may be given: nothing that whoever makes it lacks, and no longer than their own."""

from datetime import datetime

from headgate_server.domain.api_keys import NewApiKey
from headgate_server.domain.errors import Forbidden, InvalidInput
from headgate_server.domain.permissions import AGENT_SESSION_SCOPES, Grant
from headgate_server.domain.tenancy import Actor, ActorKind, Principal


def check_end(granter: Principal, expires_at: datetime | None) -> None:
    """Go on only if a key whose token a key is given ends no later than that one.

    Raises:
        Forbidden: it would outlive the granter's key.
    """
    ends_at = granter.expires_at if granter.api_key_id is not None else None
    if ends_at is not None and (expires_at is None or expires_at > ends_at):
        raise Forbidden(
            f"Your key ends at {ends_at:%Y-%m-%dT%H:%M:%SZ}: one that it makes names an expiresAt "
            "that is no later, and one that it rotates ends no later."
        )


def check_grant(granter: Principal, new: NewApiKey) -> None:
    """Go on only if a key may be made as it is wished for.

    Raises:
        InvalidInput: no scopes, or an agent's key with others than its own.
        Forbidden: a scope or a workspace beyond the granter's own.
    """
    if not new.scopes:
        raise InvalidInput("A key has at least one scope.", path=["scopes"])
    is_agents = new.work_pool_id is not None
    if is_agents and (new.scopes != AGENT_SESSION_SCOPES or new.workspace_id is None):
        raise InvalidInput(
            "An agent's key names its workspace and has the scope AGENTS_CONNECT only.",
            path=["scopes"],
        )
    check_key(granter, owner=new.owner, grant=Grant(new.scopes, new.workspace_id, new.work_pool_id))
    if granter.workspace_id is not None and granter.workspace_id != new.workspace_id:
        raise Forbidden("Your credential is bound to one workspace; create keys for that one.")


def check_key(granter: Principal, *, owner: Actor, grant: Grant) -> None:
    """Go on only if a key of an owner gives its holder nothing that the granter lacks.

    Raises:
        Forbidden: a scope that the granter lacks there, or the key of another person.
    """
    rights = granter.all_rights()
    missing = rights.missing(grant)
    if owner.kind is ActorKind.USER:
        if granter.actor.kind is not ActorKind.USER or owner.id != granter.actor.id:
            raise Forbidden("The keys of a person are made by that person; use a service account.")
        if grant.workspace_id is None:
            missing = grant.scopes - rights.anywhere
    if missing:
        message = "You cannot grant a scope that you lack."
        raise Forbidden(message, missing_scopes=sorted(missing))
