"""Connections whose other end does not say what it wants: the heads of requests are bounded.

A request has to begin with a head of limited length within a few seconds, and to be whole within a
minute or two. Otherwise anybody could hold connections, and memory, without ever being anybody.
"""

import asyncio
import logging
from enum import Enum
from typing import Any, ClassVar, cast

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

logger = logging.getLogger("headgate.http")

MAX_HEAD_BYTES = 64 * 1024
"""For the line of a request and its headers, and again for what follows a body in chunks."""
HEAD_SECONDS = 15.0
BODY_SECONDS = 120.0
"""The largest body, 4 MiB, passes at 35 kB/s."""


class Phase(Enum):
    """How far a request has come in."""

    NOTHING = "NOTHING"
    HEAD = "HEAD"
    BODY = "BODY"


class BoundedProtocol(HttpToolsProtocol):
    """A connection of HTTP that is closed when a request does not come to its point.

    Timers are set between reads: a request that comes in whole, as nearly all do, costs none.
    """

    head_seconds: ClassVar[float] = HEAD_SECONDS
    body_seconds: ClassVar[float] = BODY_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pointless_bytes = 0
        self._phase = Phase.NOTHING
        self._request_number = 0
        self._waiting_for: tuple[Phase, int] = (Phase.NOTHING, 0)
        self._patience: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._wait_for(Phase.HEAD)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_for(Phase.NOTHING)
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        self._pointless_bytes += len(data)
        super().data_received(data)
        is_stray = bool(self._pointless_bytes) and not self._is_answering
        self._wait_for(Phase.HEAD if self._phase is Phase.NOTHING and is_stray else self._phase)
        if self._pointless_bytes > MAX_HEAD_BYTES:
            self.refuse("431 Request Header Fields Too Large")

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._phase = Phase.HEAD
        self._request_number += 1

    @override
    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._pointless_bytes = 0
        self._phase = Phase.BODY

    @override
    def on_body(self, body: bytes) -> None:
        self._pointless_bytes = 0
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        self._pointless_bytes = 0
        self._phase = Phase.NOTHING
        super().on_message_complete()

    @override
    def handle_websocket_upgrade(self) -> None:
        self._pointless_bytes = 0
        self._phase = Phase.NOTHING
        super().handle_websocket_upgrade()

    def refuse(self, status: str) -> None:
        """Close the connection; say why, unless an answer is on its way."""
        if self.transport.is_closing():
            return
        logger.info("A connection was closed: %s", status)
        if not self._is_answering:
            self.transport.write(
                f"HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".encode()
            )
            self.transport.close()
        else:
            self.transport.abort()

    def _give_up(self) -> None:
        """Close a connection that took too long; one that said nothing is told nothing.

        Browsers open some before they need them, and would take what is said for an answer.
        """
        if self._phase is not Phase.NOTHING or self._pointless_bytes:
            self.refuse("408 Request Timeout")
        else:
            self.transport.close()

    @property
    def _is_answering(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is not None and not cycle.response_complete

    def _wait_for(self, phase: Phase) -> None:
        """Wait from now on for a phase of a request to end, unless it is waited for already."""
        wanted = (phase, self._request_number)
        if wanted == self._waiting_for:
            return
        self._waiting_for = wanted
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if phase is not Phase.NOTHING:
            seconds = self.head_seconds if phase is Phase.HEAD else self.body_seconds
            self._patience = asyncio.get_running_loop().call_later(seconds, self._give_up)
