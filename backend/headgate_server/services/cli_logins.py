"""Logins of command lines: each is given a key of the person, listed, revocable, with an end."""

from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain import cli_logins as codes
from headgate_server.domain.api_keys import ApiKey, NewApiKey
from headgate_server.domain.cli_logins import (
    BROWSER_LIFETIME,
    DEVICE_LIFETIME,
    SLOWER_BY_SECONDS,
    CliLogin,
    CliLoginRefused,
    CodeExpired,
    StillPending,
    TooFast,
    Way,
    Wish,
)
from headgate_server.domain.errors import Conflict, Forbidden, NotFound, Unauthenticated
from headgate_server.domain.login_sessions import LoginSession
from headgate_server.domain.organizations import Organization
from headgate_server.domain.permissions import Rights
from headgate_server.domain.tenancy import Actor, ActorKind, Origin, Principal
from headgate_server.repositories import cli_logins, members, organizations, roles, users
from headgate_server.services import api_keys
from headgate_server.services.login_sessions import FACTOR_NEEDED, is_live

NO_SUCH_CODE = "No login waits for this code; compare it with the one in your terminal."
NOTHING_LEFT = "You may do nothing of what this login asks for."
NOTHING_BY_NOW = "By now you may do nothing of what this login asks for; ask to be let in again."
REFUSED = "The login was refused in the browser."
WITHOUT_FACTOR = f"{FACTOR_NEEDED} Then run `headgate login` again."


@dataclass(frozen=True, slots=True)
class Codes:
    """What a command line without a browser is given: a code for itself, and one to type in."""

    device_code: str
    user_code: str


@dataclass(frozen=True, slots=True)
class Granted:
    """The key that a command line is given, shown this once."""

    key: ApiKey
    token: str
    organization: Organization


async def begin_device(work: UnitOfWork, *, wish: Wish, pepper: str) -> Codes:
    """Note a wish that a person is to answer by typing in its code; as the system.

    Raises:
        InvalidInput: it cannot be shown to a person.
        Conflict: its code is taken; begin again.
    """
    codes.check_wish(wish)
    found = Codes(codes.new_code(), codes.new_user_code())
    made = await cli_logins.insert_login(
        work,
        way=Way.DEVICE,
        wish=wish,
        secret_hash=codes.hash_code(found.device_code, pepper=pepper),
        user_code_hash=codes.hash_user_code(found.user_code, pepper=pepper),
        expires_at=work.now + DEVICE_LIFETIME,
    )
    if made is None:
        raise Conflict("Another login has this code; begin again.")
    return found


async def look(work: UnitOfWork, *, user_code: str, pepper: str) -> CliLogin:
    """Return what waits for an answer under a typed code.

    Raises:
        NotFound: nothing does.
    """
    digest = codes.hash_user_code(user_code, pepper=pepper)
    found = await cli_logins.find_by_user_code(work, user_code_hash=digest)
    if found is None:
        raise NotFound(NO_SUCH_CODE)
    return found


async def decide(
    work: UnitOfWork,
    *,
    user_code: str,
    session: LoginSession,
    organization_id: UUID | None,
    pepper: str,
) -> None:
    """Note what a person answers to the wish of a code, once.

    Args:
        work: as the system.
        user_code: as it was typed.
        session: of who answers.
        organization_id: in which the key is to be good; None refuses it.
        pepper: the installation's secret.

    Raises:
        NotFound: nothing waits under this code.
        Unauthenticated: the session has ended meanwhile.
        Forbidden: the person may do nothing there of what is asked for, or needs a second factor.
    """
    digest = codes.hash_user_code(user_code, pepper=pepper)
    found = await cli_logins.lock_by_user_code(work, user_code_hash=digest)
    if found is None:
        raise NotFound(NO_SUCH_CODE)
    await _decide(work, found, session=session, organization_id=organization_id)


