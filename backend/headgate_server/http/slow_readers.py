"""Connections whose other end does not read: what waits for them is bounded, then they are cut.

A connection is cut when nothing at all leaves it for so long. A WebSocket carries one message at a
time, however many operations it has: who reads slowly but steadily is only sent less. It is closed
with a code that says how to go on: who reads within a moment gets all that was written and the code
behind it. An event stream just ends.
"""

import asyncio
import contextlib
import logging
import socket
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from typing_extensions import override
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Frame

from headgate_server.http.frame_rates import (
    FLOOD_REASON,
    READ_AT_ONCE_BYTES,
    TOO_MANY_FRAMES,
    FrameBucket,
)
from headgate_server.http.slow_senders import BoundedProtocol

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent

if sys.platform != "win32":
    import fcntl
    import termios

logger = logging.getLogger("headgate.http")

RESYNC = 4413
"""Closes a socket that is too slow: open another one and go on from the cursor."""
RESYNC_REASON = "Too slow; go on from your cursor"
STALLED_SECONDS = 15.0
FAREWELL_SECONDS = 2.0
UNSENT_IN_KERNEL_BYTES = 128 * 1024
"""Beyond this the kernel takes no more for a connection: its own buffers may grow to megabytes."""


class Watch:
    """Looks after one connection for as long as it cannot be written to."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._timer: asyncio.TimerHandle | None = None
        # A connection cannot be written to as soon as anything waits in this process: even the
        # last bytes of one that is being closed would hold it open until its other end reads.
        transport.set_write_buffer_limits(high=0)
        _bound_kernel(transport)

    def begin(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something when the connection cannot be written to for so long."""
        self.end()
        self._timer = asyncio.get_running_loop().call_later(seconds, act)

    def begin_patiently(self, stalled_seconds: float, cut: Callable[[], None]) -> None:
        """Cut the connection when its other end takes nothing for so long."""
        before = self._waiting_bytes()

        def look() -> None:
            if self._waiting_bytes() < before:
                self.begin_patiently(stalled_seconds, cut)
            else:
                cut()

        self.begin(stalled_seconds, look)

    def _waiting_bytes(self) -> int:
        """Return how much waits: here, and in the kernel, which takes more from here in steps."""
        return self._transport.get_write_buffer_size() + _unacknowledged(self._transport)

    def end(self) -> None:
        """Look no more: the connection can be written to, or is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class SocketProtocol(WebSocketsSansIOProtocol):
    """A WebSocket that is cut when its other end does not read, or sends too many frames."""

    stalled_seconds: ClassVar[float] = STALLED_SECONDS
    farewell_seconds: ClassVar[float] = FAREWELL_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._watch: Watch | None = None
        self._frames = FrameBucket(self.loop.time)
        self.is_cut = False
        self.is_flooded = False

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._watch = Watch(self.transport)

    @override
    def data_received(self, data: bytes) -> None:
        # One read may hold tens of thousands of frames: no more are taken apart than may be sent.
        for start in range(0, len(data), READ_AT_ONCE_BYTES):
            if self.is_flooded or self.transport.is_closing():
                return
            super().data_received(data[start : start + READ_AT_ONCE_BYTES])

    @override
    def handle_events(self) -> None:
        frames = sum(isinstance(event, Frame) for event in self.conn.events)
        if self._frames.take(frames):
            super().handle_events()
        else:
            self.refuse_flood()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._end_watch()
        super().connection_lost(exc)

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        if self._watch is not None and not self.is_cut:
            self._watch.begin_patiently(self.stalled_seconds, self.cut)

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.is_cut:
            self._end_watch()

    @override
    async def send(self, message: "ASGISendEvent") -> None:
        if self.is_cut:
            raise ClientDisconnected
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and self.close_sent:
            # A refusal completes the handshake too: uvicorn knows that only once its client has
            # left, and would complain of the application until then.
            self.handshake_complete = True

    def cut(self) -> None:
        """Say that it is over, and drop the connection in a moment with all that has not left."""
        if self._cut(RESYNC, RESYNC_REASON):
            logger.info("A socket was cut: its other end does not read")

    def refuse_flood(self) -> None:
        """Say that it is over, and leave what else was sent: unread, and undone."""
        while not self.queue.empty():
            self.queue.get_nowait()
        if not self._cut(TOO_MANY_FRAMES, FLOOD_REASON):
            return
        logger.info("A socket was cut: its other end sends too many frames")
        self.is_flooded = True
        self.read_paused = False  # nobody reads on once its messages are handled
        self.transport.pause_reading()

    def _cut(self, code: int, reason: str) -> bool:
        """Close it with a code, and drop it in a moment; whether it was not over before."""
        if self.is_cut or self.disconnected or self._watch is None:
            return False
        self.is_cut = True
        if self.handshake_complete and not self.close_sent:
            with contextlib.suppress(InvalidState):
                self.conn.send_close(code, reason)
                self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code})
        self._watch.begin(self.farewell_seconds, self.transport.abort)
        return True

    def _end_watch(self) -> None:
        if self._watch is not None:
            self._watch.end()


class HttpProtocol(BoundedProtocol):
    """A connection of HTTP that is cut when its other end does not read."""

    stalled_seconds: ClassVar[float] = STALLED_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._watch: Watch | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._watch = Watch(transport)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._end_watch()
        super().connection_lost(exc)

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        if self._watch is not None:
            self._watch.begin_patiently(self.stalled_seconds, self.cut)

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        self._end_watch()

    def cut(self) -> None:
        """Drop the connection with all that has not left."""
        logger.info("A connection was cut: its other end does not read")
        self.transport.abort()

    def _end_watch(self) -> None:
        if self._watch is not None:
            self._watch.end()


def _unacknowledged(transport: asyncio.Transport) -> int:
    """Return how many bytes the kernel holds for the other end; 0 where it does not say."""
    found = cast("socket.socket | None", transport.get_extra_info("socket"))
    if found is None or sys.platform != "linux":
        return 0
    try:
        told = fcntl.ioctl(found.fileno(), termios.TIOCOUTQ, bytes(4))
    except OSError:
        return 0
    return int.from_bytes(told, sys.byteorder)


def _bound_kernel(transport: asyncio.Transport) -> None:
    found = cast("socket.socket | None", transport.get_extra_info("socket"))
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    if found is not None and option is not None:
        # What is no TCP connection has no such option.
        with contextlib.suppress(OSError):
            found.setsockopt(socket.IPPROTO_TCP, option, UNSENT_IN_KERNEL_BYTES)
