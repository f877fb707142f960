"""Idempotency keys: which request was made under a key, and what it was answered."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.tables.events import idempotency_keys


@dataclass(frozen=True, slots=True)
class KeyName:
    """What names a key: who used it, and for which operation."""

    actor: str
    operation: str
    key: str


@dataclass(frozen=True, slots=True)
class UsedKey:
    """What is kept of the request that used a key first."""

    input_hash: str
    answer: dict[str, Any]


async def claim(
    work: UnitOfWork, name: KeyName, *, input_hash: str, lifetime: timedelta
) -> UsedKey | None:
    """Take a key for this transaction; or return who used it, once they have committed.

    A key past its lifetime counts as unused, whether or not it was deleted yet.
    """
    column = idempotency_keys.c
    added = insert(idempotency_keys).values(
        workspace_id=work.workspace_id,
        actor=name.actor,
        operation=name.operation,
        key=name.key,
        input_hash=input_hash,
        answer={},
        expires_at=work.now + lifetime,
    )
    taken = await work.execute(
        added.on_conflict_do_update(
            index_elements=[column.workspace_id, column.actor, column.operation, column.key],
            set_={"input_hash": input_hash, "answer": {}, "expires_at": work.now + lifetime},
            where=column.expires_at <= work.now,
        ).returning(column.key)
    )
    if taken.one_or_none() is not None:
        return None
    row = (await work.execute(select(idempotency_keys).where(*_named(work, name)))).one()
    return UsedKey(input_hash=row.input_hash, answer=row.answer)


async def set_answer(work: UnitOfWork, name: KeyName, *, answer: dict[str, Any]) -> None:
    """Keep what the request was answered."""
    await work.execute(update(idempotency_keys).where(*_named(work, name)).values(answer=answer))


def _named(work: UnitOfWork, name: KeyName) -> list[ColumnElement[bool]]:
    column = idempotency_keys.c
    return [
        column.workspace_id == work.workspace_id,
        column.actor == name.actor,
        column.operation == name.operation,
        column.key == name.key,
    ]
