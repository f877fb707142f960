"""The token that a program shows."""

from headgate_server.domain.errors import Unauthenticated

MAX_TOKEN_LENGTH = 512
_SCHEME = "bearer "


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
