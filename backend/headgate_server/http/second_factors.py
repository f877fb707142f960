"""Turning a second factor on and off: POST application/json below /auth/second-factor."""

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from headgate_server.domain.errors import Forbidden
from headgate_server.http.doors import Doors, browser_of, route, with_cookie
from headgate_server.services import login_sessions, passwords, second_factors
from headgate_server.services.identities import PROVEN_WITHIN, SIGN_IN_AGAIN
from headgate_server.services.notices import FACTOR_OFF, FACTOR_ON


class Begin(msgspec.Struct):
    """Somebody wants a second factor; the password shows that it is they."""

    password: str = ""


class Code(msgspec.Struct):
    """A code of a second factor."""

    code: str


def second_factor_routes(doors: Doors) -> list[Route]:
    """Return the routes of second factors."""
    return [
        route(doors, "/auth/second-factor/begin", Begin, _begin),
        route(doors, "/auth/second-factor/confirm", Code, _confirm),
        route(doors, "/auth/second-factor/end", Code, _end),
    ]


async def _begin(doors: Doors, request: Request, sent: Begin) -> Response:
    session = await doors.session_of(request)
    async with doors.attempts.trying(account=str(session.user_id), ip=browser_of(request).ip):
        is_shown = await passwords.check_current(
            doors.database, user_id=session.user_id, current=sent.password, hasher=doors.hasher
        )
    if not is_shown and not await login_sessions.is_proven(
        doors.database, session_id=session.id, within=PROVEN_WITHIN
    ):
        raise Forbidden(SIGN_IN_AGAIN)
    async with doors.database.system() as work:
        begun = await second_factors.begin_enrolment(
            work, user_id=session.user_id, pepper=doors.pepper
        )
    return JSONResponse({"secret": begun.secret, "uri": begun.uri})


async def _confirm(doors: Doors, request: Request, sent: Code) -> Response:
    session = await doors.session_of(request)
    async with (
        doors.attempts.typing_code(account=str(session.user_id), ip=browser_of(request).ip),
        doors.database.system() as work,
    ):
        done = await second_factors.confirm_enrolment(
            work,
            user_id=session.user_id,
            session_id=session.id,
            code=sent.code,
            pepper=doors.pepper,
        )
    response = with_cookie(doors, {"recoveryCodes": done.recovery_codes}, done.cookie)
    response.background = doors.telling(session.user_id, FACTOR_ON)
    return response


async def _end(doors: Doors, request: Request, sent: Code) -> Response:
    session = await doors.session_of(request)
    async with (
        doors.attempts.typing_code(account=str(session.user_id), ip=browser_of(request).ip),
        doors.database.system() as work,
    ):
        cookie = await second_factors.end_enrolment(
            work,
            user_id=session.user_id,
            session_id=session.id,
            code=sent.code,
            pepper=doors.pepper,
        )
    response = with_cookie(doors, {"status": "off"}, cookie)
    response.background = doors.telling(session.user_id, FACTOR_OFF)
    return response
