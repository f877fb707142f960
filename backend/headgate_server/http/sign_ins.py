"""What pages that sign people in and out ask for: POST application/json below /auth."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import uuid4

import msgspec
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from headgate_server.database.work import Database
from headgate_server.domain.errors import Conflict, InvalidInput, NotFound, Unauthenticated
from headgate_server.domain.login_sessions import Browser, LoginCookie, LoginSession, parse_cookie
from headgate_server.domain.users import User
from headgate_server.http.attempts import Attempts, TooManyAttempts
from headgate_server.http.auth import check_page
from headgate_server.http.cookies import clear_cookie, cookie_name_at, set_cookie
from headgate_server.http.refusals import failure, refuse
from headgate_server.services import login_sessions, passwords, second_factors, sign_ins
from headgate_server.services.passwords import Hasher
from headgate_server.services.sign_ins import Attempt

logger = logging.getLogger("headgate.http")

_STATUS = {"INVALID": 400, "NOT_FOUND": 404, "CONFLICT": 409}
MAX_BODY_BYTES = 16 * 1024
SendLink = Callable[[User, str], Awaitable[None]]
"""Sends a person the link of that address by which they choose a password."""
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
        send_link: sends a mail; None where no mail can be sent.
    """

    database: Database
    pepper: str
    hasher: Hasher
    attempts: Attempts
    url: str
    allowed_origins: frozenset[str] = field(default_factory=frozenset[str])
    send_link: SendLink | None = None

    @property
    def cookie_name(self) -> str:
        """Return the name of the cookie."""
        return cookie_name_at(self.url)

    async def session_of(self, request: Request) -> LoginSession:
        """Return the session that a request is made in.

        Raises:
            Unauthenticated: in none.
        """
        cookie = parse_cookie(request.cookies.get(self.cookie_name, ""))
        return await login_sessions.find_session(self.database, cookie, pepper=self.pepper)


class SignIn(msgspec.Struct):
    """Somebody wants in."""

    email: str
    password: str
    code: str | None = None


class SignOut(msgspec.Struct):
    """Somebody wants out, here or everywhere."""

    everywhere: bool = False


class Reset(msgspec.Struct):
    """Somebody forgot their password."""

    email: str


class NewPassword(msgspec.Struct):
    """Somebody came by the link of a mail."""

    token: str
    password: str


class Change(msgspec.Struct):
    """Somebody replaces their password."""

    current: str
    new: str


class Begin(msgspec.Struct):
    """Somebody wants a second factor; the password shows that it is they."""

    password: str = ""


class Code(msgspec.Struct):
    """A code of a second factor."""

    code: str


Handle = Callable[[Doors, Request, T], Awaitable[Response]]


def sign_in_routes(doors: Doors) -> list[Route]:
    """Return the routes below /auth that change something."""

    def route(path: str, shape: type[T], handle: Handle[T]) -> Route:
        return Route(path, _guarded(doors, shape, handle), methods=["POST"])

    return [
        route("/auth/sign-in", SignIn, _sign_in),
        route("/auth/sign-out", SignOut, _sign_out),
        route("/auth/password", Change, _change),
        route("/auth/password/reset", Reset, _reset),
        route("/auth/password/new", NewPassword, _set_password),
        route("/auth/second-factor/begin", Begin, _begin_factor),
        route("/auth/second-factor/confirm", Code, _confirm_factor),
        route("/auth/second-factor/end", Code, _end_factor),
    ]


def _guarded(
    doors: Doors, shape: type[T], handle: Handle[T]
) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            content_type = request.headers.get("content-type", "").partition(";")[0]
            if content_type.strip().lower() != "application/json":
                return refuse(415, "Send the request as application/json.")
            check_page(request.headers, allowed_origins=doors.allowed_origins)
            body = await _body(request)
            if body is None:
                return refuse(413, f"The body is larger than {MAX_BODY_BYTES:,} bytes.")
            response = await handle(doors, request, msgspec.json.decode(body, type=shape))
        except ClientDisconnect:
            raise
        except msgspec.MsgspecError:
            return refuse(400, "The body is not the JSON object that this takes.")
        except TooManyAttempts as error:
            response = refuse(429, error.message, code=error.code)
            response.headers["retry-after"] = str(error.retry_after_seconds)
        except sign_ins.CodeNeeded as error:
            response = refuse(401, error.message, code=error.code)
        except (InvalidInput, NotFound, Conflict) as error:
            response = refuse(_STATUS[error.code], error.message, code=error.code)
        except Exception as error:  # noqa: BLE001  the edge: nothing unmasked leaves
            response = failure(error, request_id=uuid4().hex)
        response.headers["cache-control"] = "no-store"
        return response

    return answer


async def _body(request: Request) -> bytes | None:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return body


