"""The application around some routes: of the API, or of the health of any process."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from headgate_server.http.security_headers import SecurityHeaders


def build_site(
    routes: Sequence[BaseRoute], *, is_secure: bool, has_secure_subdomains: bool = False
) -> Starlette:
    """Return the application of some routes, whose every answer has the headers of security.

    A path with another slash is not found: a redirect would go to the host that a request names.
    """
    headers = Middleware(
        SecurityHeaders, is_secure=is_secure, has_secure_subdomains=has_secure_subdomains
    )
    site = Starlette(routes=routes, middleware=[headers])
    site.router.redirect_slashes = False
    return site
