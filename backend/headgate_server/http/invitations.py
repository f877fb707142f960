"""The page of an invitation, and what it asks for: POST application/json below /auth/invitation."""

import logging

import msgspec
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from headgate_server.http.doors import Doors, browser_of, route
from headgate_server.http.pages import HOME, Markup, fill, page_route, show_page, show_providers
from headgate_server.services import invitations, joining, mails, users
from headgate_server.services.invitations import PATH
from headgate_server.services.joining import Redirected
from headgate_server.services.mails import MailNotSent, MailRefused

logger = logging.getLogger("headgate.http")


class Look(msgspec.Struct):
    """Somebody came by the link of an invitation."""

    token: str


class Join(msgspec.Struct):
    """Somebody who is signed in joins."""

    token: str


class Newcomer(msgspec.Struct):
    """Somebody without an account joins."""

    token: str
    name: str
    password: str


def invitation_routes(doors: Doors) -> list[Route]:
    """Return the page of an invitation, and what it asks for."""

    async def show(request: Request) -> Response:
        del request
        others = show_providers(doors.provider_names, next_=HOME, has_token=True)
        newcomer = fill("newcomer") if doors.has_passwords else Markup()
        page = fill("invitation", newcomer=newcomer, providers=others)
        return show_page("You are invited", page)

    found = [
        page_route(PATH, show),
        route(doors, f"{PATH}/look", Look, _look),
        route(doors, f"{PATH}/join", Join, _join),
    ]
    if doors.has_passwords:
        found.append(route(doors, f"{PATH}/new", Newcomer, _join_as_new))
    return found


async def _look(doors: Doors, request: Request, sent: Look) -> Response:
    async with doors.attempts.trying(account=sent.token, ip=browser_of(request).ip):
        shown = await invitations.look(doors.database, token=sent.token, pepper=doors.pepper)
    session = await doors.find_session(request)
    signed_in_as = None
    if session is not None:
        async with doors.database.system() as work:
            user = (await users.get_account(work, id_=session.user_id)).user
        signed_in_as = user.email or user.display_name
    invitation = shown.invitation
    return JSONResponse(
        {
            "organization": shown.organization.name,
            "email": invitation.email,
            "invitedBy": invitation.invited_by.display_name,
            "roles": ", ".join(shown.role_names) or "none yet",
            "expires": f"{invitation.expires_at:%d %b %Y %H:%M} UTC",
            "signedInAs": signed_in_as,
        }
    )


async def _join(doors: Doors, request: Request, sent: Join) -> Response:
    session = await doors.session_of(request)
    async with (
        doors.attempts.trying(account=sent.token, ip=browser_of(request).ip),
        doors.database.system() as work,
    ):
        await invitations.accept(
            work, token=sent.token, user_id=session.user_id, pepper=doors.pepper
        )
    return JSONResponse({"location": HOME})


async def _join_as_new(doors: Doors, request: Request, sent: Newcomer) -> Response:
    """Answer alike whether or not the address has an account; its owner is told by mail."""
    async with doors.attempts.trying(account=sent.token, ip=browser_of(request).ip):
        redirected = await joining.join_as_new(
            doors.database,
            token=sent.token,
            name=sent.name,
            password=sent.password,
            hasher=doors.hasher,
            pepper=doors.pepper,
            is_proof_needed=doors.is_proof_needed,
            is_mailing=doors.mailer is not None,
        )
    response = JSONResponse({"location": "/auth/sign-in?came=invitation"})
    if redirected is not None:
        response.background = BackgroundTask(_send_on, doors, redirected)
    return response


async def _send_on(doors: Doors, redirected: Redirected) -> None:
    if doors.mailer is None:
        return
    one = redirected.shown.invitation
    mail = mails.redirected_mail(
        user=redirected.user,
        organization=redirected.shown.organization.name,
        invited_by=one.invited_by.display_name,
        link=invitations.link_of(doors.url, redirected.token),
        expires_at=one.expires_at,
    )
    try:
        await doors.mailer.send(mail)
    except (MailNotSent, MailRefused):
        logger.warning("An invitation was not sent on to who has an account; invite them again")
