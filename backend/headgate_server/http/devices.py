"""Browsers in which somebody signed in before: strangers' attempts keep nobody out of those.

A sealed cookie names the browser, for each of the accounts that signed in there (OWASP calls it a
device cookie). It opens nothing: it says which bucket counts the attempts that are made there.
"""

import base64
import hashlib
import hmac
import secrets

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from starlette.requests import Request
from starlette.responses import Response

from headgate_server.http.attempts import digest_of
from headgate_server.http.cookies import SECURE_NAME
from headgate_server.http.doors import Doors

SECONDS = 180 * 24 * 3600
"""How long a browser is known after somebody signed in there last."""
MOST_ACCOUNTS = 5
"""Of one browser; whoever signed in longest ago is forgotten first."""
_NAME_BYTES = 16


def find_device(doors: Doors, request: Request, *, account: str) -> str | None:
    """Return the name of a browser in which an account signed in before; None for any other."""
    return _read(doors, request).get(_tag(doors, account))


def note_device(doors: Doors, request: Request, response: Response, *, account: str) -> None:
    """Let a browser show from now on that an account signed in there; it keeps its name."""
    known, tag = _read(doors, request), _tag(doors, account)
    name = known.pop(tag, None) or secrets.token_urlsafe(_NAME_BYTES)
    kept = dict([*known.items(), (tag, name)][-MOST_ACCOUNTS:])
    response.set_cookie(
        _cookie_name(doors),
        _fernet(doors).encrypt(msgspec.json.encode(kept)).decode(),
        max_age=SECONDS,
        path="/",
        secure=doors.cookie_name == SECURE_NAME,
        httponly=True,
        samesite="strict",
    )


def _read(doors: Doors, request: Request) -> dict[str, str]:
    sealed = request.cookies.get(_cookie_name(doors), "")
    try:
        text = _fernet(doors).decrypt(sealed.encode(), ttl=SECONDS)
        return msgspec.json.decode(text, type=dict[str, str])
    except (InvalidToken, UnicodeEncodeError, msgspec.MsgspecError):
        return {}


def _tag(doors: Doors, account: str) -> str:
    text = f"headgate:device:{digest_of(account)}".encode()
    return hmac.digest(doors.pepper.encode(), text, hashlib.sha256).hex()[:32]


def _fernet(doors: Doors) -> Fernet:
    key = HKDF(SHA256(), length=32, salt=None, info=b"headgate:device:1")
    return Fernet(base64.urlsafe_b64encode(key.derive(doors.pepper.encode())))


def _cookie_name(doors: Doors) -> str:
    return f"{doors.cookie_name}-device"
