"""Deleting one's own account: asked for on the page of the account, with what proves the person."""

import msgspec
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from headgate_server.domain.errors import Forbidden
from headgate_server.http.cookies import clear_cookie
from headgate_server.http.doors import Doors, browser_of, route
from headgate_server.services import erasures, login_sessions, passwords
from headgate_server.services.identities import PROVEN_WITHIN, SIGN_IN_AGAIN
from headgate_server.services.notices import send_farewell


class Delete(msgspec.Struct):
    """Somebody wants their account deleted; password and code show that it is they."""

    password: str = ""
    code: str = ""


def account_end_routes(doors: Doors) -> list[Route]:
    """Return the route by which people delete their account."""
    return [route(doors, "/auth/account/delete", Delete, _delete)]


async def _delete(doors: Doors, request: Request, sent: Delete) -> Response:
    session = await doors.session_of(request)
    account, ip = str(session.user_id), browser_of(request).ip
    async with doors.attempts.trying(account=account, ip=ip):
        is_shown = await passwords.check_current(
            doors.database, user_id=session.user_id, current=sent.password, hasher=doors.hasher
        )
    if not is_shown and not await login_sessions.is_proven(
        doors.database, session_id=session.id, within=PROVEN_WITHIN
    ):
        raise Forbidden(SIGN_IN_AGAIN)
    async with (
        doors.attempts.typing_code(account=account, ip=ip),
        doors.database.system() as work,
    ):
        gone = await erasures.delete_own(work, session, code=sent.code, pepper=doors.pepper)
    response = JSONResponse({"status": "deleted"})
    clear_cookie(response, name=doors.cookie_name)
    response.background = BackgroundTask(send_farewell, doors.mailer, gone)
    return response
