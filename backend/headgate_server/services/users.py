"""Users: found by themselves, created by the system."""

from collections.abc import Sequence
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.errors import Conflict
from headgate_server.domain.users import User, check_email
from headgate_server.domain.workspaces import check_name
from headgate_server.repositories import users


async def create_user(work: UnitOfWork, *, display_name: str, email: str | None) -> User:
    """Create a user; needs the system's unit of work.

    Raises:
        InvalidInput: a bad name or address.
        Conflict: another user has this address.
    """
    created = await users.insert_user(
        work,
        id_=ids.new_id(),
        display_name=check_name(display_name),
        email=check_email(email) if email is not None else None,
    )
    if created is None:
        raise Conflict("Another user has this address.", path=["email"])
    return created


async def find_user(work: UnitOfWork, *, id_: UUID) -> User | None:
    """Return a user that the caller may see: themselves."""
    return await users.find_user(work, id_=id_)


async def get_many_users(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, User]:
    """Return those of the users that the caller may see, by id."""
    return await users.get_many(work, ids_)
