"""Login sessions, and the tokens of links in mails. All as the system: they are of no tenant."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, delete, insert, or_, select, update

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.ids import new_id
from headgate_server.domain.login_sessions import (
    IDLE_LIFETIME,
    LAST_SEEN_RESOLUTION,
    LIFETIMES,
    LoginSession,
    Purpose,
)
from headgate_server.domain.organizations import Closures
from headgate_server.domain.permissions import Rights, gather
from headgate_server.repositories import closing, roles
from headgate_server.repositories.organizations import is_called
from headgate_server.tables.login_sessions import login_sessions, one_time_tokens
from headgate_server.tables.members import memberships
from headgate_server.tables.organizations import organizations, users

_SHOWN = [column for column in login_sessions.c if column.name != "secret_hash"]


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What authenticating by a cookie takes; ``organization_id`` is None for who belongs to none.

    Args:
        session: a live one, of a person who is not suspended.
        rights: what they may do in the organization.
        requires_second_factor: whether the organization lets in only sessions that have one.
    """

    session: LoginSession
    secret_hash: bytes
    display_name: str
    last_organization_id: UUID | None
    organization_id: UUID | None
    rights: Rights
    closures: Closures
    is_operator: bool
    requires_second_factor: bool


async def insert_session(
    work: UnitOfWork, *, session: LoginSession, secret_hash: bytes, organization_id: UUID | None
) -> None:
    """Store a session with the hash of its secret."""
    await work.execute(
        insert(login_sessions).values(
            id=session.id,
            user_id=session.user_id,
            secret_hash=secret_hash,
            organization_id=organization_id,
            created_at=session.created_at,
            last_seen_at=session.last_seen_at,
            expires_at=session.expires_at,
            ip=session.ip,
            user_agent=session.user_agent,
            has_second_factor=session.has_second_factor,
        )
    )


async def find_facts(
    work: UnitOfWork,
    *,
    id_: UUID,
    slug: str | None,
    organization_id: UUID | None = None,
    but: Collection[UUID] = (),
) -> SessionFacts | None:
    """Return a live session, and what its person may do in one organization; in one statement.

    Args:
        work: as the system.
        id_: of the session.
        slug: which organization; None is the one used last, else the one they joined first.
        organization_id: which it must be besides; None leaves that to the slug.
        but: which it may not be.
    """
    mine = memberships.alias("mine")
    place = mine.join(organizations, organizations.c.id == mine.c.organization_id)
    is_place = and_(
        mine.c.user_id == login_sessions.c.user_id,
        organizations.c.deleted_at.is_(None),
        *([is_called(slug)] if slug is not None else []),
        *([organizations.c.id == organization_id] if organization_id is not None else []),
        *([organizations.c.id.not_in(but)] if but else []),
    )
    is_last = mine.c.organization_id.is_not_distinct_from(login_sessions.c.organization_id)
    statement = (
        select(
            *_SHOWN,
            login_sessions.c.secret_hash,
            users.c.display_name,
            mine.c.organization_id.label("place_id"),
            users.c.is_operator,
            organizations.c.requires_second_factor,
            roles.grants_of(mine.c.organization_id, mine.c.user_id).label("grants"),
            closing.closures_of(mine.c.organization_id).label("closures"),
        )
        .select_from(
            login_sessions.join(users, users.c.id == login_sessions.c.user_id).outerjoin(
                place, is_place
            )
        )
        .where(login_sessions.c.id == id_, _is_live(work), users.c.suspended_at.is_(None))
        .order_by(is_last.desc(), mine.c.joined_at, mine.c.organization_id)
        .limit(1)
    )
    row = (await work.execute(statement)).one_or_none()
    return None if row is None else _facts(row)


async def touch(work: UnitOfWork, *, id_: UUID, organization_id: UUID | None) -> None:
    """Note that a session was used, and where; at most once a minute, or when the place changes."""
    statement = (
        update(login_sessions)
        .where(
            login_sessions.c.id == id_,
            or_(
                login_sessions.c.last_seen_at <= work.now - LAST_SEEN_RESOLUTION,
                login_sessions.c.organization_id.is_distinct_from(organization_id),
            ),
        )
        .values(last_seen_at=work.now, organization_id=organization_id)
    )
    await work.execute(statement)


async def set_hash(work: UnitOfWork, *, id_: UUID, secret_hash: bytes) -> None:
    """Store the hash of a session's secret anew."""
    statement = (
        update(login_sessions).where(login_sessions.c.id == id_).values(secret_hash=secret_hash)
    )
    await work.execute(statement)


async def lock_session(work: UnitOfWork, *, id_: UUID) -> tuple[LoginSession, UUID | None] | None:
    """Return a live session and its last organization, and let nobody end it meanwhile."""
    statement = select(*_SHOWN).where(login_sessions.c.id == id_, _is_live(work)).with_for_update()
    row = (await work.execute(statement)).one_or_none()
    return (_session(row), row.organization_id) if row is not None else None


