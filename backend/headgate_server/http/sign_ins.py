"""The pages that sign people in and out, and what they ask for below /auth."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import msgspec
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from headgate_server.domain.errors import Unauthenticated
from headgate_server.domain.login_sessions import Browser
from headgate_server.http.cookies import clear_cookie, set_cookie
from headgate_server.http.devices import find_device, note_device
from headgate_server.http.doors import Doors, browser_of, former_cookie, route
from headgate_server.http.pages import (
    Markup,
    fill,
    page_route,
    place_within,
    show_page,
    show_providers,
)
from headgate_server.http.refusals import failure
from headgate_server.services import login_sessions, mails, passwords, sign_ins, users
from headgate_server.services.notices import PASSWORD_CHANGED, reset_notice
from headgate_server.services.sign_ins import Attempt

logger = logging.getLogger("headgate.http")

FORGET = {"clear-site-data": '"storage"'}
"""What pages kept in the browser goes, too; not its cookies: it stays one that is known."""
CAME_NEW = Markup(
    '<p class="lead">Sign in to go on, with the address that was invited and the password that '
    "you have just chosen. If you had an account before, nothing of it was changed: sign in as "
    "ever, and open the link once more, or the one that comes by mail.</p>"
)


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
    revoke_keys: bool = msgspec.field(name="revokeKeys", default=False)


class Change(msgspec.Struct):
    """Somebody replaces their password."""

    current: str
    new: str


def sign_in_routes(doors: Doors) -> list[Route]:
    """Return the page of signing in, and what signing out asks for."""

    async def show_sign_in(request: Request) -> Response:
        next_ = place_within(request.query_params.get("next"))
        others = show_providers(doors.provider_names, next_=next_)
        if not doors.has_passwords:
            return show_page("Sign in", others)
        lead = CAME_NEW if request.query_params.get("came") == "invitation" else Markup()
        return show_page("Sign in", fill("sign_in", next=next_, providers=others, lead=lead))

    return [
        page_route("/auth/sign-in", show_sign_in),
        route(doors, "/auth/sign-out", SignOut, _sign_out),
    ]


def password_routes(doors: Doors) -> list[Route]:
    """Return the pages of passwords, and what they and signing in with one ask for."""
    return [
        page_route("/auth/password/reset", _shower("Reset the password", "reset")),
        page_route("/auth/password/new", _shower("Choose a password", "new_password")),
        route(doors, "/auth/sign-in", SignIn, _sign_in),
        route(doors, "/auth/password", Change, _change),
        route(doors, "/auth/password/reset", Reset, _reset),
        route(doors, "/auth/password/new", NewPassword, _set_password),
    ]


def _shower(title: str, name: str) -> Callable[[Request], Awaitable[Response]]:
    async def show(request: Request) -> Response:
        del request
        return show_page(title, fill(name))

    return show


async def _sign_in(doors: Doors, request: Request, sent: SignIn) -> Response:
    browser = browser_of(request)
    attempt = Attempt(sent.email, sent.password, sent.code, browser, former_cookie(doors, request))
    try:
        async with AsyncExitStack() as limits:
            await limits.enter_async_context(
                doors.attempts.signing_in(
                    account=sent.email,
                    ip=browser.ip,
                    device=await find_device(doors, request, account=sent.email),
                )
            )
            if sent.code:
                await limits.enter_async_context(doors.attempts.showing_factor(account=sent.email))
            cookie = await sign_ins.sign_in(
                doors.database, attempt, hasher=doors.hasher, pepper=doors.pepper
            )
    except sign_ins.CodeNeeded:
        raise
    except Unauthenticated as error:
        response = failure(error, request_id="")
        response.background = BackgroundTask(_note_failure, doors, sent.email, browser)
        return response
    response = JSONResponse({"status": "signed in"})
    await note_device(doors, request, response, account=sent.email)
    set_cookie(response, cookie, name=doors.cookie_name)
    return response


async def _note_failure(doors: Doors, email: str, browser: Browser) -> None:
    try:
        await sign_ins.record_failure(doors.database, email=email, browser=browser)
    except Exception:
        logger.exception("A sign-in that failed was not written down")


async def _sign_out(doors: Doors, request: Request, sent: SignOut) -> Response:
    response = JSONResponse({"status": "signed out"}, headers=FORGET)
    clear_cookie(response, name=doors.cookie_name)
    try:
        session = await doors.session_of(request)
    except Unauthenticated:
        return response
    async with doors.database.system() as work:
        browser = browser_of(request)
        await login_sessions.sign_out(work, session, is_everywhere=sent.everywhere, browser=browser)
    return response


async def _change(doors: Doors, request: Request, sent: Change) -> Response:
    session = await doors.session_of(request)
    async with doors.attempts.trying(account=str(session.user_id), ip=browser_of(request).ip):
        cookie = await passwords.change_password(
            doors.database,
            session_id=session.id,
            user_id=session.user_id,
            current=sent.current,
            new=sent.new,
            hasher=doors.hasher,
            pepper=doors.pepper,
        )
    response = JSONResponse({"status": "changed"})
    async with doors.database.system() as work:
        user = (await users.get_account(work, id_=session.user_id)).user
    if user.email is not None:
        await note_device(doors, request, response, account=user.email)
    set_cookie(response, cookie, name=doors.cookie_name)
    response.background = doors.telling(session.user_id, PASSWORD_CHANGED)
    return response


async def _reset(doors: Doors, request: Request, sent: Reset) -> Response:
    """Answer before anybody is looked up: known and unknown addresses read and last alike."""
    device = await find_device(doors, request, account=sent.email)
    await doors.attempts.take_reset(account=sent.email, ip=browser_of(request).ip, device=device)
    return JSONResponse(
        {"status": "a mail is on its way if somebody has this address"},
        status_code=202,
        background=BackgroundTask(_send_link, doors, sent.email),
    )


async def _send_link(doors: Doors, email: str) -> None:
    if doors.mailer is None:
        logger.warning("No mail resets a password here: set HEADGATE_SMTP_HOST")
        return
    try:
        begun = await passwords.begin_reset(doors.database, email=email, pepper=doors.pepper)
        if begun is not None:
            user, token = begun
            await doors.mailer.send(mails.reset_mail(user, passwords.link_of(doors.url, token)))
    except Exception:
        logger.exception("A mail that resets a password was not sent")


async def _set_password(doors: Doors, request: Request, sent: NewPassword) -> Response:
    async with doors.attempts.trying(account=sent.token, ip=browser_of(request).ip):
        done = await passwords.finish_reset(
            doors.database,
            token=sent.token,
            password=sent.password,
            hasher=doors.hasher,
            pepper=doors.pepper,
            are_keys_revoked=sent.revoke_keys,
        )
    response = JSONResponse({"status": "changed"})
    if done.user.email is not None:
        await note_device(doors, request, response, account=done.user.email)
    clear_cookie(response, name=doors.cookie_name)
    told = reset_notice(keys=done.keys, is_revoked=sent.revoke_keys, unlinked=done.unlinked)
    response.background = doors.telling(done.user.id, told)
    return response
