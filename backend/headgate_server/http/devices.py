"""Browsers in which somebody signed in before: strangers' attempts keep nobody out of those.

A sealed cookie names the browser, for each of the accounts that signed in there (OWASP calls it a
device cookie). It opens nothing: it says which bucket counts the attempts that are made there, and
only until the password changes, or its person signs out everywhere: what was copied before counts
with the strangers after it.
"""

import hashlib
import hmac
import secrets

import msgspec
from cryptography.fernet import InvalidToken, MultiFernet
from starlette.requests import Request
from starlette.responses import Response

from headgate_server.domain.clock import SystemClock
from headgate_server.domain.peppers import peppers_of
from headgate_server.http.attempts import digest_of
from headgate_server.http.cookies import SECURE_NAME
from headgate_server.http.doors import Doors
from headgate_server.services import passwords

SECONDS = 180 * 24 * 3600
"""How long a browser is known after somebody signed in there last."""
MOST_ACCOUNTS = 5
"""Of one browser; whoever signed in longest ago is forgotten first."""
_NAME_BYTES = 16


class Known(msgspec.Struct):
    """What a browser knows of an account that signed in there."""

    name: str
    password: str
    """Of the password that it signed in with, and of the last time that all signed out; see
    ``read_stamp``."""
    at: int
    """When it signed in there last, in seconds since 1970."""


async def find_device(doors: Doors, request: Request, *, account: str) -> str | None:
    """Return the name of a browser in which an account signed in before; None for any other.

    One that signed in with a password that was changed since, or before its person signed out
    everywhere, or longer ago than 180 days, did not.
    """
    all_ = _read(doors, request)
    known = next((all_[tag] for tag in _tags(doors, account) if tag in all_), None)
    if known is None or known.at <= _now() - SECONDS:
        return None
    stamp = await passwords.read_stamp(doors.database, email=account)
    return known.name if stamp is not None and _is_same(known.password, stamp) else None


async def note_device(doors: Doors, request: Request, response: Response, *, account: str) -> None:
    """Let a browser show from now on that an account signed in there; it keeps its name."""
    stamp = await passwords.read_stamp(doors.database, email=account)
    if stamp is None:
        return
    all_, (tag, *before) = _read(doors, request), _tags(doors, account)
    for former_tag in before:
        if former_tag in all_:
            all_[tag] = all_.pop(former_tag)
    former = all_.pop(tag, None)
    is_kept = former is not None and _is_same(former.password, stamp)
    name = former.name if former is not None and is_kept else secrets.token_urlsafe(_NAME_BYTES)
    known = Known(name, stamp, _now())
    kept = dict([*all_.items(), (tag, known)][-MOST_ACCOUNTS:])
    response.set_cookie(
        _cookie_name(doors),
        _fernet(doors).encrypt(msgspec.json.encode(kept)).decode(),
        max_age=SECONDS,
        path="/",
        secure=doors.cookie_name == SECURE_NAME,
        httponly=True,
        samesite="strict",
    )


def _now() -> int:
    """Return the seconds since 1970."""
    return int(SystemClock().now().timestamp())


def _is_same(known: str, stamp: str) -> bool:
    return hmac.compare_digest(known.encode(), stamp.encode())


def _read(doors: Doors, request: Request) -> dict[str, Known]:
    sealed = request.cookies.get(_cookie_name(doors), "")
    try:
        text = _fernet(doors).decrypt(sealed.encode(), ttl=SECONDS)
        return msgspec.json.decode(text, type=dict[str, Known])
    except (InvalidToken, UnicodeEncodeError, msgspec.MsgspecError):
        return {}


def _tags(doors: Doors, account: str) -> list[str]:
    text = f"headgate:device:{digest_of(account)}".encode()
    return [
        hmac.digest(one.encode(), text, hashlib.sha256).hex()[:32]
        for one in peppers_of(doors.pepper)
    ]


def _fernet(doors: Doors) -> MultiFernet:
    return doors.fernet(b"headgate:device:1")


def _cookie_name(doors: Doors) -> str:
    return f"{doors.cookie_name}-device"
