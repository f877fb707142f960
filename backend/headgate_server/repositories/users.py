"""Users, and what they prove themselves with."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, any_, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import BYTEA, insert
from sqlalchemy.exc import IntegrityError

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.domain.users import PersonStanding, User
from headgate_server.repositories import pages
from headgate_server.tables.login_sessions import login_sessions
from headgate_server.tables.members import memberships
from headgate_server.tables.organizations import organizations, users

SHOWN = (
    users.c.id,
    users.c.display_name,
    users.c.email,
    users.c.avatar_url,
    users.c.email_verified_at,
)
"""What others may see of a person; the application's role may read no more."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a person proves themselves with. ``totp_secret`` is sealed."""

    user: User
    password_hash: str | None
    password_changed_at: datetime | None
    devices_forgotten_at: datetime | None
    totp_secret: bytes | None
    is_totp_confirmed: bool
    recovery_count: int
    suspended_at: datetime | None


async def insert_user(
    work: UnitOfWork,
    *,
    id_: UUID,
    display_name: str,
    email: str | None,
    is_email_verified: bool = False,
) -> User | None:
    """Store a user; None when another one has this address."""
    verified_at = work.now if is_email_verified and email is not None else None
    statement = (
        insert(users)
        .values(
            id=id_,
            display_name=display_name,
            email=email,
            created_at=work.now,
            email_verified_at=verified_at,
        )
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(*SHOWN)
    )
    row = (await work.execute(statement)).one_or_none()
    return _user(row) if row is not None else None


async def delete_user(work: UnitOfWork, *, id_: UUID) -> None:
    """Delete a person with their memberships, sessions, identities and links; as the system."""
    await work.execute(delete(users).where(users.c.id == id_))


async def set_operator(work: UnitOfWork, *, id_: UUID, is_operator: bool = True) -> bool:
    """Let a person run the installation, or no more; whether that is new."""
    statement = (
        update(users)
        .where(users.c.id == id_, users.c.is_operator.is_not(is_operator))
        .values(is_operator=is_operator)
    )
    return (await work.execute(statement)).rowcount == 1


async def set_suspended(work: UnitOfWork, *, id_: UUID, is_suspended: bool) -> bool:
    """Suspend a person from now on, or let them in again; whether that is new."""
    is_other = users.c.suspended_at.is_(None) if is_suspended else users.c.suspended_at.is_not(None)
    statement = (
        update(users)
        .where(users.c.id == id_, is_other)
        .values(suspended_at=work.now if is_suspended else None)
    )
    return (await work.execute(statement)).rowcount == 1


async def list_standings(work: UnitOfWork, *, page: PageRequest) -> Page[PersonStanding]:
    """Return a page of all people as operators see them, by id: as the system."""
    places = (
        select(func.count())
        .select_from(
            memberships.join(organizations, organizations.c.id == memberships.c.organization_id)
        )
        .where(memberships.c.user_id == users.c.id, organizations.c.deleted_at.is_(None))
        .scalar_subquery()
    )
    last_seen = (
        select(func.max(login_sessions.c.last_seen_at))
        .where(login_sessions.c.user_id == users.c.id)
        .scalar_subquery()
    )
    columns: list[ColumnElement[Any]] = [
        *SHOWN,
        users.c.is_operator,
        users.c.suspended_at,
        users.c.totp_confirmed_at,
        places.label("organization_count"),
        last_seen.label("last_seen_at"),
    ]
    statement = select(*columns)
    return await pages.read(work, statement, sort=pages.by(users.c.id), page=page, make=_standing)


def _standing(row: Row[Any]) -> PersonStanding:
    return PersonStanding(
        user=_user(row),
        organization_count=row.organization_count,
        has_second_factor=row.totp_confirmed_at is not None,
        is_operator=row.is_operator,
        suspended_at=row.suspended_at,
        last_seen_at=row.last_seen_at,
    )


async def find_user(work: UnitOfWork, *, id_: UUID) -> User | None:
    """Return a user the unit of work may see: themselves, or anyone for the system."""
    row = (await work.execute(select(*SHOWN).where(users.c.id == id_))).one_or_none()
    return _user(row) if row is not None else None


async def find_by_email(work: UnitOfWork, *, email: str) -> User | None:
    """Return the user of an address."""
    row = (await work.execute(select(*SHOWN).where(users.c.email == email))).one_or_none()
    return _user(row) if row is not None else None


async def get_many(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, User]:
    """Return those of the users that exist and may be seen, by id."""
    rows = await work.execute(select(*SHOWN).where(users.c.id.in_(ids)))
    return {row.id: _user(row) for row in rows}


def _user(row: Row[Any]) -> User:
    return User(
        id=row.id,
        display_name=row.display_name,
        email=row.email,
        avatar_url=row.avatar_url,
        is_email_verified=row.email_verified_at is not None,
    )


async def find_credentials(work: UnitOfWork, *, email: str) -> Credentials | None:
    """Return what the person of an address proves themselves with; as the system."""
    return await _find_credentials(work, users.c.email == email)


