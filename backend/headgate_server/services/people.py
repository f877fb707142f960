"""What operators of the installation do for people, and about them: all of it as the system.

Each change is written down in the log of each organization that the person belongs to.
"""

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain.errors import Conflict, NotFound
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.domain.users import PersonStanding, User, check_email
from headgate_server.repositories import api_keys, members, users
from headgate_server.services import login_sessions
from headgate_server.services.audit_entries.people import record_person


async def list_people(work: UnitOfWork, *, page: PageRequest) -> Page[PersonStanding]:
    """Return a page of everybody, in the order in which they came: the page key is ``(id,)``."""
    return await users.list_standings(work, page=page)


async def suspend_person(work: UnitOfWork, *, email: str) -> User:
    """Keep a person out: their sessions end, and their keys are refused, as this commits.

    They stay a member of their organizations. Keys of pools and what deployments run go on.
    Asked twice it changes nothing more.

    Raises:
        NotFound: nobody has this address.
    """
    found = await _find(work, email)
    if await users.set_suspended(work, id_=found.id, is_suspended=True):
        ended = await _end_sessions(work, found)
        await _wake_keys(work, found)
        await record_person(work, "suspended", found, said={"sessions": ended}, by=work.actor)
    return found


async def resume_person(work: UnitOfWork, *, email: str) -> User:
    """Let a suspended person in again: they sign in anew, and their keys work again.

    Raises:
        NotFound: nobody has this address.
    """
    found = await _find(work, email)
    if await users.set_suspended(work, id_=found.id, is_suspended=False):
        await record_person(work, "resumed", found, by=work.actor)
    return found


async def end_sessions(work: UnitOfWork, *, email: str) -> tuple[User, int]:
    """Sign a person out everywhere, and let none of their browsers be known; from how many.

    Raises:
        NotFound: nobody has this address.
    """
    found = await _find(work, email)
    ended = await _end_sessions(work, found)
    await record_person(work, "signed_out", found, said={"sessions": ended}, by=work.actor)
    return found, ended


async def remove_second_factor(work: UnitOfWork, *, email: str) -> User:
    """Take a second factor away whose device and recovery codes are lost, and end all sessions.

    Raises:
        NotFound: nobody has this address.
        Conflict: they have none.
    """
    found = await _find(work, email)
    held = await users.lock_credentials(work, id_=found.id)
    if held is None or not held.is_totp_confirmed:
        raise Conflict("They have no second factor.")
    await users.set_totp(work, id_=found.id, sealed=None)
    ended = await _end_sessions(work, found)
    await record_person(
        work, "second_factor_removed", found, said={"sessions": ended}, by=work.actor
    )
    return found


async def set_operator(work: UnitOfWork, *, email: str, is_operator: bool) -> User:
    """Let a person run the installation, or no more; who may no more is signed out everywhere.

    So what they look into as support closes with their sessions.

    Raises:
        NotFound: nobody has this address.
    """
    found = await _find(work, email)
    if await users.set_operator(work, id_=found.id, is_operator=is_operator):
        verb = "made_operator" if is_operator else "operator_ended"
        ended = 0 if is_operator else await _end_sessions(work, found)
        await record_person(work, verb, found, said={"sessions": ended}, by=work.actor)
    return found


async def _find(work: UnitOfWork, email: str) -> User:
    found = await users.find_by_email(work, email=check_email(email))
    if found is None:
        raise NotFound("Nobody has this address.")
    return found


async def _end_sessions(work: UnitOfWork, user: User) -> int:
    return await login_sessions.sign_out_everywhere(work, user_id=user.id)


async def _wake_keys(work: UnitOfWork, user: User) -> None:
    """Have looked again at what is open under their keys, and under runs that these began."""
    for key in await api_keys.list_live(work, owner_id=user.id):
        work.wake(channels.api_key(key.id))
    for place in await members.list_organizations_of(work, user_id=user.id):
        work.wake(channels.rights(place.organization.id))
