"""What the sockets of the API allow, and how the ASGI server is to be started."""

from collections.abc import Mapping

from headgate_server.http.slow_readers import HttpProtocol, SocketProtocol

MAX_FRAME_BYTES = 256 * 1024
MAX_OPERATIONS_PER_SOCKET = 20
REAUTHENTICATE_SECONDS = 60.0
"""How soon a revoked credential loses its open sockets, where no wake-up says so earlier."""
REQUEST_ID_HEADER = "x-request-id"

UVICORN_OPTIONS: Mapping[str, object] = {
    "http": HttpProtocol,
    "loop": "uvloop",
    "ws": SocketProtocol,
    "ws_max_size": MAX_FRAME_BYTES,
    "ws_per_message_deflate": False,
    "ws_ping_interval": 20.0,
    "ws_ping_timeout": 20.0,
    "timeout_keep_alive": 75,
    "server_header": False,
    "access_log": False,
    "log_config": None,
}
"""Deflate is off: it costs 300 kB a socket and leaks lengths; keep-alive outlives proxies' 60 s."""
