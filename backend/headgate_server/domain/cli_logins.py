"""Command lines that ask for a key of a person: through their browser, or with a code typed in."""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from headgate_server.domain.errors import HeadgateError, InvalidInput
from headgate_server.domain.permissions import Scope

DEVICE_LIFETIME = timedelta(minutes=10)
BROWSER_LIFETIME = timedelta(minutes=1)
"""A browser hands its code over at once."""
INTERVAL_SECONDS = 5
SLOWER_BY_SECONDS = 5
DEFAULT_KEY_DAYS, MAX_KEY_DAYS = 90, 365
MAX_CLIENT_LENGTH = 100
USER_CODE_LENGTH = 8
_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""Without vowels: no code is a word."""
_SECRET_BYTES = 32
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


class CliLoginRefused(HeadgateError):
    """This login came to nothing; run `headgate login` again."""

    code: ClassVar[str] = "ACCESS_DENIED"


class StillPending(CliLoginRefused):
    """Nobody has allowed or refused this login yet; ask again."""

    code: ClassVar[str] = "AUTHORIZATION_PENDING"


class TooFast(CliLoginRefused):
    """Ask less often: five seconds are added to the interval."""

    code: ClassVar[str] = "SLOW_DOWN"


class CodeExpired(CliLoginRefused):
    """This code was used, has expired or never was; run `headgate login` again."""

    code: ClassVar[str] = "EXPIRED_CODE"


class Way(StrEnum):
    """How a command line is given its key."""

    BROWSER = "BROWSER"
    DEVICE = "DEVICE"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a command line asks for.

    Args:
        client: how it names itself, and its machine.
        scopes: what its key may do; empty for all that the person may.
        key_days: how long the key is good.
        ip: where it asks from.
    """

    client: str
    scopes: frozenset[Scope] = frozenset()
    key_days: int = DEFAULT_KEY_DAYS
    ip: str | None = None


@dataclass(frozen=True, slots=True)
class CliLogin:
    """One wish, and what became of it.

    ``has_second_factor`` is whether the session had one in which it was allowed.
    """

    id: UUID
    way: Way
    wish: Wish
    challenge: str | None
    user_id: UUID | None
    organization_id: UUID | None
    interval_seconds: int
    polled_at: datetime | None
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    is_allowed: bool
    used_at: datetime | None
    has_second_factor: bool


def check_wish(wish: Wish) -> Wish:
    """Return a wish that can be shown to a person.

    Raises:
        InvalidInput: a bad name, or days that are out of range.
    """
    if not 1 <= len(wish.client) <= MAX_CLIENT_LENGTH or not wish.client.isprintable():
        raise InvalidInput(
            f"A client has a name of 1 to {MAX_CLIENT_LENGTH} printable characters.",
            path=["client"],
        )
    if not 1 <= wish.key_days <= MAX_KEY_DAYS:
        raise InvalidInput(f"A key is good for 1 to {MAX_KEY_DAYS} days.", path=["days"])
    return wish


def check_challenge(challenge: str) -> str:
    """Return a challenge of S256.

    Raises:
        InvalidInput: it cannot be one.
    """
    if _CHALLENGE.fullmatch(challenge) is None:
        raise InvalidInput("A challenge is a SHA-256 digest in base64url.", path=["challenge"])
    return challenge


def is_answer(verifier: str, *, challenge: str) -> bool:
    """Whether a verifier is the one that a challenge was made of."""
    digest = hashlib.sha256(verifier.encode(errors="replace")).digest()
    return hmac.compare_digest(
        base64.urlsafe_b64encode(digest).rstrip(b"="), challenge.encode(errors="replace")
    )


def new_code() -> str:
    """Return a code of 256 random bits, for a program."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def new_user_code() -> str:
    """Return a code that a person types: eight letters, with a hyphen between."""
    code = "".join(secrets.choice(_ALPHABET) for _ in range(USER_CODE_LENGTH))
    return f"{code[:4]}-{code[4:]}"


def hash_code(code: str, *, pepper: str) -> bytes:
    """Return what is stored of a code for a program."""
    return hmac.digest(pepper.encode(), f"headgate:cli:{code}".encode(), hashlib.sha256)


def hash_user_code(code: str, *, pepper: str) -> bytes:
    """Return what is stored of a code that a person types, however it was typed."""
    plain = "".join(letter for letter in code.upper() if letter.isalnum())
    return hmac.digest(pepper.encode(), f"headgate:device:{plain}".encode(), hashlib.sha256)
