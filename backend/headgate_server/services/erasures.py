"""Deleting a person's account: they are out at once, and their name goes in the background.

What they made stays, under the name of somebody who is deleted; the audit log stays as it is.
"""

from collections.abc import AsyncGenerator
from dataclasses import replace

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.errors import Conflict, InvalidInput, NotFound, Unauthenticated
from headgate_server.domain.login_sessions import LoginSession
from headgate_server.domain.quotas import QuotaKind
from headgate_server.domain.tenancy import Actor
from headgate_server.domain.users import DELETED_NAME, User, check_email
from headgate_server.repositories import erasures, members, owners, users
from headgate_server.repositories import login_sessions as sessions
from headgate_server.services import api_keys, login_sessions, object_counts
from headgate_server.services.audit_entries.people import record_person
from headgate_server.services.roles import wake_rights
from headgate_server.services.second_factors import WRONG_CODE, use_code

ROWS_AT_ONCE = 5_000


async def delete_person(work: UnitOfWork, *, email: str) -> User:
    """Delete the account of an address; as the system, for an operator. See ``delete_own``.

    Raises:
        NotFound: nobody has this address.
        Conflict: an organization would be left without an owner.
    """
    found = await users.find_by_email(work, email=check_email(email))
    locked = await users.lock_credentials(work, id_=found.id) if found is not None else None
    if locked is None:
        raise NotFound("Nobody has this address.")
    await _delete(work, locked.user, by=work.actor)
    return locked.user


async def delete_own(
    work: UnitOfWork, session: LoginSession, *, code: str | None, pepper: str
) -> User:
    """Delete the account of who asks in a session, who has shown that it is they.

    As this commits they are out: sessions and keys end, sockets with them, memberships and ways to
    sign in are gone. Keys of pools stay: agents work on. What they made stays, and says
    ``DELETED_NAME`` in a while.

    Args:
        work: as the system.
        session: the one that asks.
        code: of their second factor, where one is on.
        pepper: the installation's secret.

    Raises:
        Unauthenticated: the session has ended meanwhile.
        InvalidInput: a second factor is on, and the code is wrong.
        Conflict: an organization would be left without an owner.
    """
    found = await users.lock_credentials(work, id_=session.user_id)
    if found is None or await sessions.lock_session(work, id_=session.id) is None:
        raise Unauthenticated
    if found.is_totp_confirmed and not await use_code(work, found, code=code or "", pepper=pepper):
        raise InvalidInput(WRONG_CODE, path=["code"])
    await _delete(work, found.user)
    return found.user


async def _delete(work: UnitOfWork, user: User, *, by: Actor | None = None) -> None:
    """Delete a locked person; every organization of theirs is locked in the order of their ids."""
    found = await members.list_organizations_of(work, user_id=user.id)
    places = [
        replace(work, organization_id=one.organization.id)
        for one in sorted(found, key=lambda one: one.organization.id)
    ]
    for place in places:
        await owners.lock_owners(place)
    # Of owners who are suspended one has to stay only where none is left who can act.
    owned = [
        (place, await owners.has_owner(place, is_able=True))
        for place in places
        if await owners.has_owner(place, is_able=False)
    ]
    ended = await login_sessions.revoke_all(work, user_id=user.id)
    await record_person(work, "deleted", user, said={"sessions": ended}, by=by)
    await api_keys.revoke_all(work, user=user, but_of_pools=True, by=by)
    await erasures.delete_own(work, user_id=user.id, email=user.email)
    await users.delete_user(work, id_=user.id)
    ownerless = {
        place.organization_id
        for place, had_one in owned
        if not await owners.has_owner(place, is_able=had_one)
    }
    if ownerless:
        slugs = ", ".join(
            one.organization.slug for one in found if one.organization.id in ownerless
        )
        raise Conflict(
            f"This would leave organizations without an owner: {slugs}. Name another owner of "
            "each, or delete the organization, and try again."
        )
    for place in places:
        await object_counts.release(work, QuotaKind.MEMBERS, organization_id=place.organization_id)
        wake_rights(place)
    await erasures.insert_erasure(work, user_id=user.id)


async def erase_names(
    database: Database, *, rows_at_once: int = ROWS_AT_ONCE
) -> AsyncGenerator[int]:
    """Take the names of people who are deleted out of what they made; in how many rows each time.

    A step is a transaction of its own, and another loop goes on where one ended.
    """
    while True:
        async with database.system() as work:
            one = await erasures.lock_next(work)
            if one is None:
                return
            renamed = await _step(work, one, most=rows_at_once)
        yield renamed


async def _step(work: UnitOfWork, one: erasures.Erasure, *, most: int) -> int:
    left = [name for name in erasures.NAMING if one.table_name is None or name >= one.table_name]
    if not left:
        await erasures.delete_erasure(work, user_id=one.user_id)
        return 0
    is_begun = left[0] == one.table_name
    reached, renamed = await erasures.rename_in(
        work,
        erasures.NAMING[left[0]],
        user_id=one.user_id,
        name=DELETED_NAME,
        after=one.after_key if is_begun else None,
        most=most,
    )
    if reached is not None:
        table_name = left[0]
    elif left[1:]:
        table_name = left[1]
    else:
        await erasures.delete_erasure(work, user_id=one.user_id)
        return renamed
    await erasures.set_place(work, user_id=one.user_id, table_name=table_name, after_key=reached)
    return renamed
