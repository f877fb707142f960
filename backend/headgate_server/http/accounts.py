"""The page on which people look after their own account, and ending one session from it."""

from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from headgate_server.domain import ids
from headgate_server.domain.api_keys import ApiKey
from headgate_server.domain.identities import LinkedIdentity
from headgate_server.domain.login_sessions import LoginSession
from headgate_server.http.doors import Doors, route
from headgate_server.http.pages import Markup, fill, page_route, show_page
from headgate_server.services import api_keys, identities, login_sessions, users
from headgate_server.services.notices import MOST_KEYS
from headgate_server.services.users import Account


class RevokeKeys(msgspec.Struct):
    """Somebody revokes all of their API keys."""


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
            linked = await identities.list_identities(work, user_id=session.user_id)
            keys = await api_keys.list_own_live(work, user_id=session.user_id)
        return show_page(
            "Your account",
            fill(
                "account",
                name=account.user.display_name,
                email=account.user.email or "no address",
                sessions=_show_sessions(open_, current=session),
                identities=_show_identities(doors, linked),
                keys=_show_keys(keys),
                address=fill("email"),
                password=_show_password(account, doors=doors),
                factor=_show_factor(account, doors=doors),
                end=_show_end(account, doors=doors),
            ),
            who=account.user.email or account.user.display_name,
            is_wide=True,
        )

    return [
        page_route("/auth/account", show),
        route(doors, "/auth/sessions/end", End, _end),
        route(doors, "/auth/keys/revoke-all", RevokeKeys, _revoke_keys),
    ]


async def _end(doors: Doors, request: Request, sent: End) -> Response:
    session = await doors.session_of(request)
    id_ = ids.parse(sent.id, kind=ids.Kind.LOGIN_SESSION)
    async with doors.database.system() as work:
        await login_sessions.end_session(work, session, id_=id_)
    return JSONResponse({"status": "ended"})


async def _revoke_keys(doors: Doors, request: Request, sent: RevokeKeys) -> Response:
    del sent
    session = await doors.session_of(request)
    async with doors.database.system() as work:
        user = (await users.get_account(work, id_=session.user_id)).user
        revoked = await api_keys.revoke_all(work, user=user)
    return JSONResponse({"status": "revoked", "count": len(revoked)})


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


def _show_identities(doors: Doors, linked: list[LinkedIdentity]) -> Markup:
    """Return a row for every identity, and one for every provider that has none yet."""
    names = {one.provider.issuer: one.provider.name for one in doors.providers.values()}
    rows: list[str] = []
    for one in linked:
        end = fill("unlink", id=ids.show(ids.Kind.IDENTITY, one.id))
        rows.append(fill("identity", name=names.get(one.issuer, one.issuer), end=end))
    theirs = {one.issuer for one in linked}
    for slug, client in doors.providers.items():
        if client.provider.issuer not in theirs:
            rows.append(fill("identity", name=client.provider.name, end=fill("link", slug=slug)))
    return fill("identities", rows=Markup("".join(rows))) if rows else Markup()


def _show_keys(keys: list[ApiKey]) -> Markup:
    if not keys:
        return Markup('<p class="hint">None works.</p>')
    rows = [
        fill(
            "key",
            name=key.name,
            prefix=key.prefix,
            created=_moment(key.created_at),
            used=_moment(key.last_used_at) if key.last_used_at else "never",
        )
        for key in keys[:MOST_KEYS]
    ]
    more = f"and {len(keys) - MOST_KEYS} more" if len(keys) > MOST_KEYS else ""
    return fill("keys", rows=Markup("".join(rows)), more=more)


def _show_password(account: Account, *, doors: Doors) -> Markup:
    if not account.has_password or not doors.has_passwords:
        return Markup('<p class="hint">You sign in without one.</p>')
    return fill("password", email=account.user.email or "")


def _show_factor(account: Account, *, doors: Doors) -> Markup:
    if not doors.has_passwords:
        return Markup('<p class="hint">Your provider asks for it.</p>')
    if account.has_second_factor:
        return fill("factor_on", left=str(account.recovery_count))
    return fill("factor_off")


def _show_end(account: Account, *, doors: Doors) -> Markup:
    is_asked = account.has_password and doors.has_passwords
    password = fill("end_password", email=account.user.email or "") if is_asked else Markup()
    code = fill("end_code") if account.has_second_factor else Markup()
    return fill("end", password=password, code=code)


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
