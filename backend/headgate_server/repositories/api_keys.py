"""API keys and agent keys, and what stands behind the tokens of sessions and runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Executable,
    Label,
    Row,
    and_,
    bindparam,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.allowlists import Networks
from headgate_server.domain.api_keys import ApiKey, NewApiKey, SessionToken, TokenKind
from headgate_server.domain.errors import OldGeneration
from headgate_server.domain.organizations import Closures
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.domain.permissions import Rights, gather, known_scopes
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.repositories import closing, pages, roles
from headgate_server.repositories.organizations import own
from headgate_server.tables.events import control_plane
from headgate_server.tables.organizations import api_keys, organizations, workspaces
from headgate_server.tables.work_pools import agent_sessions, agents

_SECRETS = (api_keys.c.secret_hash, api_keys.c.old_secret_hash, api_keys.c.old_secret_until)
_SHOWN = [column for column in api_keys.c if column not in set(_SECRETS)]


@dataclass(frozen=True, slots=True)
class LiveSession:
    """The session behind a session token."""

    agent_name: str
    work_pool_id: UUID
    api_key_id: UUID | None
    networks: Networks = ()


async def insert_key(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    id_: UUID,
    new: NewApiKey,
    prefix: str,
    secret_hash: bytes,
) -> ApiKey:
    """Store a key with the hash of its secret."""
    statement = (
        insert(api_keys)
        .values(
            organization_id=organization_id,
            id=id_,
            kind=new.kind.value,
            name=new.name,
            prefix=prefix,
            secret_hash=secret_hash,
            owner_kind=new.owner.kind.value,
            owner_id=new.owner.id,
            owner_name=new.owner.display_name,
            workspace_id=new.workspace_id,
            work_pool_id=new.work_pool_id,
            scopes=sorted(new.scopes),
            created_at=work.now,
            expires_at=new.expires_at,
        )
        .returning(*_SHOWN)
    )
    return _key((await work.execute(statement)).one())


async def find_key(work: UnitOfWork, *, id_: UUID) -> ApiKey | None:
    """Return a key the unit of work may see, without its hash."""
    statement = select(*_SHOWN).where(_is_own(work), api_keys.c.id == id_)
    row = (await work.execute(statement)).one_or_none()
    return _key(row) if row is not None else None


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What authenticating by a key takes. ``rights`` are its owner's, None for who has left."""

    key: ApiKey
    secret_hash: bytes
    old_secret_hash: bytes | None
    old_secret_until: datetime | None
    rights: Rights | None
    closures: Closures

    def hashes(self, now: datetime) -> list[bytes]:
        """Return the hashes of the secrets that are good now: the newest, and one it replaced."""
        is_old_good = self.old_secret_until is not None and now < self.old_secret_until
        old = [self.old_secret_hash] if is_old_good and self.old_secret_hash else []
        return [self.secret_hash, *old]


async def find_key_facts(work: UnitOfWork, *, id_: UUID) -> KeyFacts | None:
    """Return a key of any organization, for authentication: as the system, in one statement."""
    organization_id, owner_id = api_keys.c.organization_id, api_keys.c.owner_id
    statement = select(
        *_SHOWN,
        *_SECRETS,
        roles.grants_of(organization_id, owner_id).label("grants"),
        roles.membership_of(organization_id, owner_id).is_not(None).label("is_member"),
        closing.closures_of(organization_id).label("closures"),
    ).where(api_keys.c.id == id_)
    row = (await work.execute(statement)).one_or_none()
    if row is None:
        return None
    key = _key(row)
    is_in = bool(row.is_member) or key.owner.kind is ActorKind.SERVICE_ACCOUNT
    closures = closing.read_closures(row.closures)
    grants = roles.read_grants(row.grants)
    rights = gather(grants, is_member=True, ceilings=closures.ceilings) if is_in else None
    old = bytes(row.old_secret_hash) if row.old_secret_hash is not None else None
    return KeyFacts(key, bytes(row.secret_hash), old, row.old_secret_until, rights, closures)


async def get_many_keys(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, ApiKey]:
    """Return those of the keys that exist and may be seen, by id."""
    rows = await work.execute(select(*_SHOWN).where(_is_own(work), api_keys.c.id.in_(ids)))
    return {row.id: _key(row) for row in rows}


async def list_keys(
    work: UnitOfWork, *, organization_id: UUID, page: PageRequest, owner_id: UUID | None
) -> Page[ApiKey]:
    """Return a page of an organization's keys, oldest first, of one owner if asked."""
    statement = select(*_SHOWN).where(_is_own(work), api_keys.c.organization_id == organization_id)
    if owner_id is not None:
        statement = statement.where(api_keys.c.owner_id == owner_id)
    return await pages.read(work, statement, sort=pages.by(api_keys.c.id), page=page, make=_key)


async def count_keys(
    work: UnitOfWork, *, organization_id: UUID, owner_id: UUID | None, cap: int
) -> int:
    """Return how many keys there are, up to ``cap + 1``."""
    statement = select(api_keys.c.id).where(
        _is_own(work), api_keys.c.organization_id == organization_id
    )
    if owner_id is not None:
        statement = statement.where(api_keys.c.owner_id == owner_id)
    return await pages.count(work, statement, cap=cap)


