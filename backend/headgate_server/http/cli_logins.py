"""How command lines log in: pages on which a person says yes, and what the programs ask for."""

import json
from collections.abc import Iterable
from html import escape
from typing import Annotated
from urllib.parse import quote, urlencode
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from headgate_server.domain import cli_logins as codes
from headgate_server.domain import ids
from headgate_server.domain.cli_logins import DEFAULT_KEY_DAYS, Wish
from headgate_server.domain.errors import HeadgateError, InvalidInput
from headgate_server.domain.organizations import Organization
from headgate_server.domain.permissions import read_scopes
from headgate_server.http.doors import Doors, browser_of, route
from headgate_server.http.pages import Markup, fill, page_route, show_page, show_problem
from headgate_server.services import cli_logins
from headgate_server.services.cli_logins import Granted
from headgate_server.services.login_sessions import NO_ORGANIZATION

ALL_SCOPES = "all that you may do"
Port = Annotated[int, msgspec.Meta(ge=1024, le=65535)]
State = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{16,200}$")]


class Begin(msgspec.Struct):
    """A command line without a browser begins."""

    client: str
    scopes: list[str] = []
    days: int = DEFAULT_KEY_DAYS


class Poll(msgspec.Struct, rename="camel"):
    """It asks whether somebody has answered."""

    device_code: str


class Look(msgspec.Struct):
    """Somebody typed in a code."""

    code: str


class Decide(msgspec.Struct, rename="camel"):
    """Somebody answered."""

    code: str
    is_allowed: bool
    organization: str = ""


class Allow(msgspec.Struct, rename="camel"):
    """Somebody answered the command line of this machine."""

    port: Port
    state: State
    challenge: str
    client: str
    is_allowed: bool
    organization: str = ""
    scopes: list[str] = []
    days: int = DEFAULT_KEY_DAYS


class Redeem(msgspec.Struct):
    """A command line hands in what the browser gave it."""

    code: str
    verifier: str


def cli_login_routes(doors: Doors) -> list[Route]:
    """Return the pages of logins of command lines, and what is asked for."""

    async def show_device(request: Request) -> Response:
        session = await doors.find_session(request)
        if session is None:
            return _sign_in_first(request)
        code = request.query_params.get("code", "")[:20]
        places = await _places(doors, session.user_id)
        body = fill("device", code=code, organizations=_show_places(places))
        return show_page("Log a terminal in", body)

    async def show_cli(request: Request) -> Response:
        session = await doors.find_session(request)
        if session is None:
            return _sign_in_first(request)
        try:
            wish = _wish_of_page(request)
        except (HeadgateError, ValueError, msgspec.ValidationError):
            return show_problem("This link is not whole; run `headgate login` again.")
        places = await _places(doors, session.user_id)
        body = fill(
            "cli",
            client=wish.client,
            ip=browser_of(request).ip or "unknown",
            scopes=_told(wish.scopes),
            days=str(wish.key_days),
            organizations=_show_places(places),
            asked=_asked(request, wish),
        )
        return show_page("Log a terminal in", body)

    return [
        page_route("/auth/device", show_device),
        page_route("/auth/cli", show_cli),
        route(doors, "/auth/device/look", Look, _look),
        route(doors, "/auth/device/decide", Decide, _decide),
        route(doors, "/auth/cli/allow", Allow, _allow),
        route(doors, "/auth/device/begin", Begin, _begin, is_page=False),
        route(doors, "/auth/device/token", Poll, _poll, is_page=False),
        route(doors, "/auth/cli/token", Redeem, _redeem, is_page=False),
    ]


async def _begin(doors: Doors, request: Request, sent: Begin) -> Response:
    ip = browser_of(request).ip
    await doors.attempts.take_login(ip=ip)
    wish = Wish(sent.client, read_scopes(sent.scopes), sent.days, ip)
    async with doors.database.system() as work:
        found = await cli_logins.begin_device(work, wish=wish, pepper=doors.pepper)
    address = f"{doors.url}/auth/device"
    return JSONResponse(
        {
            "deviceCode": found.device_code,
            "userCode": found.user_code,
            "verificationUrl": address,
            "verificationUrlComplete": f"{address}?code={found.user_code}",
            "expiresIn": int(codes.DEVICE_LIFETIME.total_seconds()),
            "interval": codes.INTERVAL_SECONDS,
        }
    )


async def _look(doors: Doors, request: Request, sent: Look) -> Response:
    session = await doors.session_of(request)
    async with (
        doors.attempts.typing_code(account=str(session.user_id), ip=browser_of(request).ip),
        doors.database.system() as work,
    ):
        found = await cli_logins.look(work, user_code=sent.code, pepper=doors.pepper)
    wish = found.wish
    return JSONResponse(
        {
            "client": wish.client,
            "ip": wish.ip or "unknown",
            "scopes": _told(wish.scopes),
            "days": f"{wish.key_days} days",
            "code": sent.code,
            "began": f"{found.created_at:%H:%M:%S} UTC",
        }
    )


