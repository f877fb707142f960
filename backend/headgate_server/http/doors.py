"""What signing in takes, and how its requests come in: POST application/json of our own pages."""

import base64
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID, uuid4

import msgspec
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from headgate_server.bus.buckets import Buckets
from headgate_server.database.work import Database
from headgate_server.domain.cli_logins import CliLoginRefused
from headgate_server.domain.errors import (
    ConfigurationError,
    Conflict,
    Forbidden,
    InvalidInput,
    LimitExceeded,
    NotFound,
    Unauthenticated,
)
from headgate_server.domain.identities import Provider, SignInRefused
from headgate_server.domain.login_sessions import Browser, LoginCookie, LoginSession, parse_cookie
from headgate_server.domain.peppers import peppers_of
from headgate_server.http.attempts import Attempts, TooManyAttempts
from headgate_server.http.auth import check_page
from headgate_server.http.constants import REQUEST_ID_HEADER
from headgate_server.http.cookies import cookie_name_at, set_cookie
from headgate_server.http.origins import address_of, origin_of
from headgate_server.http.refusals import failure, refuse
from headgate_server.outgoing.guards import Guard, guard_of
from headgate_server.services import login_sessions, notices, sign_ins
from headgate_server.services.identities import read_providers
from headgate_server.services.mails import Mailer, open_mailer
from headgate_server.services.passwords import Hasher
from headgate_server.settings import Settings

if TYPE_CHECKING:
    from headgate_server.http.oidc import OidcClient

logger = logging.getLogger("headgate.http")

_STATUS = {
    "INVALID": 400,
    "NOT_FOUND": 404,
    "CONFLICT": 409,
    "FORBIDDEN": 403,
    "LIMIT_EXCEEDED": 409,
    "QUOTA_EXCEEDED": 409,
    "SIGN_IN_REFUSED": 400,
}
MAX_BODY_BYTES = 16 * 1024
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Doors:
    """What signing in takes.

    Args:
        database: opens the units of work.
        pepper: the installation's secret.
        hasher: hashes passwords.
        attempts: counts them.
        url: the address that people use.
        allowed_origins: pages of other origins that may use the API.
        mailer: sends mails; None where none can be sent.
        providers: who else signs people in, by slug.
        is_proof_needed: whether accounts are made only for addresses that are proven.
        has_passwords: whether people sign in with passwords, too, and not with providers alone.
    """

    database: Database
    pepper: str
    hasher: Hasher
    attempts: Attempts
    url: str
    allowed_origins: frozenset[str] = field(default_factory=frozenset[str])
    mailer: Mailer | None = None
    providers: Mapping[str, "OidcClient"] = field(default_factory=dict[str, "OidcClient"])
    is_proof_needed: bool = False
    has_passwords: bool = True

    @property
    def cookie_name(self) -> str:
        """Return the name of the cookie."""
        return cookie_name_at(self.url)

    @property
    def known_providers(self) -> tuple[Provider, ...]:
        """Return the providers."""
        return tuple(client.provider for client in self.providers.values())

    @property
    def provider_names(self) -> dict[str, str]:
        """Return the names of the providers, by slug."""
        return {slug: client.provider.name for slug, client in self.providers.items()}

    def telling(self, user_id: UUID, what: str) -> BackgroundTask:
        """Return what tells a person by mail, once they are answered, what was changed."""
        return BackgroundTask(
            notices.tell_change,
            self.database,
            self.mailer,
            user_id=user_id,
            what=what,
            url=self.url,
        )

    def asked_by(self, request: Request, *, request_id: str) -> "Doors":
        """Return the same for one request: what is written down says where it came from."""
        origin = origin_of(request, request_id=request_id)
        return replace(self, database=self.database.asked_from(origin))

    def fernet(self, purpose: bytes) -> MultiFernet:
        """Return what seals cookies for a purpose, and opens those of before the last change."""
        keys = [
            HKDF(SHA256(), length=32, salt=None, info=purpose).derive(one.encode())
            for one in peppers_of(self.pepper)
        ]
        return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])

    async def session_of(self, request: Request) -> LoginSession:
        """Return the session that a request is made in.

        Raises:
            Unauthenticated: in none.
        """
        cookie = parse_cookie(request.cookies.get(self.cookie_name, ""))
        return await login_sessions.find_session(self.database, cookie, pepper=self.pepper)

    async def find_session(self, request: Request) -> LoginSession | None:
        """Return the session that a request is made in, if any."""
        try:
            return await self.session_of(request)
        except Unauthenticated:
            return None


