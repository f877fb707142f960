"""Who is asking: a Bearer token or a browser's cookie, and where a browser may ask from."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from starlette.requests import HTTPConnection
from strawberry.http.websocket_origin import is_same_origin, normalize_origin

from headgate_server.database.work import Database
from headgate_server.domain.errors import Forbidden, Unavailable
from headgate_server.domain.login_sessions import LoginCookie, parse_cookie
from headgate_server.domain.tenancy import Principal
from headgate_server.http.bearer import bearer_token
from headgate_server.http.origins import address_of
from headgate_server.services import api_keys, login_sessions


@dataclass(frozen=True, slots=True)
class Login:
    """A browser's cookie, and the slug of the organization that a request is to act in, if any.

    ``address`` is where the request comes from: without a slug, one that lets it in is chosen.
    ``organization_id`` is that of a connection that was let in: it stays there for as long as it
    is open, and is never taken for one into another organization of the same person.
    """

    cookie: LoginCookie
    organization: str | None = None
    organization_id: UUID | None = None
    address: str | None = None

    def within(self, slug: str) -> "Login":
        """Return the same cookie in a certain organization, whichever it was let into before."""
        return Login(self.cookie, slug[:MAX_SLUG_LENGTH] or None, address=self.address)

    def held_to(self, organization_id: UUID) -> "Login":
        """Return the same, good for nothing but one organization."""
        return replace(self, organization_id=organization_id)


Proof = str | Login
"""What a caller shows: a token, or a cookie."""
Authenticate = Callable[[Proof], Awaitable[Principal]]
"""Returns the caller a token or a cookie speaks for; raises Unauthenticated for any other."""

AUTHENTICATE_SECONDS = 5.0
"""The time limit of an operation begins once it is known whose it is; this is before."""
REMEMBERED_SECONDS = 1.0
"""How long a token is not looked up again: a revoked one works at most so much longer."""
REMEMBERED_TOKENS = 10_000
ORGANIZATION_HEADER = "x-headgate-organization"
PAGE_HEADER, PAGE_VALUE = "x-headgate", "1"
"""No form and no link can send it, and no page of another site may without being asked first."""
MAX_SLUG_LENGTH = 100


class Remembering:
    """Authenticates, and remembers for a moment whom it was; refusals are not remembered."""

    def __init__(self, authenticate: Authenticate) -> None:
        self._authenticate = authenticate
        self._known: dict[Proof, tuple[float, Principal]] = {}

    async def __call__(self, token: Proof) -> Principal:
        """Return who the token speaks for.

        Raises:
            Unauthenticated: anything is wrong with it.
            Unavailable: it took too long to find out.
        """
        known = self._known.get(token)
        now = time.monotonic()
        if known is not None and now < known[0]:
            return known[1]
        self._known.pop(token, None)
        try:
            async with asyncio.timeout(AUTHENTICATE_SECONDS):
                principal = await self._authenticate(token)
        except TimeoutError:
            raise Unavailable from None
        if len(self._known) >= REMEMBERED_TOKENS:
            self._known.clear()
        self._known[token] = (now + REMEMBERED_SECONDS, principal)
        return principal


def authenticator(database: Database, *, pepper: str, is_use: bool = True) -> Authenticate:
    """Return what knows tokens and cookies.

    Args:
        database: opens the units of work.
        pepper: the installation's secret.
        is_use: whether being asked is a use of a login session, which keeps it from ending.
    """

    async def authenticate(proof: Proof) -> Principal:
        if isinstance(proof, str):
            return await api_keys.authenticate(database, proof, pepper=pepper)
        return await login_sessions.authenticate(
            database,
            proof.cookie,
            organization=proof.organization,
            organization_id=proof.organization_id,
            address=proof.address,
            pepper=pepper,
            is_use=is_use,
        )

    return authenticate


def proof_of(
    request: HTTPConnection, *, cookie_name: str, allowed_origins: frozenset[str]
) -> Proof:
    """Return what a request shows of its caller; a token goes before a cookie.

    Raises:
        Unauthenticated: nothing, or what cannot be a token or a cookie of ours.
        Forbidden: a cookie, but no page of ours sent it.
    """
    authorization = request.headers.get("authorization")
    if authorization is not None or cookie_name not in request.cookies:
        return bearer_token(authorization)
    check_page(request.headers, allowed_origins=allowed_origins)
    return login_of(request, name=cookie_name)


def login_of(request: HTTPConnection, *, name: str) -> Login:
    """Return the cookie of a request, and the organization that it names.

    Raises:
        Unauthenticated: none, or not one of ours.
    """
    cookie = parse_cookie(request.cookies.get(name, ""))
    login = Login(cookie, address=address_of(request))
    return login.within(request.headers.get(ORGANIZATION_HEADER, ""))


def check_page(headers: Mapping[str, str], *, allowed_origins: frozenset[str]) -> None:
    """Refuse what a browser was made to send along with its cookie by a page that is not ours.

    Raises:
        Forbidden: the header of our pages is missing, or where it comes from is wrong or not said.
    """
    if headers.get(PAGE_HEADER) != PAGE_VALUE:
        raise Forbidden(f"Send {PAGE_HEADER}: {PAGE_VALUE} with requests that a cookie signs.")
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is None and site is None:
        raise Forbidden("A cookie signs requests of browsers only; use an API key.")
    check_origin(headers, allowed_origins=allowed_origins)
    if site not in {None, "same-origin"} and normalize_origin(origin or "") not in allowed_origins:
        raise Forbidden("Pages of this origin may not use the API; allow it in the settings.")


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
