"""Login sessions: what a browser's cookie stands for, and tokens that are sent by mail."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from headgate_server.domain import ids
from headgate_server.domain.errors import InvalidId, Unauthenticated
from headgate_server.domain.peppers import peppers_of

ABSOLUTE_LIFETIME = timedelta(days=7)
IDLE_LIFETIME = timedelta(hours=12)
LAST_SEEN_RESOLUTION = timedelta(minutes=1)
"""A session is noted as seen at most so often: reads do not become writes."""
MAX_COOKIE_LENGTH = 128
MAX_USER_AGENT_LENGTH = 300
_SECRET_BYTES = 32


class Purpose(StrEnum):
    """What a token that is good once is good for."""

    RESET = "RESET"
    INVITE = "INVITE"
    VERIFY = "VERIFY"
    STATE = "STATE"


LIFETIMES = {
    Purpose.RESET: timedelta(hours=1),
    Purpose.INVITE: timedelta(days=7),
    Purpose.VERIFY: timedelta(days=1),
    Purpose.STATE: timedelta(minutes=10),
}


@dataclass(frozen=True, slots=True)
class LoginCookie:
    """What a browser's cookie says."""

    session_id: UUID
    secret: str

    @property
    def text(self) -> str:
        """Return the value of the cookie."""
        return f"{ids.encode_word(self.session_id)}.{self.secret}"


@dataclass(frozen=True, slots=True)
class LoginSession:
    """A browser in which somebody signed in.

    Args:
        has_second_factor: with more than a password: a code, or a provider, which asks for what
            it is set to.
    """

    id: UUID
    user_id: UUID
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    ip: str | None
    user_agent: str | None
    has_second_factor: bool = False

    def ends_at(self) -> datetime:
        """Return when it ends unless it is used before."""
        return min(self.expires_at, self.last_seen_at + IDLE_LIFETIME)


@dataclass(frozen=True, slots=True)
class Browser:
    """Where somebody signs in from, as shown to them later."""

    ip: str | None = None
    user_agent: str | None = None


NOWHERE = Browser()


def new_cookie() -> LoginCookie:
    """Return the cookie of a new session: 256 random bits."""
    return LoginCookie(ids.new_id(), new_secret())


def new_secret() -> str:
    """Return a secret of 256 random bits, fit for a cookie or a link."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def parse_cookie(text: str) -> LoginCookie:
    """Return what a cookie says; whether its secret is right is not checked yet.

    Raises:
        Unauthenticated: it cannot be one of ours.
    """
    word, _, secret = text.partition(".")
    if len(text) > MAX_COOKIE_LENGTH or not secret or not text.isascii():
        raise Unauthenticated
    try:
        return LoginCookie(ids.decode_word(word), secret)
    except InvalidId:
        raise Unauthenticated from None


def hash_secret(secret: str, *, pepper: str) -> bytes:
    """Return what is stored of a cookie's secret: a copy of the database opens no session."""
    return hmac.digest(pepper.encode(), f"headgate:login:{secret}".encode(), hashlib.sha256)


def hash_token(token: str, *, purpose: Purpose, pepper: str) -> bytes:
    """Return what is stored of a token in a mail; one purpose's token is never another's."""
    text = f"headgate:once:{purpose.value}:{token}"
    return hmac.digest(pepper.encode(), text.encode(), hashlib.sha256)


def is_secret(secret: str, *, stored: bytes, pepper: str) -> bool:
    """Whether a secret is the one that was hashed, under this pepper or the one before it."""
    return any(
        hmac.compare_digest(hash_secret(secret, pepper=one), stored) for one in peppers_of(pepper)
    )