async def set_revoked(work: UnitOfWork, *, id_: UUID) -> ApiKey | None:
    """Revoke a key from now on unless it is revoked already; None when there is no such key."""
    statement = (
        update(api_keys)
        .where(_is_own(work), api_keys.c.id == id_, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=work.now)
        .returning(*_SHOWN)
    )
    row = (await work.execute(statement)).one_or_none()
    return _key(row) if row is not None else await find_key(work, id_=id_)


async def list_live(work: UnitOfWork, *, owner_id: UUID) -> list[ApiKey]:
    """Return the keys of an owner that work, oldest first; as the system in every organization."""
    is_live = or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > work.now)
    statement = (
        select(*_SHOWN)
        .where(
            _is_own(work), api_keys.c.owner_id == owner_id, api_keys.c.revoked_at.is_(None), is_live
        )
        .order_by(api_keys.c.id)
    )
    return [_key(row) for row in await work.execute(statement)]


async def revoke_all(work: UnitOfWork, *, owner_id: UUID) -> dict[UUID, UUID]:
    """Revoke every key of an owner in the organization, and return which ones: of which each is.

    As the system in every organization.
    """
    statement = (
        update(api_keys)
        .where(_is_own(work), api_keys.c.owner_id == owner_id, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=work.now)
        .returning(api_keys.c.id, api_keys.c.organization_id)
    )
    return {row.id: row.organization_id for row in await work.execute(statement)}


async def set_secret(
    work: UnitOfWork, *, id_: UUID, secret_hash: bytes, old_until: datetime | None
) -> ApiKey | None:
    """Replace the secret of a key that is not revoked; the old one is good until then, if ever."""
    statement = (
        update(api_keys)
        .where(_is_own(work), api_keys.c.id == id_, api_keys.c.revoked_at.is_(None))
        .values(
            secret_hash=secret_hash,
            old_secret_hash=api_keys.c.secret_hash if old_until else None,
            old_secret_until=old_until,
        )
        .returning(*_SHOWN)
    )
    row = (await work.execute(statement)).one_or_none()
    return _key(row) if row is not None else None


async def touch(work: UnitOfWork, *, id_: UUID, resolution: timedelta) -> None:
    """Note that a key was used, unless that was noted within ``resolution`` already."""
    await work.execute(
        update(api_keys)
        .where(
            api_keys.c.id == id_,
            or_(
                api_keys.c.last_used_at.is_(None),
                api_keys.c.last_used_at <= work.now - resolution,
            ),
        )
        .values(last_used_at=work.now)
    )


async def find_live_session(work: UnitOfWork, token: SessionToken) -> LiveSession | None:
    """Return a session that has not ended and whose agent key was not revoked.

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
    return LiveSession(
        agent_name=row.name,
        work_pool_id=row.work_pool_id,
        api_key_id=row.api_key_id,
        networks=tuple(row.networks or ()),
    )


_WORKSPACE_ID: BindParameter[UUID] = bindparam("workspace_id")


@cache
def _live_session() -> Executable:
    """Return what reads an agent's session: each request asks, so it is put together once."""
    live = (
        select(agents.c.name, agent_sessions.c.work_pool_id, agent_sessions.c.api_key_id)
        .select_from(agent_sessions)
        .join(
            agents,
            and_(
                agents.c.workspace_id == agent_sessions.c.workspace_id,
                agents.c.id == agent_sessions.c.agent_id,
            ),
        )
        .outerjoin(api_keys, api_keys.c.id == agent_sessions.c.api_key_id)
        .where(
            agent_sessions.c.workspace_id == _WORKSPACE_ID,
            agent_sessions.c.id == bindparam("session_id"),
            agent_sessions.c.ended_at.is_(None),
            api_keys.c.revoked_at.is_(None),
            is_there(),
        )
        .subquery()
    )
    return select(control_plane.c.generation, reached_from(), live).select_from(
        control_plane.outerjoin(live, true())
    )


def reached_from() -> Label[list[str]]:
    """Return from where an organization may be reached, as an expression."""
    return (
        select(organizations.c.allowed_networks)
        .where(organizations.c.id == bindparam("organization_id"))
        .scalar_subquery()
        .label("networks")
    )


def is_there() -> ColumnElement[bool]:
    """Return the condition that a workspace is not deleted."""
    return (
        select(literal(1))
        .where(workspaces.c.id == _WORKSPACE_ID, workspaces.c.deleted_at.is_(None))
        .exists()
    )


def _is_own(work: UnitOfWork) -> ColumnElement[bool]:
    return own(work, api_keys.c.organization_id)


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        organization_id=row.organization_id,
        id=row.id,
        kind=TokenKind(row.kind),
        name=row.name,
        prefix=row.prefix,
        owner=Actor(ActorKind(row.owner_kind), row.owner_id, row.owner_name),
        workspace_id=row.workspace_id,
        work_pool_id=row.work_pool_id,
        scopes=known_scopes(row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
