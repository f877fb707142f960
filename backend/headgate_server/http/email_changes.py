"""Changing one's address: asked for on the page of the account, done by a link in a mail."""

import logging

import msgspec
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from headgate_server.domain.errors import Forbidden
from headgate_server.domain.login_sessions import LoginSession
from headgate_server.domain.users import check_email
from headgate_server.http.cookies import clear_cookie
from headgate_server.http.doors import Doors, browser_of, route
from headgate_server.http.pages import fill, page_route, show_page
from headgate_server.services import email_changes, login_sessions, mails, passwords, users
from headgate_server.services.identities import PROVEN_WITHIN, SIGN_IN_AGAIN
from headgate_server.services.notices import EMAIL_CHANGED, EMAIL_PROVEN, send_notice

logger = logging.getLogger("headgate.http")

NO_MAILS = "No mails are sent here: ask your operator to set HEADGATE_SMTP_HOST."


class NewEmail(msgspec.Struct):
    """Somebody wants another address; the password shows that it is they."""

    email: str
    password: str = ""


class Come(msgspec.Struct):
    """Somebody came by the link of the mail."""

    token: str


def email_routes(doors: Doors) -> list[Route]:
    """Return the page that the link leads to, and what is asked for."""

    async def show(request: Request) -> Response:
        del request
        return show_page("Your new address", fill("new_email"))

    return [
        page_route("/auth/email/new", show),
        route(doors, "/auth/email", NewEmail, _begin),
        route(doors, "/auth/email/new", Come, _finish),
    ]


async def _begin(doors: Doors, request: Request, sent: NewEmail) -> Response:
    """Answer before anybody is looked up: addresses of others and of nobody read alike."""
    session = await doors.session_of(request)
    address = check_email(sent.email)
    if doors.mailer is None:
        raise Forbidden(NO_MAILS)
    async with doors.attempts.trying(account=str(session.user_id), ip=browser_of(request).ip):
        is_shown = await passwords.check_current(
            doors.database, user_id=session.user_id, current=sent.password, hasher=doors.hasher
        )
    if not is_shown and not await login_sessions.is_proven(
        doors.database, session_id=session.id, within=PROVEN_WITHIN
    ):
        raise Forbidden(SIGN_IN_AGAIN)
    await doors.attempts.take_reset(account=address, ip=browser_of(request).ip, device=None)
    return JSONResponse(
        {"status": "a mail is on its way if nobody else has this address"},
        status_code=202,
        background=BackgroundTask(_send_link, doors, session, address),
    )


async def _send_link(doors: Doors, session: LoginSession, address: str) -> None:
    try:
        async with doors.database.system() as work:
            token = await email_changes.begin(work, session, email=address, pepper=doors.pepper)
            user = (await users.get_account(work, id_=session.user_id)).user
        if token is not None and doors.mailer is not None:
            link = f"{doors.url}/auth/email/new#{token}"
            await doors.mailer.send(mails.address_mail(user, link, to=address))
    except Exception:
        logger.exception("A mail that proves an address was not sent")


async def _finish(doors: Doors, request: Request, sent: Come) -> Response:
    session = await doors.find_session(request)
    by = None if session is None else session.user_id
    async with (
        doors.attempts.trying(account=sent.token, ip=browser_of(request).ip),
        doors.database.system() as work,
    ):
        done = await email_changes.finish(work, token=sent.token, pepper=doors.pepper, by=by)
    response = JSONResponse({"status": "changed"})
    clear_cookie(response, name=doors.cookie_name)
    is_same = done.after == done.user.email
    what = EMAIL_PROVEN if is_same else EMAIL_CHANGED.format(email=done.after)
    response.background = BackgroundTask(
        send_notice, doors.mailer, done.user, what=what, url=doors.url
    )
    return response
