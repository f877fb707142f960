"""Passwords: hashed with argon2, changed, and reset through a link in a mail."""

import asyncio
from base64 import b64encode
from dataclasses import dataclass
from secrets import token_bytes
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import (
    ARGON2_VERSION,  # pyright: ignore[reportUnknownVariableType]  # untyped upstream
)

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain import login_sessions as tokens
from headgate_server.domain.api_keys import ApiKey
from headgate_server.domain.errors import InvalidInput, Unauthenticated
from headgate_server.domain.login_sessions import LoginCookie, Purpose
from headgate_server.domain.passwords import check_password, is_possible
from headgate_server.domain.peppers import peppers_of
from headgate_server.domain.users import User, check_email
from headgate_server.repositories import identities, users
from headgate_server.repositories import login_sessions as stored
from headgate_server.services import api_keys, login_sessions
from headgate_server.services.audit_entries.people import record_person

MEMORY_KIB, PASSES, LANES = 47_104, 1, 1
"""46 MiB, one pass, one lane: of OWASP's equivalent choices the one that costs us least time."""
AT_ONCE = 4
"""Hashing takes memory; who comes fifth waits, so that a flood of sign-ins does not end us."""
WRONG_PASSWORD = "The current password is wrong; type it again."  # noqa: S105  a message
USED_LINK = "This link was used, has expired or is not whole; ask for another one."