def open_doors(settings: Settings, *, database: Database, buckets: Buckets) -> Doors:
    """Return what signing in takes, as the settings say.

    Raises:
        ConfigurationError: a setting of mails is missing, a provider cannot be used, nobody could
            sign in, or a network is none.
    """
    providers = read_providers(settings.oidc_file)
    if not settings.passwords and not providers:
        raise ConfigurationError(
            "HEADGATE_PASSWORDS is false, and HEADGATE_OIDC_FILE names no provider: nobody could "
            "sign in. Name one, or leave passwords on."
        )
    return Doors(
        database=database,
        pepper=settings.pepper,
        hasher=Hasher(),
        attempts=Attempts(buckets),
        url=settings.url,
        allowed_origins=frozenset(settings.origins),
        mailer=open_mailer(settings),
        providers=open_providers(providers, url=settings.url, guard=guard_of(settings)),
        is_proof_needed=settings.proven_addresses,
        has_passwords=settings.passwords,
    )


def open_providers(
    providers: Iterable[Provider], *, url: str, guard: Guard
) -> dict[str, "OidcClient"]:
    """Return a client for each provider; every one sends people back to an address of its own.

    What speaks OpenID Connect is loaded where there is a provider.
    """
    return {
        one.slug: import_module("headgate_server.http.oidc").OidcClient(
            one, redirect_uri=f"{url}/auth/oidc/{one.slug}/callback", guard=guard
        )
        for one in providers
    }


Handle = Callable[[Doors, Request, T], Awaitable[Response]]


def route(
    doors: Doors, path: str, shape: type[T], handle: Handle[T], *, is_page: bool = True
) -> Route:
    """Return a route that takes one JSON object.

    Args:
        doors: what signing in takes.
        path: below /auth.
        shape: what the object holds.
        handle: answers it.
        is_page: only pages of ours may ask; what programs may ask takes no cookie.
    """

    async def answer(request: Request) -> Response:
        request_id = uuid4().hex
        asked = doors.asked_by(request, request_id=request_id)
        try:
            response = await _answer(asked, request, shape, handle, is_page=is_page)
        except ClientDisconnect:
            raise
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return refuse(400, "The body is not the JSON object that this takes.")
        except TooManyAttempts as error:
            response = refuse(429, error.message, code=error.code)
            response.headers["retry-after"] = str(error.retry_after_seconds)
        except sign_ins.CodeNeeded as error:
            response = refuse(401, error.message, code=error.code)
        except CliLoginRefused as error:
            response = refuse(400, error.message, code=error.code)
        except (InvalidInput, NotFound, Conflict, Forbidden, LimitExceeded, SignInRefused) as error:
            response = refuse(_STATUS[error.code], error.message, code=error.code)
        except Exception as error:  # noqa: BLE001  the edge: nothing unmasked leaves
            response = failure(error, request_id=request_id)
        response.headers["cache-control"] = "no-store"
        response.headers[REQUEST_ID_HEADER] = request_id
        return response

    return Route(path, answer, methods=["POST"])


async def _answer(
    doors: Doors, request: Request, shape: type[T], handle: Handle[T], *, is_page: bool
) -> Response:
    content_type = request.headers.get("content-type", "").partition(";")[0]
    if content_type.strip().lower() != "application/json":
        return refuse(415, "Send the request as application/json.")
    if is_page:
        check_page(request.headers, allowed_origins=doors.allowed_origins)
    body = await _body(request)
    if body is None:
        return refuse(413, f"The body is larger than {MAX_BODY_BYTES:,} bytes.")
    return await handle(doors, request, msgspec.json.decode(body, type=shape))


async def _body(request: Request) -> bytes | None:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return body


def with_cookie(doors: Doors, told: dict[str, object], cookie: LoginCookie) -> Response:
    """Return an answer that gives the browser the cookie of a session."""
    response = JSONResponse(told)
    set_cookie(response, cookie, name=doors.cookie_name)
    return response


def browser_of(request: Request) -> Browser:
    """Return where somebody asks from."""
    return Browser(ip=address_of(request), user_agent=request.headers.get("user-agent"))


def former_cookie(doors: Doors, request: Request) -> LoginCookie | None:
    """Return the cookie that the browser had until now."""
    try:
        return parse_cookie(request.cookies.get(doors.cookie_name, ""))
    except Unauthenticated:
        return None