async def _sign_in(doors: Doors, request: Request, sent: SignIn) -> Response:
    browser = _browser(request)
    await doors.attempts.take(account=sent.email, ip=browser.ip)
    attempt = Attempt(sent.email, sent.password, sent.code, browser, _former(doors, request))
    cookie = await sign_ins.sign_in(
        doors.database, attempt, hasher=doors.hasher, pepper=doors.pepper
    )
    return _with_cookie(doors, {"status": "signed in"}, cookie)


async def _sign_out(doors: Doors, request: Request, sent: SignOut) -> Response:
    response = JSONResponse({"status": "signed out"})
    clear_cookie(response, name=doors.cookie_name)
    try:
        session = await doors.session_of(request)
    except Unauthenticated:
        return response
    async with doors.database.system() as work:
        if sent.everywhere:
            await login_sessions.revoke_all(work, user_id=session.user_id)
        else:
            await login_sessions.revoke(work, user_id=session.user_id, id_=session.id)
    return response


async def _change(doors: Doors, request: Request, sent: Change) -> Response:
    session = await doors.session_of(request)
    await doors.attempts.take(account=str(session.user_id), ip=_browser(request).ip)
    cookie = await passwords.change_password(
        doors.database,
        session_id=session.id,
        user_id=session.user_id,
        current=sent.current,
        new=sent.new,
        hasher=doors.hasher,
        pepper=doors.pepper,
    )
    return _with_cookie(doors, {"status": "changed"}, cookie)


async def _reset(doors: Doors, request: Request, sent: Reset) -> Response:
    """Answer before anybody is looked up: known and unknown addresses read and last alike."""
    await doors.attempts.take_reset(account=sent.email, ip=_browser(request).ip)
    return JSONResponse(
        {"status": "a mail is on its way if somebody has this address"},
        status_code=202,
        background=BackgroundTask(_send_link, doors, sent.email),
    )


async def _send_link(doors: Doors, email: str) -> None:
    if doors.send_link is None:
        logger.warning("No mail resets a password here: this version sends none")
        return
    try:
        begun = await passwords.begin_reset(doors.database, email=email, pepper=doors.pepper)
        if begun is not None:
            user, token = begun
            await doors.send_link(user, link_of(doors.url, token))
    except Exception:
        logger.exception("A mail that resets a password was not sent")


def link_of(url: str, token: str) -> str:
    """Return the link by which somebody chooses a password.

    The token is behind the #: it stays in the browser, out of logs and referrers.
    """
    return f"{url}/auth/password/new#{token}"


async def _set_password(doors: Doors, request: Request, sent: NewPassword) -> Response:
    await doors.attempts.take(account=sent.token, ip=_browser(request).ip)
    await passwords.finish_reset(
        doors.database,
        token=sent.token,
        password=sent.password,
        hasher=doors.hasher,
        pepper=doors.pepper,
    )
    response = JSONResponse({"status": "changed"})
    clear_cookie(response, name=doors.cookie_name)
    return response


async def _begin_factor(doors: Doors, request: Request, sent: Begin) -> Response:
    session = await doors.session_of(request)
    await doors.attempts.take(account=str(session.user_id), ip=_browser(request).ip)
    await passwords.check_current(
        doors.database, user_id=session.user_id, current=sent.password, hasher=doors.hasher
    )
    async with doors.database.system() as work:
        begun = await second_factors.begin_enrolment(
            work, user_id=session.user_id, pepper=doors.pepper
        )
    return JSONResponse({"secret": begun.secret, "uri": begun.uri})


async def _confirm_factor(doors: Doors, request: Request, sent: Code) -> Response:
    session = await doors.session_of(request)
    await doors.attempts.take(account=str(session.user_id), ip=_browser(request).ip)
    async with doors.database.system() as work:
        done = await second_factors.confirm_enrolment(
            work,
            user_id=session.user_id,
            session_id=session.id,
            code=sent.code,
            pepper=doors.pepper,
        )
    return _with_cookie(doors, {"recoveryCodes": done.recovery_codes}, done.cookie)


async def _end_factor(doors: Doors, request: Request, sent: Code) -> Response:
    session = await doors.session_of(request)
    await doors.attempts.take(account=str(session.user_id), ip=_browser(request).ip)
    async with doors.database.system() as work:
        cookie = await second_factors.end_enrolment(
            work,
            user_id=session.user_id,
            session_id=session.id,
            code=sent.code,
            pepper=doors.pepper,
        )
    return _with_cookie(doors, {"status": "off"}, cookie)


def _with_cookie(doors: Doors, told: dict[str, object], cookie: LoginCookie) -> Response:
    response = JSONResponse(told)
    set_cookie(response, cookie, name=doors.cookie_name)
    return response


def _browser(request: Request) -> Browser:
    ip = request.client.host if request.client is not None else None
    return Browser(ip=ip, user_agent=request.headers.get("user-agent"))


def _former(doors: Doors, request: Request) -> LoginCookie | None:
    try:
        return parse_cookie(request.cookies.get(doors.cookie_name, ""))
    except Unauthenticated:
        return None
