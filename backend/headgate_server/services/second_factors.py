"""Second factors: turned on, used once a code, and turned off."""

import hmac
import os
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pyotp.totp import TOTP

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import second_factors as factors
from headgate_server.domain.errors import ConfigurationError, Conflict, InvalidInput, NotFound
from headgate_server.domain.login_sessions import LoginCookie
from headgate_server.domain.peppers import peppers_of
from headgate_server.repositories import users
from headgate_server.services import login_sessions
from headgate_server.services.audit_entries.people import record_person

ISSUER = "Headgate"
_NONCE_BYTES = 12
WRONG_CODE = "This code is wrong or was used; wait for the next one."


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an app needs to make codes; it is shown once."""

    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What turning a second factor on gives: codes for when it is lost, and another cookie."""

    recovery_codes: list[str]
    cookie: LoginCookie


async def begin_enrolment(work: UnitOfWork, *, user_id: UUID, pepper: str) -> Enrolment:
    """Make a secret for an app; beginning again makes another one.

    Raises:
        Conflict: a second factor is on already.
    """
    found = await users.lock_credentials(work, id_=user_id)
    if found is None:
        raise NotFound
    if found.is_totp_confirmed:
        raise Conflict("A second factor is on already; turn it off first.")
    secret = pyotp.random_base32()
    await users.set_totp(work, id_=user_id, sealed=_seal(secret, user_id=user_id, pepper=pepper))
    name = found.user.email or found.user.display_name
    return Enrolment(secret, TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER))


async def confirm_enrolment(
    work: UnitOfWork, *, user_id: UUID, session_id: UUID, code: str, pepper: str
) -> Confirmed:
    """Turn the second factor on with its first code, and end every other session.

    Raises:
        Conflict: none was begun, or it is on already.
        InvalidInput: a wrong code.
    """
    found = await users.lock_credentials(work, id_=user_id)
    if found is None or found.totp_secret is None or found.is_totp_confirmed:
        raise Conflict("No second factor waits for its first code; begin again.")
    typed, sealed = factors.as_typed(code), found.totp_secret
    if not factors.is_code(typed) or not await _is_app_code(
        work, sealed, user_id=user_id, code=typed, pepper=pepper
    ):
        raise InvalidInput(WRONG_CODE, path=["code"])
    codes = factors.new_recovery_codes()
    hashes = [factors.hash_recovery(one, pepper=pepper) for one in codes]
    await users.confirm_totp(work, id_=user_id, recovery_hashes=hashes)
    await record_person(work, "second_factor_turned_on", found.user, session_id=session_id)
    cookie = await login_sessions.renew(
        work, session_id=session_id, pepper=pepper, has_second_factor=True
    )
    return Confirmed(codes, cookie)


async def end_enrolment(
    work: UnitOfWork, *, user_id: UUID, session_id: UUID, code: str, pepper: str
) -> LoginCookie:
    """Turn the second factor off with a code, and end every other session.

    Raises:
        Conflict: none is on.
        InvalidInput: a wrong code.
    """
    found = await users.lock_credentials(work, id_=user_id)
    if found is None or not found.is_totp_confirmed:
        raise Conflict("No second factor is on.")
    if not await use_code(work, found, code=code, pepper=pepper):
        raise InvalidInput(WRONG_CODE, path=["code"])
    await users.set_totp(work, id_=user_id, sealed=None)
    await record_person(work, "second_factor_turned_off", found.user, session_id=session_id)
    return await login_sessions.renew(
        work, session_id=session_id, pepper=pepper, has_second_factor=False
    )


async def use_code(work: UnitOfWork, of: users.Credentials, *, code: str, pepper: str) -> bool:
    """Whether a code of the app or a recovery code is right; it is used up as this commits."""
    typed, user_id = factors.as_typed(code), of.user.id
    if factors.is_code(typed):
        if of.totp_secret is None:
            return False
        return await _is_app_code(work, of.totp_secret, user_id=user_id, code=typed, pepper=pepper)
    for one in peppers_of(pepper):
        digest = factors.hash_recovery(typed, pepper=one)
        if await users.use_recovery(work, id_=user_id, recovery_hash=digest):
            return True
    return False


async def _is_app_code(
    work: UnitOfWork, sealed: bytes, *, user_id: UUID, code: str, pepper: str
) -> bool:
    secret, is_old = _open(sealed, user_id=user_id, pepper=pepper)
    if is_old:
        renewed = _seal(secret, user_id=user_id, pepper=pepper)
        await users.set_sealed(work, id_=user_id, sealed=renewed)
    totp = TOTP(secret)
    now = factors.step_of(work.now)
    for step in range(now - factors.WINDOW, now + factors.WINDOW + 1):
        if hmac.compare_digest(totp.generate_otp(step), code):
            return await users.use_step(work, id_=user_id, step=step)
    return False


def _seal(secret: str, *, user_id: UUID, pepper: str) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(_key(pepper)).encrypt(nonce, secret.encode(), user_id.bytes)


def _open(sealed: bytes, *, user_id: UUID, pepper: str) -> tuple[str, bool]:
    """Return a secret, and whether it was sealed under the pepper before."""
    nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    for one in peppers_of(pepper):
        with suppress(InvalidTag):
            return AESGCM(_key(one)).decrypt(nonce, text, user_id.bytes).decode(), one is not pepper
    raise ConfigurationError(
        "A second factor was sealed under another HEADGATE_SECRET_KEY; set that one again, or name "
        "it as HEADGATE_SECRET_KEY_PREVIOUS."
    )


def _key(pepper: str) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=b"headgate:totp:1").derive(pepper.encode())
