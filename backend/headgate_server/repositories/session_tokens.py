"""The sessions behind session tokens, and the keys that stand behind sessions."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Executable,
    FromClause,
    Label,
    Row,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    true,
)

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.allowlists import Networks
from headgate_server.domain.api_keys import SessionToken, TokenKind
from headgate_server.domain.errors import OldGeneration
from headgate_server.domain.permissions import gather, known_scopes
from headgate_server.domain.standings import Standing
from headgate_server.domain.tenancy import ActorKind
from headgate_server.repositories import api_keys, roles
from headgate_server.tables.events import control_plane
from headgate_server.tables.organizations import api_keys as keys
from headgate_server.tables.work_pools import agent_sessions, agents

_WORKSPACE_ID: BindParameter[UUID] = bindparam("workspace_id")


@dataclass(frozen=True, slots=True)
class LiveSession:
    """The session behind a session token; ``key_ends_at`` None is never."""

    agent_name: str
    work_pool_id: UUID
    api_key_id: UUID | None
    key_ends_at: datetime | None = None
    networks: Networks = ()


async def find_live_session(work: UnitOfWork, token: SessionToken) -> LiveSession | None:
    """Return a session that has not ended and that its key could still open.

    What an archived workspace takes from people is left to them here: what runs goes on.

    Raises:
        OldGeneration: the token was issued before the database was restored.
    """
    parameters = {
        "workspace_id": token.workspace_id,
        "session_id": token.session_id,
        "organization_id": token.organization_id,
    }
    row = (await work.execute(_live_session(), parameters)).one()
    if row.generation != token.generation:
        raise OldGeneration
    if row.name is None:
        return None
    standing = read_standing(row)
    if standing is None and row.api_key_id is not None:
        return None
    if standing is not None and not standing.may_connect(
        token.workspace_id, work_pool_id=row.work_pool_id, now=work.now
    ):
        return None
    return LiveSession(
        agent_name=row.name,
        work_pool_id=row.work_pool_id,
        api_key_id=row.api_key_id,
        key_ends_at=standing.ends_at if standing is not None else None,
        networks=tuple(row.networks or ()),
    )


@cache
def _live_session() -> Executable:
    """Return what reads an agent's session: each request asks, so it is put together once."""
    live = (
        select(
            agents.c.name,
            agent_sessions.c.work_pool_id,
            agent_sessions.c.api_key_id,
            *standing_of(keys, secret_number=agent_sessions.c.secret_number),
        )
        .select_from(agent_sessions)
        .join(
            agents,
            and_(
                agents.c.workspace_id == agent_sessions.c.workspace_id,
                agents.c.id == agent_sessions.c.agent_id,
            ),
        )
        .outerjoin(keys, keys.c.id == agent_sessions.c.api_key_id)
        .where(
            agent_sessions.c.workspace_id == _WORKSPACE_ID,
            agent_sessions.c.id == bindparam("session_id"),
            agent_sessions.c.ended_at.is_(None),
            api_keys.is_there(),
        )
        .subquery()
    )
    return select(control_plane.c.generation, api_keys.reached_from(), live).select_from(
        control_plane.outerjoin(live, true())
    )


def ends_at(key: FromClause, *, secret_number: ColumnElement[int]) -> ColumnElement[Any]:
    """Return when one secret of a key ends, or has ended; null is never."""
    ended = key.c.created_at
    return case(
        (key.c.revoked_at.is_not(None), key.c.revoked_at),
        (key.c.secret_number == secret_number, key.c.expires_at),
        (
            key.c.secret_number == secret_number + 1,
            func.least(key.c.expires_at, func.coalesce(key.c.old_secret_until, ended)),
        ),
        else_=ended,
    )


def standing_of(key: FromClause, *, secret_number: ColumnElement[int]) -> list[Label[Any]]:
    """Return what ``read_standing`` reads of a key, or of none, as columns of a statement.

    A pool's own key outlives its maker's rights, so those are not asked for.
    """
    organization_id, owner_id = cast("Any", key.c.organization_id), cast("Any", key.c.owner_id)
    is_in = or_(
        key.c.owner_kind == ActorKind.SERVICE_ACCOUNT.value,
        roles.membership_of(organization_id, owner_id).is_not(None),
    )
    is_owners = key.c.kind == TokenKind.API_KEY.value
    grants = roles.grants_of(organization_id, owner_id)
    return [
        key.c.id.label("key_id"),
        key.c.kind.label("key_kind"),
        key.c.scopes.label("key_scopes"),
        key.c.workspace_id.label("key_workspace_id"),
        ends_at(key, secret_number=secret_number).label("key_ends_at"),
        case((is_owners, is_in)).label("is_owner_in"),
        case((is_owners, grants)).label("owners_grants"),
    ]


def read_standing(row: Row[Any]) -> Standing | None:
    """Return what a key is still good for; None where there is none."""
    if row.key_id is None:
        return None
    owned = gather(roles.read_grants(row.owners_grants), is_member=True)
    return Standing(
        key_id=row.key_id,
        kind=TokenKind(row.key_kind),
        scopes=known_scopes(row.key_scopes),
        workspace_id=row.key_workspace_id,
        owned=owned if row.is_owner_in else None,
        ends_at=row.key_ends_at,
    )
