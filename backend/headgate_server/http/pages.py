"""Pages that the server shows by itself: how one is made, and what may run in it."""

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from html import escape
from importlib.resources import files
from string import Template
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from headgate_server.http.refusals import failure

HOME = "/"
"""Where somebody is led who has signed in: the web application."""
ACCOUNT = "/auth/account"
"""Where people look after how they sign in."""
_FOLDER = files("headgate_server.http").joinpath("page_files")
_MOST_NEXT = 1000
_KEPT = {"cache-control": "public, max-age=300"}
"""Files that are the same for everybody."""


class Markup(str):
    """A text that is HTML already."""

    __slots__ = ()


def fill(name: str, /, **values: str) -> Markup:
    """Return a part of a page, with values in it; those that are no markup are escaped."""
    return _fill(_FOLDER.joinpath(f"{name}.html").read_text(encoding="utf-8"), values)


def show_page(
    title: str, body: Markup, *, who: str = "", is_wide: bool = False, status: int = 200
) -> Response:
    """Return a page: no script runs in it but ours, and no other page frames it."""
    nonce = secrets.token_urlsafe(18)
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
        "img-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    width = "wide" if is_wide else ""
    return HTMLResponse(
        fill("shell", title=title, body=body, nonce=nonce, who=who, width=width),
        status_code=status,
        headers={"content-security-policy": policy, "cache-control": "no-store"},
    )


def show_problem(message: str, *, status: int = 400, next_: str = "/auth/sign-in") -> Response:
    """Return a page that says what went wrong, and leads on."""
    body = fill("problem", message=message, next=next_, label="Go on to the sign-in page")
    return show_page("This did not work", body, status=status)


def page_route(path: str, show: Callable[[Request], Awaitable[Response]]) -> Route:
    """Return the route of a page: whatever goes wrong is masked, and shown as one."""

    async def answer(request: Request) -> Response:
        try:
            return await show(request)
        except Exception as error:  # noqa: BLE001  the edge: nothing unmasked leaves
            request_id = uuid4().hex
            refused = failure(error, request_id=request_id)
            message = f"Try again in a moment. Your operator finds this as {request_id} in the log."
            return show_problem(message, status=refused.status_code)

    return Route(path, answer, methods=["GET"])


def place_within(path: str | None) -> str:
    """Return where to go on to after signing in: a path of ours, and nowhere else."""
    is_ours = path is not None and path.startswith("/") and path[1:2] not in {"/", "\\"}
    if path is None or not is_ours or len(path) > _MOST_NEXT or not path.isprintable():
        return HOME
    return path


def file_routes() -> list[Route]:
    """Return the files that all pages share."""
    return [_file_route("pages.js", "text/javascript"), _file_route("pages.css", "text/css")]


def show_providers(providers: Mapping[str, str], *, next_: str, has_token: bool = False) -> Markup:
    """Return a button for each of the other ways to sign in.

    Args:
        providers: their names, by the last part of their address.
        next_: where to go on to.
        has_token: whether an invitation's token, behind the # of this page, goes along.
    """
    shown = [
        fill(
            "provider",
            slug=slug,
            name=name,
            next=json.dumps(next_),
            token=Markup('data-token="yes"') if has_token else "",
        )
        for slug, name in providers.items()
    ]
    return Markup("".join(['<p class="or">or</p>', *shown])) if shown else Markup()


def _fill(template: str, values: Mapping[str, str]) -> Markup:
    safe = {
        name: value if isinstance(value, Markup) else escape(value)
        for name, value in values.items()
    }
    return Markup(Template(template).substitute(safe))


def _file_route(name: str, media_type: str) -> Route:
    content = _FOLDER.joinpath(name).read_bytes()

    async def send(request: Request) -> Response:
        del request
        return Response(content, media_type=media_type, headers=_KEPT)

    return Route(f"/auth/{name}", send, methods=["GET"])
