"""API keys and agent keys, and what stands behind the tokens of sessions and runs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Label,
    Row,
    and_,
    bindparam,
    case,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.api_keys import ApiKey, NewApiKey, TokenKind
from headgate_server.domain.organizations import Closures
from headgate_server.domain.pagination import COUNT_CAP, Page, PageRequest
from headgate_server.domain.permissions import Rights, gather, known_scopes
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.repositories import closing, pages, roles
from headgate_server.repositories.organizations import own
from headgate_server.tables.organizations import api_keys, organizations, workspaces

_SECRETS = (
    api_keys.c.secret_hash,
    api_keys.c.secret_number,
    api_keys.c.old_secret_hash,
    api_keys.c.old_secret_until,
)
_SHOWN = [column for column in api_keys.c if column not in set(_SECRETS)]


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
class Secret:
    """A secret of a key that is good now, and until when; None is never."""

    hash: bytes
    number: int
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What authenticating by a key takes. ``rights`` are its owner's, None for who has left."""

    key: ApiKey
    secrets: tuple[Secret, ...]
    rights: Rights | None
    closures: Closures


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
    return KeyFacts(key, tuple(_good_secrets(row, now=work.now)), rights, closures)


def _good_secrets(row: Row[Any], *, now: datetime) -> Iterator[Secret]:
    """Yield the secrets that are good now: the newest, and the one that it replaced."""
    yield Secret(bytes(row.secret_hash), row.secret_number, row.expires_at)
    until = row.old_secret_until
    if row.old_secret_hash is not None and until is not None and now < until:
        ends_at = until if row.expires_at is None else min(until, row.expires_at)
        yield Secret(bytes(row.old_secret_hash), row.secret_number - 1, ends_at)


async def get_many_keys(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, ApiKey]:
    """Return those of the keys that exist and may be seen, by id."""
    rows = await work.execute(select(*_SHOWN).where(_is_own(work), api_keys.c.id.in_(ids)))
    return {row.id: _key(row) for row in rows}


async def list_keys(
    work: UnitOfWork, *, organization_id: UUID, page: PageRequest, owner_id: UUID | None = None
) -> Page[ApiKey]:
    """Return a page of keys, oldest first, of one owner if asked; the page key is ``(id,)``."""
    statement = select(*_SHOWN).where(_is_own(work), api_keys.c.organization_id == organization_id)
    if owner_id is not None:
        statement = statement.where(api_keys.c.owner_id == owner_id)
    return await pages.read(work, statement, sort=pages.by(api_keys.c.id), page=page, make=_key)


async def count_keys(
    work: UnitOfWork, *, organization_id: UUID, owner_id: UUID | None = None, cap: int = COUNT_CAP
) -> int:
    """Return how many keys there are; ``cap + 1`` stands for more than ``cap``."""
    statement = select(api_keys.c.id).where(
        _is_own(work), api_keys.c.organization_id == organization_id
    )
    if owner_id is not None:
        statement = statement.where(api_keys.c.owner_id == owner_id)
    return await pages.count(work, statement, cap=cap)


async def set_revoked(work: UnitOfWork, *, id_: UUID, only_of: int | None = None) -> ApiKey | None:
    """Revoke a key from now on unless it is revoked already; None when there is no such key.

    Where ``only_of`` is given, also None if that is not the number of the secret that it has now.
    """
    chosen = [api_keys.c.secret_number == only_of] if only_of is not None else []
    statement = (
        update(api_keys)
        .where(_is_own(work), api_keys.c.id == id_, api_keys.c.revoked_at.is_(None), *chosen)
        .values(revoked_at=work.now)
        .returning(*_SHOWN)
    )
    row = (await work.execute(statement)).one_or_none()
    if row is not None:
        return _key(row)
    found = await find_key(work, id_=id_)
    return found if found is not None and found.revoked_at is not None else None


async def hold_key(work: UnitOfWork, *, id_: UUID, secret_number: int | None) -> bool:
    """Whether a key is good with a secret of it; nobody ends or rotates it meanwhile."""
    is_shown = or_(
        api_keys.c.secret_number == secret_number,
        and_(
            api_keys.c.secret_number == (secret_number or 0) + 1,
            api_keys.c.old_secret_until > work.now,
        ),
    )
    statement = (
        select(api_keys.c.id)
        .where(api_keys.c.id == id_, is_shown, *_is_live(work))
        .with_for_update(read=True)
    )
    return (await work.execute(statement)).one_or_none() is not None


async def list_live(work: UnitOfWork, *, owner_id: UUID) -> list[ApiKey]:
    """Return the keys of an owner that work, oldest first; as the system in every organization."""
    statement = (
        select(*_SHOWN)
        .where(_is_own(work), api_keys.c.owner_id == owner_id, *_is_live(work))
        .order_by(api_keys.c.id)
    )
    return [_key(row) for row in await work.execute(statement)]


async def revoke_all(
    work: UnitOfWork, *, owner_id: UUID, but_of_pools: bool = False
) -> dict[UUID, UUID]:
    """Revoke every key of an owner in the organization, and return which ones: of which each is.

    As the system in every organization.

    Args:
        work: a unit of work of the organization, or the system's.
        owner_id: whose keys.
        but_of_pools: whether keys that register agents of one pool stay good.
    """
    is_meant = api_keys.c.work_pool_id.is_(None) if but_of_pools else true()
    statement = (
        update(api_keys)
        .where(
            _is_own(work),
            api_keys.c.owner_id == owner_id,
            api_keys.c.revoked_at.is_(None),
            is_meant,
        )
        .values(revoked_at=work.now)
        .returning(api_keys.c.id, api_keys.c.organization_id)
    )
    return {row.id: row.organization_id for row in await work.execute(statement)}


async def set_secret(
    work: UnitOfWork,
    *,
    id_: UUID,
    secret_hash: bytes,
    old_until: datetime | None,
    only_of: int | None = None,
) -> ApiKey | None:
    """Replace the secret of a key that is not revoked; the old one is good until then, if ever.

    Where ``only_of`` is given, only if that is the number of the secret that the key has now.
    """
    chosen = [api_keys.c.secret_number == only_of] if only_of is not None else []
    statement = (
        update(api_keys)
        .where(_is_own(work), api_keys.c.id == id_, api_keys.c.revoked_at.is_(None), *chosen)
        .values(
            secret_hash=secret_hash,
            secret_number=api_keys.c.secret_number + 1,
            old_secret_hash=api_keys.c.secret_hash if old_until else None,
            old_secret_until=old_until,
        )
        .returning(*_SHOWN)
    )
    row = (await work.execute(statement)).one_or_none()
    return _key(row) if row is not None else None


async def set_hash(work: UnitOfWork, *, id_: UUID, old_hash: bytes, new_hash: bytes) -> None:
    """Store the hash of a secret anew, the newest's or the one's that it replaced."""
    renewed = {
        column.name: case((column == old_hash, new_hash), else_=column)
        for column in (api_keys.c.secret_hash, api_keys.c.old_secret_hash)
    }
    await work.execute(update(api_keys).where(api_keys.c.id == id_).values(renewed))


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
        .where(workspaces.c.id == bindparam("workspace_id"), workspaces.c.deleted_at.is_(None))
        .exists()
    )


def _is_own(work: UnitOfWork) -> ColumnElement[bool]:
    return own(work, api_keys.c.organization_id)


def _is_live(work: UnitOfWork) -> tuple[ColumnElement[bool], ...]:
    is_before_end = or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > work.now)
    return api_keys.c.revoked_at.is_(None), is_before_end


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
