"""Who is asking: the Bearer token of a request or a socket, and where a browser may ask from."""

import time
from collections.abc import Awaitable, Callable, Mapping

from strawberry.http.websocket_origin import is_same_origin, normalize_origin

from headgate_server.domain.errors import Forbidden, Unauthenticated
from headgate_server.domain.tenancy import Principal

Authenticate = Callable[[str], Awaitable[Principal]]
"""Returns the caller a token speaks for; raises Unauthenticated for any other token."""

REMEMBERED_SECONDS = 1.0
"""How long a token is not looked up again: a revoked one works at most so much longer."""
REMEMBERED_TOKENS = 10_000
MAX_TOKEN_LENGTH = 512
_SCHEME = "bearer "


class Remembering:
    """Authenticates, and remembers who a token spoke for a moment; refusals are not remembered."""

    def __init__(self, authenticate: Authenticate) -> None:
        self._authenticate = authenticate
        self._known: dict[str, tuple[float, Principal]] = {}

    async def __call__(self, token: str) -> Principal:
        """Return who the token speaks for.

        Raises:
            Unauthenticated: anything is wrong with it.
        """
        known = self._known.get(token)
        now = time.monotonic()
        if known is not None and now < known[0]:
            return known[1]
        self._known.pop(token, None)
        principal = await self._authenticate(token)
        if len(self._known) >= REMEMBERED_TOKENS:
            self._known.clear()
        self._known[token] = (now + REMEMBERED_SECONDS, principal)
        return principal


def bearer_token(header: object) -> str:
    """Return the token in an Authorization header or in a socket's first message.

    Raises:
        Unauthenticated: none, another scheme, or an impossible token.
    """
    if not isinstance(header, str) or not header.lower().startswith(_SCHEME):
        raise Unauthenticated
    token = header[len(_SCHEME) :].strip()
    if not token or len(token) > MAX_TOKEN_LENGTH or not token.isascii():
        raise Unauthenticated
    return token


def check_origin(headers: Mapping[str, str], *, allowed_origins: frozenset[str]) -> None:
    """Refuse a request that a page of another site made; programs send no Origin.

    Raises:
        Forbidden: the origin is neither this host nor one that was allowed.
    """
    origin = headers.get("origin")
    if origin is None or is_same_origin(origin, headers.get("host")):
        return
    if normalize_origin(origin) not in allowed_origins:
        raise Forbidden("Pages of this origin may not use the API; allow it in the settings.")
