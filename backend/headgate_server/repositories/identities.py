"""Identities of people at providers. All as the system: they are of no tenant."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.identities import LinkedIdentity
from headgate_server.domain.ids import new_id
from headgate_server.domain.login_sessions import LIFETIMES, Purpose
from headgate_server.tables.login_sessions import identities, one_time_tokens

_SHOWN = (
    identities.c.id,
    identities.c.issuer,
    identities.c.created_at,
    identities.c.last_used_at,
)


async def lock_identity(work: UnitOfWork, *, issuer: str, subject: str) -> UUID | None:
    """Return whose an identity is, and let nobody else use it before the transaction ends."""
    key = func.hashtextextended(f"headgate.identity.{issuer}\n{subject}", 0)
    await work.execute(select(func.pg_advisory_xact_lock(key)))
    statement = select(identities.c.user_id).where(
        identities.c.issuer == issuer, identities.c.subject == subject
    )
    return (await work.execute(statement)).scalar_one_or_none()


async def insert_identity(work: UnitOfWork, *, issuer: str, subject: str, user_id: UUID) -> None:
    """Make a locked identity somebody's."""
    await work.execute(
        insert(identities).values(
            id=new_id(), issuer=issuer, subject=subject, user_id=user_id, created_at=work.now
        )
    )


async def touch(work: UnitOfWork, *, issuer: str, subject: str, user_id: UUID) -> bool:
    """Note that an identity of a person was used; whether it is theirs by now."""
    statement = (
        update(identities)
        .where(
            identities.c.issuer == issuer,
            identities.c.subject == subject,
            identities.c.user_id == user_id,
        )
        .values(last_used_at=work.now)
    )
    return (await work.execute(statement)).rowcount == 1


async def list_identities(work: UnitOfWork, *, user_id: UUID) -> list[LinkedIdentity]:
    """Return a person's identities, those linked first first."""
    statement = (
        select(*_SHOWN)
        .where(identities.c.user_id == user_id)
        .order_by(identities.c.created_at, identities.c.id)
    )
    return [_identity(row) for row in await work.execute(statement)]


async def delete_identities(
    work: UnitOfWork, *, user_id: UUID, id_: UUID | None = None
) -> list[LinkedIdentity]:
    """Take one identity of a person away, or all; and return which."""
    chosen = [identities.c.id == id_] if id_ is not None else []
    statement = (
        delete(identities).where(identities.c.user_id == user_id, *chosen).returning(*_SHOWN)
    )
    return [_identity(row) for row in await work.execute(statement)]


async def use_state(work: UnitOfWork, *, state_hash: bytes, user_id: UUID) -> bool:
    """Use the state of a sign-in up; whether it was not used before."""
    statement = (
        insert(one_time_tokens)
        .values(
            id=new_id(),
            purpose=Purpose.STATE.value,
            token_hash=state_hash,
            user_id=user_id,
            created_at=work.now,
            expires_at=work.now + LIFETIMES[Purpose.STATE],
            used_at=work.now,
        )
        .on_conflict_do_nothing(index_elements=["token_hash"])
        .returning(one_time_tokens.c.id)
    )
    return (await work.execute(statement)).one_or_none() is not None


def _identity(row: Row[Any]) -> LinkedIdentity:
    return LinkedIdentity(
        id=row.id, issuer=row.issuer, created_at=row.created_at, last_used_at=row.last_used_at
    )
