"""Signing in with a password, and a second factor where one is on."""

from dataclasses import dataclass

from headgate_server.database.work import Database
from headgate_server.domain.errors import InvalidInput, Unauthenticated
from headgate_server.domain.login_sessions import NOWHERE, Browser, LoginCookie
from headgate_server.domain.users import check_email
from headgate_server.repositories import users
from headgate_server.services import login_sessions, second_factors
from headgate_server.services.audit_entries.people import record_person
from headgate_server.services.passwords import Hasher

REFUSED = "The address, the password or the code is wrong; try again, or reset the password."
"""For whoever is unknown, suspended, or without a password, too: nobody learns who is known."""


class CodeNeeded(Unauthenticated):
    """The password is right; send it again with a code of your second factor."""

    code = "CODE_NEEDED"


class WrongCode(Unauthenticated):
    """The password is right, and the code is not; nobody is told."""

    def __init__(self) -> None:
        super().__init__(REFUSED)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody shows who wants to sign in.

    Args:
        email: however it was typed.
        password: as it was typed.
        code: of the second factor; None before it was asked for.
        browser: where they sign in from.
        former: a cookie that the browser had; its session ends.
    """

    email: str
    password: str
    code: str | None = None
    browser: Browser = NOWHERE
    former: LoginCookie | None = None


async def sign_in(
    database: Database, attempt: Attempt, *, hasher: Hasher, pepper: str
) -> LoginCookie:
    """Prove a person, and begin a session of theirs; always under a new id.

    Raises:
        Unauthenticated: anything is wrong; neither the message nor the time says what.
        CodeNeeded: the password is right, and a code is needed, too.
        WrongCode: reads as any other refusal; attempts at codes are counted apart.
    """
    async with database.glance() as work:
        found = await users.find_credentials(work, email=_address(attempt.email))
    stored = found.password_hash if found is not None else None
    is_right = await hasher.is_password(attempt.password, stored=stored)
    if found is None or stored is None or not is_right or found.suspended_at is not None:
        raise Unauthenticated(REFUSED)
    if found.is_totp_confirmed and not attempt.code:
        raise CodeNeeded
    fresh = await hasher.hash(attempt.password) if hasher.is_outdated(stored) else None
    user_id = found.user.id
    async with database.system() as work:
        locked = await users.lock_credentials(work, id_=user_id)
        is_same = locked is not None and locked.password_hash == stored
        if locked is None or not is_same or locked.suspended_at is not None:
            raise Unauthenticated(REFUSED)
        if locked.is_totp_confirmed and not await second_factors.use_code(
            work, locked, code=attempt.code or "", pepper=pepper
        ):
            raise WrongCode
        if fresh is not None:
            await users.set_password_hash(work, id_=user_id, password_hash=fresh)
        if attempt.former is not None:
            await login_sessions.revoke(work, user_id=user_id, id_=attempt.former.session_id)
        cookie = await login_sessions.begin(
            work,
            user_id=user_id,
            browser=attempt.browser,
            pepper=pepper,
            has_second_factor=locked.is_totp_confirmed,
        )
        await record_person(
            work,
            "signed_in",
            locked.user,
            browser=attempt.browser,
            session_id=cookie.session_id,
            said={"second_factor": locked.is_totp_confirmed},
        )
        return cookie


async def record_failure(database: Database, *, email: str, browser: Browser) -> None:
    """Write in the audit logs of a person's organizations that somebody failed to be them.

    Not while anybody waits for the answer: it would tell who is known.
    """
    async with database.system() as work:
        user = await users.find_by_email(work, email=_address(email))
        if user is not None:
            await record_person(work, "sign_in_failed", user, browser=browser)


def _address(email: str) -> str:
    try:
        return check_email(email)
    except InvalidInput:
        return ""
