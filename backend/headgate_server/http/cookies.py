"""The cookie of a login session."""

from urllib.parse import urlsplit

from starlette.responses import Response

from headgate_server.domain.login_sessions import ABSOLUTE_LIFETIME, LoginCookie

SECURE_NAME, LOOPBACK_NAME = "__Host-headgate", "headgate"
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})


def cookie_name_at(url: str) -> str:
    """Return the name of the cookie at the address that people use.

    Only on loopback does it go over plain HTTP: elsewhere browsers keep it for HTTPS.
    """
    parts = urlsplit(url)
    is_loopback = parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS
    return LOOPBACK_NAME if is_loopback else SECURE_NAME


def set_cookie(response: Response, cookie: LoginCookie, *, name: str) -> None:
    """Let a browser keep a session's cookie, out of reach of scripts and of other sites."""
    response.set_cookie(
        name,
        cookie.text,
        max_age=int(ABSOLUTE_LIFETIME.total_seconds()),
        path="/",
        secure=name == SECURE_NAME,
        httponly=True,
        samesite="lax",
    )


def clear_cookie(response: Response, *, name: str) -> None:
    """Let a browser forget its cookie."""
    response.delete_cookie(
        name, path="/", secure=name == SECURE_NAME, httponly=True, samesite="lax"
    )
