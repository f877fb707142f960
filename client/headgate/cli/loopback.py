"""A server on 127.0.0.1, for as long as a login takes: the browser hands a code over to it."""

import base64
import hashlib
import hmac
import secrets
import time
import webbrowser
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, urlencode, urlsplit

from headgate.cli.failures import CommandError, ExitCode
from headgate.cli.output import say

WAIT_SECONDS = 300.0
READ_SECONDS = 5.0
PATH = "/callback"
_PAGE = (
    b'<!doctype html><html lang="en"><meta charset="utf-8"><title>Headgate</title>'
    b'<meta name="color-scheme" content="light dark"><body>'
    b"<p>%s You may close this page, and go back to your terminal.</p>"
)


@dataclass(frozen=True, slots=True)
class Handed:
    """What the browser handed over, and the secret that shows that it is for this program."""

    code: str
    verifier: str


def ask(url: str, *, asked: Mapping[str, str]) -> Handed:
    """Open the browser, and wait for what it hands over.

    Args:
        url: the server's address.
        asked: what the page shows beside.

    Raises:
        CommandError: the person refused, or nobody answered within five minutes.
    """
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    with _Server(state) as server:
        given = {"port": str(server.server_port), "state": state, "challenge": challenge, **asked}
        address = f"{url}/auth/cli?{urlencode(given)}"
        say(f"Your browser opens. If it does not, open this address in it:\n\n    {address}\n")
        webbrowser.open(address)
        answer = server.wait()
    if answer.get("error"):
        raise CommandError("The login was refused in the browser", code=ExitCode.NOT_ALLOWED)
    code = answer.get("code")
    if code is None:
        raise CommandError(
            "Nobody answered in the browser within five minutes",
            code=ExitCode.NOT_ALLOWED,
            hints=["`headgate login --device` needs no browser on this machine."],
        )
    return Handed(code, verifier)


class _Server(HTTPServer):
    """Takes one answer with the right state; whatever else comes is refused."""

    def __init__(self, state: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.state = state
        self.answer: dict[str, str] = {}

    def wait(self) -> dict[str, str]:
        deadline = time.monotonic() + WAIT_SECONDS
        while not self.answer and (left := deadline - time.monotonic()) > 0:
            self.timeout = left
            self.handle_request()
        return self.answer

    def take(self, path: str) -> bool:
        """Take an answer; whether it was the one that is waited for."""
        parts = urlsplit(path)
        found = {name: values[0] for name, values in parse_qs(parts.query).items()}
        given = found.pop("state", "").encode(errors="replace")
        if parts.path != PATH or not hmac.compare_digest(given, self.state.encode()):
            return False
        if "code" in found or "error" in found:
            self.answer = found
        return bool(self.answer)


class _Handler(BaseHTTPRequestHandler):
    timeout = READ_SECONDS

    def do_GET(self) -> None:
        is_ours = cast("_Server", self.server).take(self.path)
        told = b"This is done." if is_ours else b"This was not asked for."
        self.send_response(200 if is_ours else 400)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-security-policy", "default-src 'none'; frame-ancestors 'none'")
        self.send_header("referrer-policy", "no-referrer")
        self.send_header("cache-control", "no-store")
        self.end_headers()
        self.wfile.write(_PAGE % told)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the path holds a code."""
