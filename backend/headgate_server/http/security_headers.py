"""Headers that every answer has, so that a browser does no more with it than it must."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
HSTS = "max-age=63072000"
"""Two years. Hosts below ours may serve other things over HTTP: only a setting includes them."""


class SecurityHeaders:
    """Adds them; what an answer says itself goes first."""

    def __init__(
        self, app: ASGIApp, *, is_secure: bool, has_secure_subdomains: bool = False
    ) -> None:
        self._app = app
        hsts = f"{HSTS}; includeSubDomains" if has_secure_subdomains else HSTS
        self._headers = _ALWAYS | ({"strict-transport-security": hsts} if is_secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the headers added."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, tell)
