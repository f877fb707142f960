"""Names of people that are taken out of what they made, table by table, in the order of its keys.

All as the system: what somebody made may be in any organization.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Table,
    Text,
    and_,
    case,
    cast,
    delete,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.tenancy import ActorKind
from headgate_server.tables.erasures import erasures
from headgate_server.tables.members import invitations
from headgate_server.tables.registry import metadata
from headgate_server.tables.saved_views import saved_views

KEPT = frozenset({"audit_entries"})
"""Tables that go on naming people: see ADR 63."""
SETTLED_AFTER = timedelta(minutes=1)
"""What was begun in somebody's name before their account went has ended by then."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """Whose name is to go, and how far that has come.

    Args:
        table_name: the table that is gone through; None before the first.
        after_key: the key of its last row that was looked at.
    """

    user_id: UUID
    table_name: str | None
    after_key: tuple[str, ...] | None


def named_in(table: Table) -> list[tuple[ColumnElement[bool], str]]:
    """Return the columns of a table that name actors, each with what says that it is a person."""
    found: list[tuple[ColumnElement[bool], str]] = []
    for name in [column.name for column in table.c]:
        who = name.removesuffix("_name")
        if name == who or f"{who}_id" not in table.c:
            continue
        if f"{who}_kind" in table.c:
            found.append((table.c[f"{who}_kind"] == ActorKind.USER.value, name))
        elif (table.name, who) == ("support_grants", "operator"):
            found.append((table.c.operator_id.is_not(None), name))
    return found


NAMING: dict[str, Table] = {
    name: table
    for name, table in sorted(metadata.tables.items())
    if name not in KEPT and named_in(table)
}
"""Every table that names who did something, by name."""


async def insert_erasure(work: UnitOfWork, *, user_id: UUID) -> None:
    """Note that the name of somebody who is deleted is to go."""
    await work.execute(insert(erasures).values(user_id=user_id, deleted_at=work.now))


async def delete_own(work: UnitOfWork, *, user_id: UUID, email: str | None) -> None:
    """Delete what nobody but a person sees, and the invitations that they came by."""
    view = saved_views.c
    await work.execute(
        delete(saved_views).where(
            view.created_by_kind == ActorKind.USER.value,
            view.created_by_id == user_id,
            ~view.is_shared,
        )
    )
    if email is not None:
        accepted = invitations.c.accepted_at.is_not(None)
        await work.execute(delete(invitations).where(invitations.c.email == email, accepted))


async def lock_next(work: UnitOfWork) -> Erasure | None:
    """Return the oldest that is due and that no other loop goes through."""
    statement = (
        select(erasures)
        .where(erasures.c.deleted_at <= work.now - SETTLED_AFTER)
        .order_by(erasures.c.deleted_at, erasures.c.user_id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = (await work.execute(statement)).one_or_none()
    if row is None:
        return None
    key = tuple(row.after_key) if row.after_key is not None else None
    return Erasure(row.user_id, row.table_name, key)


async def set_place(
    work: UnitOfWork, *, user_id: UUID, table_name: str, after_key: tuple[str, ...] | None
) -> None:
    """Note how far one has come."""
    statement = (
        update(erasures)
        .where(erasures.c.user_id == user_id)
        .values(table_name=table_name, after_key=list(after_key) if after_key else None)
    )
    await work.execute(statement)


async def delete_erasure(work: UnitOfWork, *, user_id: UUID) -> None:
    """Forget one that is done."""
    await work.execute(delete(erasures).where(erasures.c.user_id == user_id))


async def rename_in(
    work: UnitOfWork,
    table: Table,
    *,
    user_id: UUID,
    name: str,
    after: tuple[str, ...] | None,
    most: int,
) -> tuple[tuple[str, ...] | None, int]:
    """Put another name for a person's into the next rows of a table.

    Args:
        work: as the system.
        table: one of ``NAMING``.
        user_id: whose name.
        name: the other name.
        after: behind which row to begin.
        most: how many rows to look at.

    Returns:
        The last row's key, None at the table's end; and how many rows named the person.
    """
    keys = tuple(table.primary_key.columns)
    begin = [tuple_(*keys) > _typed(table, after)] if after is not None else []
    reached = select(*keys).where(*begin).order_by(*keys).offset(most - 1).limit(1)
    last = (await work.execute(reached)).one_or_none()
    end = [tuple_(*keys) <= tuple_(*last)] if last is not None else []
    theirs = [
        (and_(is_person, table.c[column.removesuffix("_name") + "_id"] == user_id), column)
        for is_person, column in named_in(table)
    ]
    statement = (
        update(table)
        .where(*begin, *end, or_(*(is_theirs for is_theirs, _ in theirs)))
        .values({column: case((is_, name), else_=table.c[column]) for is_, column in theirs})
    )
    changed = (await work.execute(statement)).rowcount
    return (tuple(str(value) for value in last) if last is not None else None), changed


def _typed(table: Table, key: tuple[str, ...]) -> Any:
    columns = table.primary_key.columns
    return tuple_(
        *(
            cast(literal(value, Text), column.type)
            for value, column in zip(key, columns, strict=True)
        )
    )