async def list_sessions(work: UnitOfWork, *, user_id: UUID) -> list[LoginSession]:
    """Return the live sessions of a person, the one used last first."""
    statement = (
        select(*_SHOWN)
        .where(login_sessions.c.user_id == user_id, _is_live(work))
        .order_by(login_sessions.c.last_seen_at.desc(), login_sessions.c.id)
    )
    return [_session(row) for row in await work.execute(statement)]


async def revoke_sessions(
    work: UnitOfWork, *, user_id: UUID, id_: UUID | None = None, but: UUID | None = None
) -> list[UUID]:
    """End the sessions of a person: one, all, or all but one; and return which have ended so."""
    chosen = [login_sessions.c.id == id_] if id_ is not None else []
    spared = [login_sessions.c.id != but] if but is not None else []
    statement = (
        update(login_sessions)
        .where(
            login_sessions.c.user_id == user_id,
            login_sessions.c.revoked_at.is_(None),
            *chosen,
            *spared,
        )
        .values(revoked_at=work.now)
        .returning(login_sessions.c.id)
    )
    return list((await work.execute(statement)).scalars())


async def insert_token(
    work: UnitOfWork,
    *,
    purpose: Purpose,
    token_hash: bytes,
    user_id: UUID | None,
    email: str | None,
) -> None:
    """Store the hash of a token that is sent by mail."""
    await work.execute(
        insert(one_time_tokens).values(
            id=new_id(),
            purpose=purpose.value,
            token_hash=token_hash,
            user_id=user_id,
            email=email,
            created_at=work.now,
            expires_at=work.now + LIFETIMES[purpose],
        )
    )


async def carry_token(work: UnitOfWork, *, old_hash: bytes, new_hash: bytes) -> None:
    """Store the hash of a token anew."""
    statement = (
        update(one_time_tokens)
        .where(one_time_tokens.c.token_hash == old_hash)
        .values(token_hash=new_hash)
    )
    await work.execute(statement)


async def find_token_owner(work: UnitOfWork, *, purpose: Purpose, token_hash: bytes) -> UUID | None:
    """Return whose a token is, good or not; who is to lock them does so before it is used up."""
    statement = select(one_time_tokens.c.user_id).where(
        one_time_tokens.c.token_hash == token_hash, one_time_tokens.c.purpose == purpose.value
    )
    return (await work.execute(statement)).scalar_one_or_none()


async def use_token(
    work: UnitOfWork, *, purpose: Purpose, token_hash: bytes
) -> tuple[UUID, str | None] | None:
    """Use a token up; return whose it is, and to which address it was mailed, if it was.

    None where it is not good.
    """
    statement = (
        update(one_time_tokens)
        .where(
            one_time_tokens.c.token_hash == token_hash,
            one_time_tokens.c.purpose == purpose.value,
            one_time_tokens.c.used_at.is_(None),
            one_time_tokens.c.expires_at > work.now,
        )
        .values(used_at=work.now)
        .returning(one_time_tokens.c.user_id, one_time_tokens.c.email)
    )
    row = (await work.execute(statement)).one_or_none()
    return (row.user_id, row.email) if row is not None else None


async def void_tokens(work: UnitOfWork, *, user_id: UUID, purpose: Purpose | None = None) -> None:
    """Let no token that a person was sent, for one purpose or for any, be good any more."""
    chosen = [one_time_tokens.c.purpose == purpose.value] if purpose is not None else []
    statement = (
        update(one_time_tokens)
        .where(one_time_tokens.c.user_id == user_id, one_time_tokens.c.used_at.is_(None), *chosen)
        .values(used_at=work.now)
    )
    await work.execute(statement)


async def delete_ended(work: UnitOfWork) -> int:
    """Forget sessions and tokens that are past their time; how many there were."""
    count = 0
    for table in (login_sessions, one_time_tokens):
        count += (await work.execute(delete(table).where(table.c.expires_at <= work.now))).rowcount
    return count


def _is_live(work: UnitOfWork) -> ColumnElement[bool]:
    return and_(
        login_sessions.c.revoked_at.is_(None),
        login_sessions.c.expires_at > work.now,
        login_sessions.c.last_seen_at > work.now - IDLE_LIFETIME,
    )


def _session(row: Row[Any]) -> LoginSession:
    return LoginSession(
        id=row.id,
        user_id=row.user_id,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
        ip=row.ip,
        user_agent=row.user_agent,
        has_second_factor=row.has_second_factor,
    )


def _facts(row: Row[Any]) -> SessionFacts:
    closures = closing.read_closures(row.closures)
    return SessionFacts(
        session=_session(row),
        secret_hash=bytes(row.secret_hash),
        display_name=row.display_name,
        last_organization_id=row.organization_id,
        organization_id=row.place_id,
        rights=gather(
            roles.read_grants(row.grants),
            is_member=row.place_id is not None,
            ceilings=closures.ceilings,
        ),
        closures=closures,
        is_operator=row.is_operator,
        requires_second_factor=bool(row.requires_second_factor),
    )
