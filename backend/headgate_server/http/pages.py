"""Pages to sign in, to choose a password and to look after an account; and how any is made."""

import json
import secrets
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from string import Template

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

HOME = "/auth/account"
"""Where somebody is led who has signed in, until the web application has its own first page."""
_FOLDER = files("headgate_server.http").joinpath("page_files")
_MOST_NEXT = 1000


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


def place_within(path: str | None) -> str:
    """Return where to go on to after signing in: a path of ours, and nowhere else."""
    is_ours = path is not None and path.startswith("/") and path[1:2] not in {"/", "\\"}
    if path is None or not is_ours or len(path) > _MOST_NEXT or not path.isprintable():
        return HOME
    return path


def page_routes(*, providers: Mapping[str, str]) -> list[Route]:
    """Return the pages for who is not signed in, and the files that all pages share.

    Args:
        providers: the names of other ways to sign in, by the last part of their address.
    """

    async def sign_in(request: Request) -> Response:
        next_ = place_within(request.query_params.get("next"))
        body = fill("sign_in", next=next_, providers=_show_providers(providers, next_=next_))
        return show_page("Sign in", body)

    async def reset(request: Request) -> Response:
        del request
        return show_page("Reset the password", fill("reset"))

    async def choose(request: Request) -> Response:
        del request
        return show_page("Choose a password", fill("new_password"))

    return [
        Route("/auth/sign-in", sign_in, methods=["GET"]),
        Route("/auth/password/reset", reset, methods=["GET"]),
        Route("/auth/password/new", choose, methods=["GET"]),
        _file_route("pages.js", "text/javascript"),
        _file_route("pages.css", "text/css"),
    ]


def _show_providers(providers: Mapping[str, str], *, next_: str) -> Markup:
    if not providers:
        return Markup()
    link = '<form data-to="/auth/oidc/$slug" data-set-next="$next">' + _TOLD + "$button</form>"
    button = '<button class="plain">Continue with $name</button>'
    links = [
        _fill(
            link, {"slug": slug, "next": json.dumps(next_), "button": _fill(button, {"name": name})}
        )
        for slug, name in providers.items()
    ]
    return Markup('<p class="or">or</p>' + "".join(links))


_TOLD = '<p class="told" role="alert" tabindex="-1"></p>'


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
        return Response(content, media_type=media_type)

    return Route(f"/auth/{name}", send, methods=["GET"])
