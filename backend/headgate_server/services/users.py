"""Users: found by themselves, created by the system."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.errors import Conflict, NotFound
from headgate_server.domain.users import User, check_email
from headgate_server.domain.workspaces import check_name
from headgate_server.repositories import users


async def create_user(
    work: UnitOfWork, *, display_name: str, email: str | None, is_email_verified: bool = False
) -> User:
    """Create a user; needs the system's unit of work.

    Args:
        work: as the system.
        display_name: for people.
        email: what they sign in with; None for who signs in otherwise.
        is_email_verified: whether they have proven that it is theirs.

    Raises:
        InvalidInput: a bad name or address.
        Conflict: another user has this address.
    """
    created = await users.insert_user(
        work,
        id_=ids.new_id(),
        display_name=check_name(display_name),
        email=check_email(email) if email is not None else None,
        is_email_verified=is_email_verified,
    )
    if created is None:
        raise Conflict("Another user has this address.", path=["email"])
    return created


@dataclass(frozen=True, slots=True)
class Account:
    """What somebody may know of their own ways to sign in."""

    user: User
    has_password: bool
    has_second_factor: bool
    recovery_count: int


async def get_account(work: UnitOfWork, *, id_: UUID) -> Account:
    """Return a person's ways to sign in; as the system, for themselves.

    Raises:
        NotFound: no such person.
    """
    found = await users.lock_credentials(work, id_=id_)
    if found is None:
        raise NotFound
    return Account(
        user=found.user,
        has_password=found.password_hash is not None,
        has_second_factor=found.is_totp_confirmed,
        recovery_count=found.recovery_count,
    )


async def find_user(work: UnitOfWork, *, id_: UUID) -> User | None:
    """Return a user that the caller may see: themselves."""
    return await users.find_user(work, id_=id_)


async def get_many_users(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, User]:
    """Return those of the users that the caller may see, by id."""
    return await users.get_many(work, ids_)
