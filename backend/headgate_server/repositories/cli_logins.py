"""Logins of command lines. All as the system: they are of no tenant yet."""

from datetime import datetime
from enum import Enum, auto
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.cli_logins import CliLogin, Way, Wish
from headgate_server.domain.ids import new_id
from headgate_server.domain.permissions import known_scopes
from headgate_server.tables.login_sessions import cli_logins

_SHOWN = [column for column in cli_logins.c if column.name not in {"secret_hash", "user_code_hash"}]


async def insert_login(
    work: UnitOfWork,
    *,
    way: Way,
    wish: Wish,
    secret_hash: bytes,
    expires_at: datetime,
    user_code_hash: bytes | None = None,
    challenge: str | None = None,
) -> UUID | None:
    """Store a wish; None where another one has its code."""
    statement = (
        insert(cli_logins)
        .values(
            id=new_id(),
            kind=way.value,
            secret_hash=secret_hash,
            user_code_hash=user_code_hash,
            challenge=challenge,
            client=wish.client,
            ip=wish.ip,
            scopes=sorted(wish.scopes),
            key_days=wish.key_days,
            created_at=work.now,
            expires_at=expires_at,
        )
        .on_conflict_do_nothing()
        .returning(cli_logins.c.id)
    )
    return (await work.execute(statement)).scalar_one_or_none()


async def find_by_user_code(work: UnitOfWork, *, user_code_hash: bytes) -> CliLogin | None:
    """Return the wish of a typed code that waits for an answer."""
    return await _find(work, *_typed(work, user_code_hash))


async def lock_by_user_code(work: UnitOfWork, *, user_code_hash: bytes) -> CliLogin | None:
    """Return the wish of a typed code that waits for an answer, and lock it."""
    return await _find(work, *_typed(work, user_code_hash), lock=_Lock.WAIT)


async def find_by_secret(work: UnitOfWork, *, secret_hash: bytes) -> CliLogin | None:
    """Return the wish of a program's code, whatever became of it."""
    return await _find(work, cli_logins.c.secret_hash == secret_hash)


async def lock_by_secret(work: UnitOfWork, *, secret_hash: bytes) -> CliLogin | None:
    """Return the wish of a program's code, whatever became of it, and lock it."""
    return await _find(work, cli_logins.c.secret_hash == secret_hash, lock=_Lock.WAIT)


async def try_to_lock_by_secret(work: UnitOfWork, *, secret_hash: bytes) -> CliLogin | None:
    """Return the wish of a program's code, and lock it; None while another has it locked, too."""
    return await _find(work, cli_logins.c.secret_hash == secret_hash, lock=_Lock.SKIP)


async def set_decided(
    work: UnitOfWork,
    *,
    id_: UUID,
    user_id: UUID,
    organization_id: UUID | None,
    wish: Wish,
    has_second_factor: bool,
) -> None:
    """Note a person's answer: yes for an organization, no for none."""
    statement = (
        update(cli_logins)
        .where(cli_logins.c.id == id_)
        .values(
            user_id=user_id,
            organization_id=organization_id,
            is_allowed=organization_id is not None,
            decided_at=work.now,
            scopes=sorted(wish.scopes),
            has_second_factor=has_second_factor,
        )
    )
    await work.execute(statement)


async def set_polled(work: UnitOfWork, *, id_: UUID, interval_seconds: int) -> None:
    """Note that a program asked, and how often it may."""
    statement = (
        update(cli_logins)
        .where(cli_logins.c.id == id_)
        .values(polled_at=work.now, interval_seconds=interval_seconds)
    )
    await work.execute(statement)


async def set_used(work: UnitOfWork, *, id_: UUID) -> None:
    """Note that a wish was granted, and is good no more."""
    await work.execute(update(cli_logins).where(cli_logins.c.id == id_).values(used_at=work.now))


async def void_allowed(work: UnitOfWork, *, user_id: UUID) -> None:
    """Let no login that a person allowed, and that has no key yet, get one any more."""
    await work.execute(
        update(cli_logins)
        .where(cli_logins.c.user_id == user_id, cli_logins.c.used_at.is_(None))
        .values(used_at=work.now)
    )


async def delete_ended(work: UnitOfWork) -> int:
    """Forget wishes that are past their time; how many there were."""
    statement = delete(cli_logins).where(cli_logins.c.expires_at <= work.now)
    return (await work.execute(statement)).rowcount


def _typed(work: UnitOfWork, user_code_hash: bytes) -> tuple[ColumnElement[bool], ...]:
    return (
        cli_logins.c.user_code_hash == user_code_hash,
        cli_logins.c.decided_at.is_(None),
        cli_logins.c.expires_at > work.now,
    )


class _Lock(Enum):
    """Whether a row is locked as it is read, and what happens where another has it locked."""

    NONE = auto()
    WAIT = auto()
    SKIP = auto()


async def _find(
    work: UnitOfWork, *where: ColumnElement[bool], lock: _Lock = _Lock.NONE
) -> CliLogin | None:
    statement = select(*_SHOWN).where(*where)
    if lock is not _Lock.NONE:
        statement = statement.with_for_update(skip_locked=lock is _Lock.SKIP)
    row = (await work.execute(statement)).one_or_none()
    return _login(row) if row is not None else None


def _login(row: Row[Any]) -> CliLogin:
    return CliLogin(
        id=row.id,
        way=Way(row.kind),
        wish=Wish(row.client, known_scopes(row.scopes), row.key_days, row.ip),
        challenge=row.challenge,
        user_id=row.user_id,
        organization_id=row.organization_id,
        interval_seconds=row.interval_seconds,
        polled_at=row.polled_at,
        created_at=row.created_at,
        expires_at=row.expires_at,
        decided_at=row.decided_at,
        is_allowed=row.is_allowed,
        used_at=row.used_at,
        has_second_factor=row.has_second_factor,
    )
