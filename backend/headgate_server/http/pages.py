"""Pages to sign in and to choose a password, until the web application has its own."""

import secrets
from collections.abc import Awaitable, Callable
from importlib.resources import files
from string import Template

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

SCRIPT_PATH = "/auth/pages.js"
_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title - Headgate</title>
<style nonce="$nonce">
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 24rem; margin: 10vh auto; padding: 0 1rem;
  color: #1a1a1a; background: #fff }
label { display: block; margin-top: 1rem }
input, button { font: inherit; width: 100%; box-sizing: border-box; padding: .5rem;
  margin-top: .25rem }
button { margin-top: 1.5rem }
[hidden] { display: none }
</style>
<script src="$script" nonce="$nonce" defer></script>
</head>
<body>
<main>
<h1>$title</h1>
<p id="told" role="alert" tabindex="-1"></p>
$form
<noscript><p>This page needs JavaScript: it sends what no page of another site can.</p></noscript>
</main>
</body>
</html>
""")
_SIGN_IN = """<form data-to="/auth/sign-in" data-next="/">
<label>E-mail <input name="email" type="email" autocomplete="username" required autofocus></label>
<label>Password
<input name="password" type="password" autocomplete="current-password" required></label>
<div id="code-step" hidden>
<label>Code of your second factor, or a recovery code
<input name="code" autocomplete="one-time-code" autocapitalize="none" spellcheck="false"></label>
</div>
<button>Sign in</button>
</form>
<p><a href="/auth/password/reset">Forgot the password?</a></p>"""
_RESET = """<form data-to="/auth/password/reset"
data-done="A mail is on its way if somebody has this address.">
<label>E-mail <input name="email" type="email" autocomplete="username" required autofocus></label>
<button>Send me a link</button>
</form>
<p><a href="/auth/sign-in">Sign in</a></p>"""
_NEW = """<form data-to="/auth/password/new" data-token="yes" data-next="/auth/sign-in">
<label>New password, of 12 characters or more
<input name="password" type="password" autocomplete="new-password" minlength="12" required
autofocus></label>
<button>Keep this password</button>
</form>"""


def page_routes() -> list[Route]:
    """Return the pages, and the one script that they share."""
    script = files("headgate_server.http").joinpath("pages.js").read_bytes()

    async def send_script(request: Request) -> Response:
        del request
        return Response(script, media_type="text/javascript")

    return [
        Route("/auth/sign-in", _page("Sign in", _SIGN_IN), methods=["GET"]),
        Route("/auth/password/reset", _page("Reset the password", _RESET), methods=["GET"]),
        Route("/auth/password/new", _page("Choose a password", _NEW), methods=["GET"]),
        Route(SCRIPT_PATH, send_script, methods=["GET"]),
    ]


def _page(title: str, form: str) -> Callable[[Request], Awaitable[Response]]:
    async def show(request: Request) -> Response:
        del request
        nonce = secrets.token_urlsafe(18)
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
            "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        return HTMLResponse(
            _PAGE.substitute(title=title, form=form, nonce=nonce, script=SCRIPT_PATH),
            headers={"content-security-policy": policy, "cache-control": "no-store"},
        )

    return show