class Hasher:
    """Hashes passwords in threads, a few at a time."""

    def __init__(self, *, memory_kib: int = MEMORY_KIB) -> None:
        self._argon = PasswordHasher(time_cost=PASSES, memory_cost=memory_kib, parallelism=LANES)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._nobodys = _unmatched(self._argon)

    async def hash(self, password: str) -> str:
        """Return what is stored of a password."""
        async with self._turns:
            return await asyncio.to_thread(self._argon.hash, password)

    async def is_password(self, password: str, *, stored: str | None) -> bool:
        """Whether a password is the one that was hashed.

        Takes as long for somebody who has none, or does not exist.
        """
        if not is_possible(password):
            return False
        async with self._turns:
            is_right = await asyncio.to_thread(self._verify, stored or self._nobodys, password)
        return is_right and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than those of today."""
        return self._argon.check_needs_rehash(stored)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._argon.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def _unmatched(argon: PasswordHasher) -> str:
    """Return a hash that takes as long to compare as any, and that no password is known to have.

    It is put together, since hashing takes memory and time that a start need not.
    """
    lengths = (argon.salt_len, argon.hash_len)
    salt, digest = (b64encode(token_bytes(size)).decode().rstrip("=") for size in lengths)
    cost = f"m={argon.memory_cost},t={argon.time_cost},p={argon.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${cost}${salt}${digest}"


async def change_password(
    database: Database,
    *,
    session_id: UUID,
    user_id: UUID,
    current: str,
    new: str,
    hasher: Hasher,
    pepper: str,
) -> LoginCookie:
    """Replace a password, end every other session, and return another cookie for this one.

    Raises:
        InvalidInput: the current password is wrong, or the new one not good enough.
        Unauthenticated: the session has ended meanwhile.
    """
    async with database.system() as work:
        found = await users.lock_credentials(work, id_=user_id)
    if found is None:
        raise Unauthenticated
    check_password(new, email=found.user.email)
    if not await hasher.is_password(current, stored=found.password_hash):
        raise InvalidInput(WRONG_PASSWORD, path=["current"])
    password_hash = await hasher.hash(new)
    async with database.system() as work:
        locked = await users.lock_credentials(work, id_=user_id)
        if locked is None or locked.password_hash != found.password_hash:
            raise InvalidInput(WRONG_PASSWORD, path=["current"])
        await users.set_password(work, id_=user_id, password_hash=password_hash)
        await login_sessions.void_begun(work, user_id=user_id)
        await record_person(work, "password_changed", found.user, session_id=session_id)
        return await login_sessions.renew(work, session_id=session_id, pepper=pepper)


async def check_current(database: Database, *, user_id: UUID, current: str, hasher: Hasher) -> bool:
    """Go on only with a person's password; whether they have one: if not, nothing was shown.

    Raises:
        InvalidInput: it is wrong.
    """
    async with database.system() as work:
        found = await users.lock_credentials(work, id_=user_id)
    if found is None or found.password_hash is None:
        return False
    if not await hasher.is_password(current, stored=found.password_hash):
        raise InvalidInput(WRONG_PASSWORD, path=["password"])
    return True


async def read_stamp(database: Database, *, email: str) -> str | None:
    """Return what changes as browsers that signed in before stop being known to an address.

    That is as its password changes, and as its person signs out everywhere. None where nobody has
    the address.
    """
    try:
        address = check_email(email)
    except InvalidInput:
        return None
    async with database.glance() as work:
        found = await users.find_credentials(work, email=address)
    if found is None:
        return None
    moments = (found.password_changed_at, found.devices_forgotten_at)
    return " ".join(moment.isoformat() for moment in moments if moment is not None)


async def begin_reset(database: Database, *, email: str, pepper: str) -> tuple[User, str] | None:
    """Return whom to send a link, and its token; None where nobody has the address.

    The caller must answer alike, and as fast, in both cases.
    """
    try:
        address = check_email(email)
    except InvalidInput:
        return None
    async with database.system() as work:
        found = await users.find_credentials(work, email=address)
        if found is None or found.suspended_at is not None:
            return None
        token = await issue_token(work, user_id=found.user.id, pepper=pepper, mailed_to=address)
        return found.user, token


async def issue_token(
    work: UnitOfWork, *, user_id: UUID, pepper: str, mailed_to: str | None = None
) -> str:
    """Return the token of a link that sets a password, once; as it does, all others are void.

    A link that was mailed stays good beside another: who asks for many in somebody's name does not
    take theirs away. One that an operator is handed makes those before it void.

    Args:
        work: as the system.
        user_id: whose password.
        pepper: the installation's secret.
        mailed_to: the address that alone is told the link: coming by it proves the address.
    """
    token = tokens.new_secret()
    if mailed_to is None:
        await stored.void_tokens(work, purpose=Purpose.RESET, user_id=user_id)
    await stored.insert_token(
        work,
        purpose=Purpose.RESET,
        token_hash=tokens.hash_token(token, purpose=Purpose.RESET, pepper=pepper),
        user_id=user_id,
        email=mailed_to,
    )
    return token


@dataclass(frozen=True, slots=True)
class Reset:
    """A password that was reset by a link.

    Args:
        user: whose.
        keys: theirs that were live; revoked with it if that was asked for.
        unlinked: issuers whose identities are theirs no more.
    """

    user: User
    keys: list[ApiKey]
    unlinked: list[str]


async def finish_reset(
    database: Database,
    *,
    token: str,
    password: str,
    hasher: Hasher,
    pepper: str,
    are_keys_revoked: bool = False,
) -> Reset:
    """Set the password of whom a link was sent, and end all of their sessions.

    A second factor stays: a mailbox alone does not sign anybody in who has one. Keys stay unless
    it is said: what runs with them is not to stop because somebody forgot a password. Where the
    link proves the address for the first time, identities that were linked before and a second
    factor go: whoever made the account may have been somebody else, and had it for good.

    Raises:
        InvalidInput: the link is not good, or the password not good enough; the link stays good.
    """
    check_password(password)
    password_hash = await hasher.hash(password)
    async with database.system() as work:
        found, email = await use_link(work, token, purpose=Purpose.RESET, pepper=pepper)
        check_password(password, email=found.user.email)
        await users.set_password(work, id_=found.user.id, password_hash=password_hash)
        await login_sessions.void_begun(work, user_id=found.user.id)
        await login_sessions.revoke_all(work, user_id=found.user.id)
        await record_person(work, "password_reset", found.user)
        unlinked = await _prove(work, found, mailed_to=email)
        if are_keys_revoked:
            keys = await api_keys.revoke_all(work, user=found.user)
        else:
            keys = await api_keys.list_own_live(work, user_id=found.user.id)
    return Reset(found.user, keys, unlinked)


async def use_link(
    work: UnitOfWork, token: str, *, purpose: Purpose, pepper: str
) -> tuple[users.Credentials, str | None]:
    """Use a link up; return whose it is, locked, and to which address it was mailed, if it was.

    Its person is locked first, as by all that voids links: of a link and of what ends it the one
    that comes second sees the other.

    Raises:
        InvalidInput: the link is not good, or its person is suspended.
    """
    token_hash, *before = (
        tokens.hash_token(token, purpose=purpose, pepper=one) for one in peppers_of(pepper)
    )
    for old_hash in before:
        await stored.carry_token(work, old_hash=old_hash, new_hash=token_hash)
    owner = await stored.find_token_owner(work, purpose=purpose, token_hash=token_hash)
    found = await users.lock_credentials(work, id_=owner) if owner is not None else None
    used = await stored.use_token(work, purpose=purpose, token_hash=token_hash)
    if found is None or used is None or found.suspended_at is not None:
        raise InvalidInput(USED_LINK, path=["token"])
    return found, used[1]


async def _prove(work: UnitOfWork, of: users.Credentials, *, mailed_to: str | None) -> list[str]:
    """Note that an address is proven; the first time take away what others may have left.

    That are identities that were linked before, and a second factor with its recovery codes.
    """
    user = of.user
    if mailed_to is None or not await users.set_email_verified(work, id_=user.id, email=mailed_to):
        return []
    await users.set_totp(work, id_=user.id, sealed=None)
    gone = [one.issuer for one in await identities.delete_identities(work, user_id=user.id)]
    await record_person(
        work,
        "email_verified",
        user,
        said={"unlinked": gone, "second_factor_removed": of.is_totp_confirmed},
    )
    return gone


def link_of(url: str, token: str) -> str:
    """Return the link by which somebody chooses a password.

    The token is behind the #: it stays in the browser, out of logs and referrers.
    """
    return f"{url}/auth/password/new#{token}"