async def lock_credentials(work: UnitOfWork, *, id_: UUID) -> Credentials | None:
    """Return what a person proves themselves with, and let nobody change it meanwhile."""
    return await _find_credentials(work, users.c.id == id_, is_locked=True)


async def hold_able(work: UnitOfWork, *, ids: Iterable[UUID]) -> set[UUID]:
    """Return those of some people who are there and not suspended; none changes meanwhile."""
    statement = (
        select(users.c.id)
        .where(users.c.id.in_(sorted(ids)), users.c.suspended_at.is_(None))
        .order_by(users.c.id)
        .with_for_update(read=True)
    )
    return set((await work.execute(statement)).scalars())


async def set_password(work: UnitOfWork, *, id_: UUID, password_hash: str) -> None:
    """Store the hash of a new password."""
    statement = (
        update(users)
        .where(users.c.id == id_)
        .values(password_hash=password_hash, password_changed_at=work.now)
    )
    await work.execute(statement)


async def set_password_hash(work: UnitOfWork, *, id_: UUID, password_hash: str) -> None:
    """Store another hash of the same password."""
    await work.execute(update(users).where(users.c.id == id_).values(password_hash=password_hash))


async def forget_devices(work: UnitOfWork, *, id_: UUID) -> None:
    """Note that no browser that a person signed in in before is known any more."""
    statement = update(users).where(users.c.id == id_).values(devices_forgotten_at=work.now)
    await work.execute(statement)


async def set_email(work: UnitOfWork, *, id_: UUID, email: str) -> bool:
    """Give a person another address, which they have proven; False where somebody else has it."""
    statement = (
        update(users).where(users.c.id == id_).values(email=email, email_verified_at=work.now)
    )
    try:
        async with work.connection.begin_nested():
            await work.execute(statement)
    except IntegrityError:
        return False
    return True


async def set_email_verified(work: UnitOfWork, *, id_: UUID, email: str) -> bool:
    """Note that a person has proven their address; whether it is theirs and was not proven yet."""
    statement = (
        update(users)
        .where(users.c.id == id_, users.c.email == email, users.c.email_verified_at.is_(None))
        .values(email_verified_at=work.now)
    )
    return (await work.execute(statement)).rowcount == 1


async def set_totp(work: UnitOfWork, *, id_: UUID, sealed: bytes | None) -> None:
    """Store the sealed secret of a second factor that is not confirmed yet; None takes it away."""
    statement = (
        update(users)
        .where(users.c.id == id_)
        .values(totp_secret=sealed, totp_confirmed_at=None, totp_last_step=None, recovery_hashes=[])
    )
    await work.execute(statement)


async def set_sealed(work: UnitOfWork, *, id_: UUID, sealed: bytes) -> None:
    """Store the secret of a second factor sealed anew; it stays as it is."""
    await work.execute(update(users).where(users.c.id == id_).values(totp_secret=sealed))


async def confirm_totp(work: UnitOfWork, *, id_: UUID, recovery_hashes: Sequence[bytes]) -> None:
    """Turn a second factor on, with its recovery codes."""
    statement = (
        update(users)
        .where(users.c.id == id_)
        .values(totp_confirmed_at=work.now, recovery_hashes=list(recovery_hashes))
    )
    await work.execute(statement)


async def use_step(work: UnitOfWork, *, id_: UUID, step: int) -> bool:
    """Take note of a code's time step; whether it is later than every one used before."""
    is_later = or_(users.c.totp_last_step.is_(None), users.c.totp_last_step < step)
    statement = update(users).where(users.c.id == id_, is_later).values(totp_last_step=step)
    return (await work.execute(statement)).rowcount == 1


async def use_recovery(work: UnitOfWork, *, id_: UUID, recovery_hash: bytes) -> bool:
    """Take a recovery code away; whether it was there."""
    statement = (
        update(users)
        .where(users.c.id == id_, literal(recovery_hash, BYTEA) == any_(users.c.recovery_hashes))
        .values(recovery_hashes=func.array_remove(users.c.recovery_hashes, recovery_hash))
    )
    return (await work.execute(statement)).rowcount == 1


async def _find_credentials(
    work: UnitOfWork, where: ColumnElement[bool], *, is_locked: bool = False
) -> Credentials | None:
    columns = (
        users.c.password_hash,
        users.c.password_changed_at,
        users.c.devices_forgotten_at,
        users.c.totp_secret,
        users.c.totp_confirmed_at,
        func.cardinality(users.c.recovery_hashes).label("recovery_count"),
        users.c.suspended_at,
    )
    statement = select(*SHOWN, *columns).where(where)
    if is_locked:
        statement = statement.with_for_update()
    row = (await work.execute(statement)).one_or_none()
    if row is None:
        return None
    return Credentials(
        user=_user(row),
        password_hash=row.password_hash,
        password_changed_at=row.password_changed_at,
        devices_forgotten_at=row.devices_forgotten_at,
        totp_secret=bytes(row.totp_secret) if row.totp_secret is not None else None,
        is_totp_confirmed=row.totp_confirmed_at is not None,
        recovery_count=row.recovery_count,
        suspended_at=row.suspended_at,
    )
