"""The way to the server: calls with retries, subscriptions, and a blocking facade over both."""

import asyncio
import os
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, TypeVar, cast

from headgate.api.background import BackgroundLoop, background_loop, close_at_exit
from headgate.errors import RateLimitedError, RetryableApiError

if TYPE_CHECKING:
    from types import ModuleType

    from headgate.api.wire import HttpWire

P = ParamSpec("P")
T = TypeVar("T")

DEFAULT_DEADLINE_SECONDS = 30.0
REQUEST_TIMEOUT_SECONDS = 30.0
LEAST_ATTEMPT_SECONDS = 1.0
"""What an attempt is given at least, so that the last one before a deadline is no vain one."""
RATE_PATIENCE_SECONDS = 30.0
"""So long is waited for points at least, where a call has no deadline of its own."""
_FIRST_DELAY_SECONDS = 0.1
_LONGEST_DELAY_SECONDS = 8.0
_WISH_SPREAD = 0.1
_LONGEST_SPREAD_SECONDS = 1.0
"""The server's wishes are whole seconds: those who were told the same do not come together."""


def _wire() -> "ModuleType":
    """Import gql and aiohttp (0.3 s) at the first call, not when a flow is defined."""
    import headgate.api.wire as wire  # noqa: PLC0415 - named lazy-import place: gql, aiohttp

    return wire


def _socket() -> "ModuleType":
    """Import gql's websockets at the first subscription, which a flow's process never makes."""
    import headgate.api.socket as socket  # noqa: PLC0415 - named lazy-import place: websockets

    return socket


def _event_stream() -> "ModuleType":
    """Import the event stream's client at the first one: only agents behind proxies need it."""
    import headgate.api.event_stream as stream  # noqa: PLC0415 - named lazy-import place: aiohttp

    return stream


def retry_delay_seconds(attempt: int, *, wish_seconds: float | None = None) -> float:
    """Choose how long to wait before another attempt: full jitter, or the server's own wish.

    Args:
        attempt: 0 after the first failure.
    """
    if wish_seconds is not None:
        most = min(max(wish_seconds * _WISH_SPREAD, _FIRST_DELAY_SECONDS), _LONGEST_SPREAD_SECONDS)
        return wish_seconds + random.uniform(0, most)  # noqa: S311 - spread, not secrecy
    ceiling = min(_LONGEST_DELAY_SECONDS, _FIRST_DELAY_SECONDS * 2.0**attempt)
    return random.uniform(0, ceiling)  # noqa: S311 - spread, not secrecy


def _attempt_seconds(patience: float, remaining: float) -> float:
    """Return how long one attempt may take: no longer than the caller is patient."""
    if patience <= 0:
        return REQUEST_TIMEOUT_SECONDS
    return min(REQUEST_TIMEOUT_SECONDS, max(remaining, LEAST_ATTEMPT_SECONDS))


class _Connections:
    """One connection pool, shared by all tokens of a process; a forked child opens its own."""

    def __init__(self, graphql_url: str) -> None:
        self.graphql_url = graphql_url
        self._http: HttpWire | None = None
        self._pid = 0

    def open(self) -> "HttpWire":
        if self._http is None or self._pid != os.getpid():
            self._pid = os.getpid()
            self._http = cast("HttpWire", _wire().HttpWire(self.graphql_url))
        return self._http

    async def close(self) -> None:
        if self._http is not None and self._pid == os.getpid():
            await self._http.close()
        self._http = None


