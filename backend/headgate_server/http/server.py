"""The web server of a process: one port, without signal handlers of its own."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from headgate_server.domain.errors import ConfigurationError
from headgate_server.http.constants import UVICORN_OPTIONS

STOP_SECONDS = 10


class Server(uvicorn.Server):
    """Uvicorn without signal handlers of its own: the process drains before sockets close."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept connections, and tell."""
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave the signals to the process."""
        yield


def check_bindable(host: str, port: int, *, settings: str = "--port or HEADGATE_PORT") -> None:
    """Refuse an address that cannot be listened on, before anything is started for it.

    Raises:
        ConfigurationError: the port is in use, or may not be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigurationError(
                f"Port {port} of {host} cannot be listened on: {error.strerror}. Stop what listens "
                f"there, or choose another with {settings}."
            ) from None


def _is_ipv4(network: str) -> bool:
    return ip_network(network).version == 4


def _mapped(network: str) -> str:
    """Return a network of IPv4 as a socket of both kinds knows it: RFC 4291, 2.5.5.2."""
    found = ip_network(network)
    return f"::ffff:{found.network_address}/{found.prefixlen + 96}"


@asynccontextmanager
async def serving(
    app: ASGIApp, *, host: str, port: int, trusted_proxies: Sequence[str] = ()
) -> AsyncGenerator[asyncio.Task[None]]:
    """Serve an application for as long as the block runs; it accepts connections as it begins.

    Args:
        app: what answers.
        host: the address to listen on.
        port: the port.
        trusted_proxies: whose X-Forwarded-For says where a caller is; unless said nobody's, of
            this machine neither.

    Yields:
        What ends early only where the server does.
    """
    options: dict[str, Any] = dict(UVICORN_OPTIONS)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        timeout_graceful_shutdown=STOP_SECONDS,
        lifespan="off",
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=[*trusted_proxies, *map(_mapped, filter(_is_ipv4, trusted_proxies))],
        **options,
    )
    server = Server(config)
    sockets = [config.bind_socket()]
    # uvicorn lets children have it: one that outlives this process would keep the port taken.
    sockets[0].set_inheritable(False)
    task = asyncio.create_task(server.serve(sockets=sockets), name=f"uvicorn {port}")
    listening = asyncio.create_task(server.listening.wait())
    try:
        await asyncio.wait({listening, task}, return_when=asyncio.FIRST_COMPLETED)
        yield task
    finally:
        listening.cancel()
        server.should_exit = True
        await task
