"""The page on which people look after their own account, and ending one session from it."""

from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from headgate_server.domain import ids
from headgate_server.domain.login_sessions import LoginSession
from headgate_server.http.doors import Doors, route
from headgate_server.http.pages import Markup, fill, page_route, show_page
from headgate_server.services import identities, login_sessions, users
from headgate_server.services.users import Account


class End(msgspec.Struct):
    """Somebody ends one of their sessions."""

    id: str


def account_routes(doors: Doors) -> list[Route]:
    """Return the page of an account, and what it asks for."""

    async def show(request: Request) -> Response:
        session = await doors.find_session(request)
        if session is None:
            return RedirectResponse("/auth/sign-in?next=/auth/account", status_code=303)
        async with doors.database.system() as work:
            account = await users.get_account(work, id_=session.user_id)
            open_ = await login_sessions.list_sessions(work, user_id=session.user_id)
            issuers = await identities.list_issuers(work, user_id=session.user_id)
        return show_page(
            "Your account",
            fill(
                "account",
                name=account.user.display_name,
                email=account.user.email or "no address",
                sessions=_show_sessions(open_, current=session),
                identities=_show_identities(doors, issuers),
                password=_show_password(account),
                factor=_show_factor(account),
            ),
            who=account.user.email or account.user.display_name,
            is_wide=True,
        )

    return [
        page_route("/auth/account", show),
        route(doors, "/auth/sessions/end", End, _end),
    ]


async def _end(doors: Doors, request: Request, sent: End) -> Response:
    session = await doors.session_of(request)
    id_ = ids.parse(sent.id, kind=ids.Kind.LOGIN_SESSION)
    async with doors.database.system() as work:
        await login_sessions.revoke(work, user_id=session.user_id, id_=id_)
    return JSONResponse({"status": "ended"})


def _show_sessions(open_: list[LoginSession], *, current: LoginSession) -> Markup:
    rows = [
        fill(
            "session",
            browser=describe(session.user_agent),
            ip=session.ip or "an unknown address",
            created=_moment(session.created_at),
            seen=_moment(session.last_seen_at),
            end=Markup('<span class="here">This browser</span>')
            if session.id == current.id
            else fill("session_end", id=ids.show(ids.Kind.LOGIN_SESSION, session.id)),
        )
        for session in open_
    ]
    return Markup("".join(rows))


def _show_identities(doors: Doors, issuers: list[str]) -> Markup:
    if not doors.providers:
        return Markup()
    rows: list[str] = []
    for slug, client in doors.providers.items():
        is_linked = client.provider.issuer in issuers
        end = Markup('<span class="here">Yours</span>') if is_linked else fill("link", slug=slug)
        rows.append(fill("identity", name=client.provider.name, end=end))
    return fill("identities", rows=Markup("".join(rows)))


def _show_password(account: Account) -> Markup:
    if not account.has_password:
        return Markup('<p class="hint">You sign in without one.</p>')
    return fill("password", email=account.user.email or "")


def _show_factor(account: Account) -> Markup:
    if account.has_second_factor:
        return fill("factor_on", left=str(account.recovery_count))
    return fill("factor_off")


def describe(user_agent: str | None) -> str:
    """Return a browser's name and its system's, as far as it says them."""
    said = user_agent or ""
    names = ("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")
    systems = (
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Mac OS X", "macOS"),
        ("Windows", "Windows"),
        ("Linux", "Linux"),
    )
    name = next((shown for mark, shown in names if mark in said), None)
    system = next((shown for mark, shown in systems if mark in said), None)
    if name is None:
        return said[:80] or "A program that gave no name"
    return f"{name} on {system}" if system else name


def _moment(at: datetime) -> str:
    return f"{at:%d %b %Y %H:%M} UTC"