async def _decide(doors: Doors, request: Request, sent: Decide) -> Response:
    session = await doors.session_of(request)
    async with (
        doors.attempts.typing_code(account=str(session.user_id), ip=browser_of(request).ip),
        doors.database.system() as work,
    ):
        place = (
            ids.parse(sent.organization, kind=ids.Kind.ORGANIZATION) if sent.is_allowed else None
        )
        await cli_logins.decide(
            work,
            user_code=sent.code,
            session=session,
            organization_id=place,
            pepper=doors.pepper,
        )
    return JSONResponse({"isAllowed": sent.is_allowed, "isRefused": not sent.is_allowed})


async def _poll(doors: Doors, request: Request, sent: Poll) -> Response:
    async with doors.attempts.polling(code=sent.device_code, ip=browser_of(request).ip):
        granted = await cli_logins.redeem_device(
            doors.database, device_code=sent.device_code, pepper=doors.pepper
        )
    return _show_key(granted)


async def _allow(doors: Doors, request: Request, sent: Allow) -> Response:
    session = await doors.session_of(request)
    back = f"http://127.0.0.1:{sent.port}/callback"
    if not sent.is_allowed:
        answer = urlencode({"error": "access_denied", "state": sent.state})
        return JSONResponse({"location": f"{back}?{answer}"})
    async with doors.database.system() as work:
        code = await cli_logins.allow_browser(
            work,
            wish=Wish(sent.client, read_scopes(sent.scopes), sent.days, browser_of(request).ip),
            challenge=sent.challenge,
            session=session,
            organization_id=_place(sent.organization),
            pepper=doors.pepper,
        )
    return JSONResponse({"location": f"{back}?{urlencode({'code': code, 'state': sent.state})}"})


async def _redeem(doors: Doors, request: Request, sent: Redeem) -> Response:
    async with doors.attempts.trying(account=sent.code, ip=browser_of(request).ip):
        granted = await cli_logins.redeem_browser(
            doors.database, code=sent.code, verifier=sent.verifier, pepper=doors.pepper
        )
    return _show_key(granted)


def _place(shown: str) -> UUID:
    if not shown:
        raise InvalidInput(NO_ORGANIZATION, path=["organization"])
    return ids.parse(shown, kind=ids.Kind.ORGANIZATION)


def _show_key(granted: Granted) -> Response:
    expires_at = granted.key.expires_at
    return JSONResponse(
        {
            "apiKey": granted.token,
            "keyId": ids.show(ids.Kind.API_KEY, granted.key.id),
            "expiresAt": expires_at.isoformat() if expires_at is not None else None,
            "organization": granted.organization.slug,
            "user": granted.key.owner.display_name,
        }
    )


def _wish_of_page(request: Request) -> Wish:
    """Return what the command line of this machine put into the link.

    Raises:
        ValueError: something that cannot be sent on.
        InvalidInput: something that cannot be shown.
    """
    asked = request.query_params
    scopes = [one for one in asked.get("scopes", "").split(",") if one]
    msgspec.convert(int(asked.get("port", "")), Port)
    msgspec.convert(asked.get("state", ""), State)
    codes.check_challenge(asked.get("challenge", ""))
    days = int(asked.get("days", str(DEFAULT_KEY_DAYS)))
    return codes.check_wish(Wish(asked.get("client", ""), read_scopes(scopes), days))


def _asked(request: Request, wish: Wish) -> Markup:
    """Return what the page sends on beside the answer, as attributes of its form."""
    told = {
        "port": int(request.query_params["port"]),
        "state": request.query_params["state"],
        "challenge": request.query_params["challenge"],
        "client": wish.client,
        "scopes": sorted(wish.scopes),
        "days": wish.key_days,
    }
    shown = [f'data-set-{name}="{escape(json.dumps(value))}"' for name, value in told.items()]
    return Markup(" ".join(shown))


def _sign_in_first(request: Request) -> Response:
    path = quote(f"{request.url.path}?{request.url.query}".rstrip("?"), safe="")
    return RedirectResponse(f"/auth/sign-in?next={path}", status_code=303)


async def _places(doors: Doors, user_id: UUID) -> list[Organization]:
    async with doors.database.system() as work:
        return await cli_logins.list_organizations(work, user_id=user_id)


def _show_places(places: Iterable[Organization]) -> Markup:
    options = [
        fill("option", id=ids.show(ids.Kind.ORGANIZATION, one.id), name=one.name) for one in places
    ]
    return Markup("".join(options))


def _told(scopes: Iterable[str]) -> str:
    return ", ".join(sorted(scopes)) or ALL_SCOPES
