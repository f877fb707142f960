"""Users."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.users import User
from headgate_server.tables.organizations import users

SHOWN = (users.c.id, users.c.display_name, users.c.email, users.c.avatar_url)
"""What others may see of a person; the application's role may read no more."""


async def insert_user(
    work: UnitOfWork, *, id_: UUID, display_name: str, email: str | None
) -> User | None:
    """Store a user; None when another one has this address."""
    statement = (
        insert(users)
        .values(id=id_, display_name=display_name, email=email, created_at=work.now)
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(*SHOWN)
    )
    row = (await work.execute(statement)).one_or_none()
    return _user(row) if row is not None else None


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
        id=row.id, display_name=row.display_name, email=row.email, avatar_url=row.avatar_url
    )