async def allow_browser(
    work: UnitOfWork,
    *,
    wish: Wish,
    challenge: str,
    session: LoginSession,
    organization_id: UUID,
    pepper: str,
) -> str:
    """Return the code that a browser hands to the command line of its own machine.

    Raises:
        InvalidInput: the wish or the challenge is none.
        Unauthenticated: the session has ended meanwhile.
        Forbidden: the person may do nothing there of what is asked for, or needs a second factor.
    """
    code = codes.new_code()
    digest = codes.hash_code(code, pepper=pepper)
    made = await cli_logins.insert_login(
        work,
        way=Way.BROWSER,
        wish=codes.check_wish(wish),
        secret_hash=digest,
        challenge=codes.check_challenge(challenge),
        expires_at=work.now + BROWSER_LIFETIME,
    )
    found = await cli_logins.find_by_secret(work, secret_hash=digest)
    if made is None or found is None:
        raise Conflict("Another login has this code; begin again.")
    await _decide(work, found, session=session, organization_id=organization_id)
    return code


async def redeem_browser(database: Database, *, code: str, verifier: str, pepper: str) -> Granted:
    """Return the key for a code that a browser handed over, once.

    A wrong verifier uses the code up. Whoever asks again once the key was handed over has not got
    it: it ends, unless somebody has used it.

    Raises:
        CliLoginRefused: the code was used, has expired, or is another command line's.
    """
    async with database.system() as work:
        digest = codes.hash_code(code, pepper=pepper)
        found = await cli_logins.lock_by_secret(work, secret_hash=digest)
        if found is None or found.way is not Way.BROWSER:
            raise CodeExpired
        is_theirs = codes.is_answer(verifier, challenge=found.challenge or "")
        granted, is_open = CliLoginRefused(), _is_open(work, found)
        if is_open:
            await cli_logins.set_used(work, id_=found.id)
            granted = await _grant(work, found, pepper=pepper) if is_theirs else CliLoginRefused()
        elif is_theirs:
            await api_keys.revoke_unused(work, id_=found.id)
    if not is_open:
        raise CodeExpired
    if isinstance(granted, CliLoginRefused):
        raise granted
    return granted


async def redeem_device(database: Database, *, device_code: str, pepper: str) -> Granted:
    """Return the key for a command line whose wish was granted, once.

    Whoever asks while another has the wish in hand is told to ask again: nobody waits here with a
    connection to the database, however many ask under one code. Whoever asks again once the key
    was handed over has not got it: it ends, unless somebody has used it.

    Raises:
        StillPending: nobody has answered yet.
        TooFast: it asks more often than it may; from now on it may less often.
        CodeExpired: nobody answered in time, or the key was handed over before.
        CliLoginRefused: the person refused, or may do nothing there by now.
    """
    async with database.system() as work:
        digest = codes.hash_code(device_code, pepper=pepper)
        found = await cli_logins.try_to_lock_by_secret(work, secret_hash=digest)
        is_busy = found is None
        found = found or await cli_logins.find_by_secret(work, secret_hash=digest)
        if found is None or found.way is not Way.DEVICE:
            raise CodeExpired
        if is_busy and _is_open(work, found):
            raise StillPending
        granted = CliLoginRefused(REFUSED)
        is_open, is_fast = _is_open(work, found), _is_fast(work, found)
        if not is_open:
            if not is_busy:
                await api_keys.revoke_unused(work, id_=found.id)
        elif found.decided_at is None or is_fast:
            more = SLOWER_BY_SECONDS if is_fast else 0
            await cli_logins.set_polled(
                work, id_=found.id, interval_seconds=found.interval_seconds + more
            )
        else:
            await cli_logins.set_used(work, id_=found.id)
            granted = await _grant(work, found, pepper=pepper) if found.is_allowed else granted
    if not is_open:
        raise CodeExpired
    if is_fast:
        raise TooFast
    if found.decided_at is None:
        raise StillPending
    if isinstance(granted, CliLoginRefused):
        raise granted
    return granted


