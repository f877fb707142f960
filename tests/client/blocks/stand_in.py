"""A small HTTP server that answers as it is told, and keeps what it was asked.

It stands in for services of which no code can be had here: Vault, Google Cloud, Azure. What it
cannot show is that they agree; requests are made by their official clients where there is one.
"""

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

Answer = Callable[["Asked"], tuple[int, Any]]


class Asked:
    """One request."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self.method = handler.command
        self.path, _, self.query = handler.path.partition("?")
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))

    def json(self) -> Any:
        return json.loads(self.body)


class StandIn(ThreadingHTTPServer):
    """A server on loopback; ``answer`` returns a status and a body: bytes, or else JSON."""

    daemon_threads = True

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.asked: list[Asked] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def _respond(self) -> None:
        server = cast("StandIn", self.server)
        asked = Asked(self)
        server.asked.append(asked)
        status, body = server.answer(asked)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        if status == 200 and "x-ms-range" in asked.headers:
            status = 206
        self.send_response(status)
        self.send_header("Content-Range", f"bytes 0-{len(data) - 1}/{len(data)}")
        self.send_header("WWW-Authenticate", 'Basic realm="stand-in"')
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        kind = "application/xml" if data.startswith(b"<") else kind
        self.send_header("Content-Type", kind)
        self.send_header("Metadata-Flavor", "Google")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def do_GET(self) -> None:
        self._respond()

    def do_POST(self) -> None:
        self._respond()

    def do_PUT(self) -> None:
        self._respond()

    def do_HEAD(self) -> None:
        self._respond()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def stand_in(answer: Answer) -> Generator[StandIn]:
    """Run one for as long as the block lasts."""
    server = StandIn(answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