class Transport:
    """Calls and subscriptions to one server with one token.

    Every call is safe to repeat: mutations carry ids or idempotency keys, so a lost answer is
    asked for again. Belongs to the event loop that first uses it.

    Args:
        url: the server's base address.
        token: an API key, agent session token or run token; a renewed one may be assigned. Where
            ``admit`` is set it is called first, until it has brought one.
        deadline_seconds: how long a call is repeated while errors look passing.
    """

    def __init__(
        self,
        url: str,
        token: str | None,
        *,
        deadline_seconds: float = DEFAULT_DEADLINE_SECONDS,
        connections: _Connections | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.token = token
        self.admit: Callable[[], Awaitable[None]] | None = None
        self.deadline_seconds = deadline_seconds
        self._connections = connections or _Connections(self.graphql_url)

    @property
    def graphql_url(self) -> str:
        """The address of the GraphQL endpoint."""
        return f"{self.url}/graphql"

    def with_token(self, token: str | None) -> "Transport":
        """Return a transport that speaks with another token over the same connections."""
        return Transport(
            self.url,
            token,
            deadline_seconds=self.deadline_seconds,
            connections=self._connections,
        )

    async def execute(
        self,
        document: str,
        variables: dict[str, Any],
        *,
        operation: str | None,
        deadline_seconds: float | None = None,
    ) -> dict[str, Any]:
        """Send one operation, again and again while errors look passing, and return its ``data``.

        Args:
            deadline_seconds: overrides the transport's; 0 tries once, for as long as one attempt
                may take. A server that accepts and never answers counts as one that is away.

        Raises:
            RetryableApiError: the deadline passed and the server was still away.
            ApiError: the server answered with an error that asking again will not change.
        """
        patience = self.deadline_seconds if deadline_seconds is None else deadline_seconds
        began_at = time.monotonic()
        deadline = began_at + patience
        attempt = 0
        while True:
            allowed = _attempt_seconds(patience, deadline - time.monotonic())
            try:
                return await self._try(document, variables, operation, timeout_seconds=allowed)
            except RetryableApiError as error:
                if isinstance(error, RateLimitedError) and deadline_seconds is None and patience:
                    deadline = max(deadline, began_at + RATE_PATIENCE_SECONDS)
                remaining = deadline - time.monotonic()
                if remaining <= (error.retry_after_seconds or 0):
                    raise
                delay = retry_delay_seconds(attempt, wish_seconds=error.retry_after_seconds)
            # The last attempt is made as the deadline passes, however long the wait was to be.
            await asyncio.sleep(min(delay, remaining))
            attempt += 1

    async def _try(
        self,
        document: str,
        variables: dict[str, Any],
        operation: str | None,
        *,
        timeout_seconds: float,
    ) -> dict[str, Any]:
        if self.admit is not None:
            await self.admit()
        return await self._connections.open().execute(
            document,
            token=self.token,
            variables=variables,
            operation=operation,
            timeout_seconds=timeout_seconds,
        )

    async def subscribe(
        self,
        document: str,
        variables: dict[str, Any],
        *,
        operation: str,
        over: Literal["websocket", "sse"] = "websocket",
    ) -> AsyncGenerator[dict[str, Any]]:
        """Open a connection of its own for one subscription and yield each message's ``data``.

        The caller re-opens a broken subscription with its cursor; nothing is repeated here.

        Raises:
            RetryableApiError: the connection could not be opened, or broke.
            ApiError: the server refused the subscription.
        """
        if self.admit is not None:
            await self.admit()
        opener = _socket() if over == "websocket" else _event_stream()
        messages = opener.subscribe(
            self.graphql_url,
            token=self.token,
            text=document,
            variables=variables,
            operation=operation,
        )
        try:
            async for message in messages:
                yield message
        finally:
            await messages.aclose()

    async def close(self) -> None:
        """Close the connections, of all tokens; the next call opens fresh ones."""
        await self._connections.close()


class SyncTransport:
    """A blocking facade: runs a :class:`Transport` on the process's background loop."""

    def __init__(
        self,
        url: str,
        token: str | None,
        *,
        deadline_seconds: float = DEFAULT_DEADLINE_SECONDS,
    ) -> None:
        self.transport = Transport(url, token, deadline_seconds=deadline_seconds)
        close_at_exit(self, self.transport.close)

    @property
    def _loop(self) -> BackgroundLoop:
        return background_loop()

    def call(
        self,
        function: Callable[Concatenate[Transport, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Call one of the typed functions of ``headgate.api`` and wait for its answer."""

        async def answer() -> T:
            return await function(self.transport, *args, **kwargs)

        return self._loop.run(answer())

    def stream(
        self,
        function: Callable[Concatenate[Transport, P], AsyncIterator[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Iterator[T]:
        """Iterate over one of the typed subscriptions of ``headgate.api``."""
        messages = function(self.transport, *args, **kwargs)

        async def following() -> tuple[T] | None:
            try:
                return (await anext(messages),)
            except StopAsyncIteration:
                return None

        while (message := self._loop.run(following())) is not None:
            yield message[0]

    def execute(
        self, document: str, variables: dict[str, Any], *, operation: str
    ) -> dict[str, Any]:
        """Send one operation and wait for its ``data``."""
        return self._loop.run(self.transport.execute(document, variables, operation=operation))

    def close(self) -> None:
        """Close the connections."""
        self._loop.run(self.transport.close())