async def list_organizations(work: UnitOfWork, *, user_id: UUID) -> list[Organization]:
    """Return the organizations that a person may log a command line in to, by slug."""
    found = await members.list_organizations_of(work, user_id=user_id)
    return [one.organization for one in found]


async def delete_ended(work: UnitOfWork) -> int:
    """Forget logins that are past their time."""
    return await cli_logins.delete_ended(work)


def _is_open(work: UnitOfWork, found: CliLogin) -> bool:
    return found.used_at is None and work.now < found.expires_at


def _is_fast(work: UnitOfWork, found: CliLogin) -> bool:
    if found.polled_at is None:
        return False
    return work.now < found.polled_at + timedelta(seconds=found.interval_seconds)


async def _decide(
    work: UnitOfWork, found: CliLogin, *, session: LoginSession, organization_id: UUID | None
) -> None:
    wish = found.wish
    if not await is_live(work, session_id=session.id, user_id=session.user_id):
        raise Unauthenticated
    if organization_id is not None:
        rights = await _rights(work, user_id=session.user_id, organization_id=organization_id)
        place = await organizations.find_organization(work, id_=organization_id)
        if place is not None and place.requires_second_factor and not session.has_second_factor:
            raise Forbidden(FACTOR_NEEDED)
        scopes = (wish.scopes or rights.anywhere) & rights.anywhere
        if not scopes:
            raise Forbidden(NOTHING_LEFT)
        wish = replace(wish, scopes=scopes)
    await cli_logins.set_decided(
        work,
        id_=found.id,
        user_id=session.user_id,
        organization_id=organization_id,
        wish=wish,
        has_second_factor=session.has_second_factor,
    )


async def _grant(work: UnitOfWork, found: CliLogin, *, pepper: str) -> Granted | CliLoginRefused:
    """Return the key, of what the person may do by now; what to say where that is nothing.

    So it is where the organization asks for a second factor by now that their session did not have.
    It is not raised: the login is used up.
    """
    if found.user_id is None or found.organization_id is None:
        return CliLoginRefused(NOTHING_BY_NOW)
    person = await users.lock_credentials(work, id_=found.user_id)
    place = await organizations.find_organization(work, id_=found.organization_id)
    if person is None or person.suspended_at is not None or place is None:
        return CliLoginRefused(NOTHING_BY_NOW)
    if place.requires_second_factor and not found.has_second_factor:
        return CliLoginRefused(WITHOUT_FACTOR)
    if not await members.hold_members(work, organization_id=place.id, user_ids=[found.user_id]):
        return CliLoginRefused(NOTHING_BY_NOW)
    try:
        rights = await _rights(work, user_id=found.user_id, organization_id=place.id)
    except Forbidden:
        return CliLoginRefused(NOTHING_BY_NOW)
    scopes = found.wish.scopes & rights.anywhere
    if not scopes:
        return CliLoginRefused(NOTHING_BY_NOW)
    owner = Actor(ActorKind.USER, person.user.id, person.user.display_name)
    granter = Principal(owner, place.id, None, scopes=rights.anywhere, rights=rights)
    new = NewApiKey(
        name=found.wish.client,
        owner=owner,
        scopes=scopes,
        expires_at=work.now + timedelta(days=found.wish.key_days),
    )
    origin = Origin(address=found.wish.ip, user_agent=found.wish.client)
    within = replace(work, organization_id=place.id, actor=owner, origin=origin)
    key, token = await api_keys.create_key(
        within, granter=granter, new=new, pepper=pepper, id_=found.id
    )
    return Granted(key, token, place)


async def _rights(work: UnitOfWork, *, user_id: UUID, organization_id: UUID) -> Rights:
    holder = Actor(ActorKind.USER, user_id, "")
    rights = await roles.find_rights(work, organization_id=organization_id, holder=holder)
    if rights is None:
        raise Forbidden("You are no member of this organization.")
    return rights
