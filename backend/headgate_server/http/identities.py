"""Signing in with providers: the way there, the way back, and what is remembered between them."""

import hmac
import logging
from uuid import UUID, uuid4

import msgspec
from cryptography.fernet import InvalidToken, MultiFernet
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from headgate_server.domain import ids
from headgate_server.domain.errors import Forbidden, HeadgateError
from headgate_server.domain.identities import SignInRefused, Trip
from headgate_server.domain.login_sessions import LIFETIMES, Purpose
from headgate_server.http.attempts import TooManyAttempts
from headgate_server.http.cookies import SECURE_NAME, set_cookie
from headgate_server.http.doors import Doors, Handle, browser_of, former_cookie, route
from headgate_server.http.pages import ACCOUNT, HOME, place_within, show_problem
from headgate_server.services import identities, login_sessions
from headgate_server.services.identities import PROVEN_WITHIN, SIGN_IN_AGAIN, Arrival
from headgate_server.services.notices import IDENTITY_LINKED, IDENTITY_UNLINKED

logger = logging.getLogger("headgate.http")

SECONDS = int(LIFETIMES[Purpose.STATE].total_seconds())
LOST = "This browser did not begin this sign-in, or took longer than ten minutes; begin again."
BROKEN = "The sign-in could not be finished; try again in a moment."


class Start(msgspec.Struct):
    """Somebody wants to sign in with a provider."""

    next: str = HOME
    token: str | None = None


class Link(msgspec.Struct):
    """Somebody who is signed in wants to sign in with a provider, too."""


class Unlink(msgspec.Struct):
    """Somebody wants to sign in with an identity no more."""

    id: str


class Remembered(msgspec.Struct):
    """What a browser keeps for us, sealed, while its person is away."""

    provider: str
    state: str
    nonce: str
    verifier: str
    next: str
    invitation: str | None = None
    link_to: UUID | None = None


def identity_routes(doors: Doors) -> list[Route]:
    """Return the routes of every provider."""

    async def come_back(request: Request) -> Response:
        try:
            response = await _come_back(doors, request)
        except (SignInRefused, TooManyAttempts) as error:
            response = show_problem(error.message)
        except HeadgateError as error:
            logger.warning("A sign-in with a provider ended: %s", error.code)
            response = show_problem(error.message)
        except Exception:
            logger.exception("A sign-in with a provider failed")
            response = show_problem(BROKEN, status=500)
        if _is_over(doors, request):
            response.delete_cookie(
                _cookie_name(doors),
                path="/",
                secure=_is_secure(doors),
                httponly=True,
                samesite="lax",
            )
        return response

    found: list[Route] = [route(doors, "/auth/identities/unlink", Unlink, _unlink)]
    for slug in doors.providers:
        found += [
            route(doors, f"/auth/oidc/{slug}", Start, _starter(slug)),
            route(doors, f"/auth/oidc/{slug}/link", Link, _linker(slug)),
        ]
    if doors.providers:
        found.append(Route("/auth/oidc/{slug}/callback", come_back, methods=["GET"]))
    return found


def _starter(slug: str) -> Handle[Start]:
    async def start(doors: Doors, request: Request, sent: Start) -> Response:
        del request
        return await _leave(doors, slug, next_=place_within(sent.next), invitation=sent.token)

    return start


def _linker(slug: str) -> Handle[Link]:
    async def link(doors: Doors, request: Request, sent: Link) -> Response:
        del sent
        session = await doors.session_of(request)
        is_proven = await login_sessions.is_proven(
            doors.database, session_id=session.id, within=PROVEN_WITHIN
        )
        if not is_proven:
            raise Forbidden(SIGN_IN_AGAIN)
        return await _leave(doors, slug, next_=ACCOUNT, link_to=session.user_id)

    return link


async def _unlink(doors: Doors, request: Request, sent: Unlink) -> Response:
    session = await doors.session_of(request)
    async with doors.database.system() as work:
        gone = await identities.unlink(
            work,
            user_id=session.user_id,
            session_id=session.id,
            id_=ids.parse(sent.id, kind=ids.Kind.IDENTITY),
            providers=doors.known_providers,
            is_by_password=doors.has_passwords,
        )
    response = JSONResponse({"status": "unlinked"})
    told = IDENTITY_UNLINKED.format(issuer=gone.issuer)
    response.background = doors.telling(session.user_id, told)
    return response


async def _leave(
    doors: Doors,
    slug: str,
    *,
    next_: str,
    invitation: str | None = None,
    link_to: UUID | None = None,
) -> Response:
    location, trip = await doors.providers[slug].begin()
    remembered = Remembered(slug, trip.state, trip.nonce, trip.verifier, next_, invitation, link_to)
    response = JSONResponse({"location": location})
    response.set_cookie(
        _cookie_name(doors),
        _fernet(doors).encrypt(msgspec.json.encode(remembered)).decode(),
        max_age=SECONDS,
        path="/",
        secure=_is_secure(doors),
        httponly=True,
        samesite="lax",
    )
    return response


async def _come_back(doors: Doors, request: Request) -> Response:
    doors = doors.asked_by(request, request_id=uuid4().hex)
    slug = request.path_params["slug"]
    remembered = _recall(doors, request)
    client = doors.providers.get(slug)
    if client is None or remembered is None or remembered.provider != slug:
        raise SignInRefused(LOST)
    session = None
    if remembered.link_to is not None:
        session = await doors.find_session(request)
        if session is None or session.user_id != remembered.link_to:
            raise SignInRefused(LOST)
    trip = Trip(remembered.state, remembered.nonce, remembered.verifier)
    browser = browser_of(request)
    async with doors.attempts.trying(account=remembered.state, ip=browser.ip):
        if len(request.query_params.multi_items()) > len(request.query_params):
            raise SignInRefused
        identity = await client.finish(dict(request.query_params), trip)
        arrival = Arrival(
            identity=identity,
            state=trip.state,
            link_to=remembered.link_to,
            session_id=None if session is None else session.id,
            invitation=remembered.invitation,
            browser=browser,
            former=former_cookie(doors, request),
        )
        cookie = await identities.sign_in(
            doors.database,
            client.provider,
            arrival,
            providers=doors.known_providers,
            pepper=doors.pepper,
        )
    response = RedirectResponse(place_within(remembered.next), status_code=303)
    if cookie is not None:
        set_cookie(response, cookie, name=doors.cookie_name)
    elif remembered.link_to is not None:
        told = IDENTITY_LINKED.format(issuer=identity.issuer)
        response.background = doors.telling(remembered.link_to, told)
    return response


def _is_over(doors: Doors, request: Request) -> bool:
    """Whether what a browser remembers is of no more use; an answer to an older trip ends none."""
    remembered = _recall(doors, request)
    if remembered is None:
        return True
    is_same = hmac.compare_digest(
        request.query_params.get("state", "").encode(), remembered.state.encode()
    )
    return is_same and remembered.provider == request.path_params["slug"]


def _recall(doors: Doors, request: Request) -> Remembered | None:
    sealed = request.cookies.get(_cookie_name(doors), "")
    try:
        text = _fernet(doors).decrypt(sealed.encode(), ttl=SECONDS)
        return msgspec.json.decode(text, type=Remembered)
    except (InvalidToken, msgspec.MsgspecError):
        return None


def _fernet(doors: Doors) -> MultiFernet:
    return doors.fernet(b"headgate:oidc:1")


def _is_secure(doors: Doors) -> bool:
    return doors.cookie_name == SECURE_NAME


def _cookie_name(doors: Doors) -> str:
    return f"{doors.cookie_name}-trip"
